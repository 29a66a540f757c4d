/** Building blocks of the log's tests: a platform whose wall clock the test sets, and requests in few words. */

import { createHash } from 'node:crypto';
import type { Platform } from '../../src/core/clock.js';
import { RamaxError } from '../../src/core/errors.js';
import type {
  AppendRequest,
  LogReader,
  LogStore,
  LogWriteOutcome,
  ReadBounds,
  SealedEvent,
  SpaceRow,
} from '../../src/event-store/port.js';
import { headerOf } from '../../src/event-store/seal.js';
import { nodePlatform } from '../../src/platform/node-platform.js';

/** One log and the ways to open it. */
export interface LogFixture {
  /** Opens the log for writing, as a starting writer does; the one before is closed or was killed. */
  open(): Promise<LogStore>;
  /** Opens the log for reading beside the writer. */
  openReader(): Promise<LogReader>;
  /** Brings what is derived from the log up to date, where there is such a thing. */
  fill?(): Promise<void>;
  dispose(): Promise<void>;
}

/** Makes a fixture over an empty log. */
export type LogFixtureFactory = (platform: Platform) => Promise<LogFixture>;

/**
 * Node's platform with a wall clock that stands still until the test moves it, and a chain in which the hash of an event follows from its
 * label: `plainEvent` and `fullEvent` need not know what they follow. Events without a label are chained as in production.
 */
export function platformAt(start: number): Platform & { setNow(now: number): void } {
  let now = start;
  return {
    ...nodePlatform,
    chainDigest: (previous, header, payload) => {
      const label = /^type\.(.*)$/s.exec(String((JSON.parse(header) as unknown[])[2]))?.[1];
      return label === undefined ? nodePlatform.chainDigest(previous, header, payload) : hashOf(label);
    },
    // Both clocks stand still together: a memory that counts by either of them keeps as long.
    clock: { ...nodePlatform.clock, now: () => now, monotonicMs: () => now - start },
    setNow(next) {
      now = next;
    },
  };
}

export const wide: ReadBounds = { limit: 1_000, bytesMax: 1_000_000 };

export const invocation = '01234567-89ab-cdef-0123-456789abcdef';

/** A sealed event with every optional part, whose hash follows from its label. */
export function fullEvent(label: string, entityId = 'e1'): SealedEvent {
  return {
    ...plainEvent(label, entityId),
    version: 3,
    causationId: `cause of ${label}`,
    correlationId: `story of ${label}`,
    tags: '["a","b"]',
    metadata: '{"by":"test"}',
  };
}

/** A sealed event with nothing optional. */
export function plainEvent(label: string, entityId = 'e1', payloadBytes = 4): SealedEvent {
  return {
    entityId,
    type: `type.${label}`,
    version: 1,
    payload: new Uint8Array(payloadBytes).fill(7),
    timestamp: 1_700_000_000_123,
    causationId: null,
    correlationId: null,
    tags: null,
    metadata: null,
    hash: hashOf(label),
  };
}

export function hashOf(label: string): Uint8Array {
  return new Uint8Array(createHash('sha256').update(label).digest().subarray(0, 16));
}

/** Chains events of any kind, as a shard does. */
export function chainedAfter(
  previous: { readonly spaceSequence: number; readonly hash: Uint8Array },
  events: readonly SealedEvent[],
): readonly SealedEvent[] {
  let { spaceSequence, hash } = previous;
  return events.map((event) => {
    spaceSequence += 1;
    const header = headerOf({ ...event, spaceSequence, invocationId: invocation });
    hash = nodePlatform.chainDigest(hash, header, event.payload);
    return { ...event, hash };
  });
}

export function append(
  spaceId: number,
  previousSequence: number,
  events: readonly SealedEvent[],
  command: AppendRequest['command'] = null,
): AppendRequest {
  return { kind: 'append', spaceId, previousSequence, invocationId: invocation, events, command };
}

export function commandNamed(commandId: string): NonNullable<AppendRequest['command']> {
  return { commandId, commandName: 'do', paramsHash: 'f'.repeat(32) };
}

export async function createSpace(log: LogStore, spaceName: string): Promise<SpaceRow> {
  const [outcome] = await log.commit([{ kind: 'createSpace', spaceName, metadata: {} }]);
  if (outcome?.kind !== 'space') throw new Error(`no space was created: ${JSON.stringify(outcome)}`);
  return outcome.space;
}

/** The code of a refused outcome, else its kind. */
export function codeOf(outcome: LogWriteOutcome | undefined): string {
  return outcome?.kind === 'refused' ? outcome.error.code : (outcome?.kind ?? 'nothing');
}

/** The code of the error that `work` rejects with. */
export async function rejectionCode(work: Promise<unknown>): Promise<string> {
  try {
    await work;
  } catch (error) {
    return error instanceof RamaxError ? error.code : String(error);
  }
  return 'no error';
}

/**
 * Writes a space as a file (`space-file.ts`), in chunks, as its consumer takes them.
 *
 * Invariants: it reads a page when a chunk is asked for, and holds no transaction between two; the chain is verified on the way, so
 * that a damaged log makes no file that looks sound.
 */

import { type Platform, yieldToPorts } from '../core/clock.js';
import { RamaxError } from '../core/errors.js';
import type { LogReader, ReadBounds, SpaceRow, StoredEvent } from '../event-store/port.js';
import { genesisHash, headerOf } from '../event-store/seal.js';
import { commandLine, endLine, eventLine, headerLine, hexOf } from './space-file.js';

/** What to export. */
export interface ExportSpaceOptions {
  readonly log: Pick<LogReader, 'readSpace' | 'readCommands' | 'spaceHead'>;
  readonly space: Pick<SpaceRow, 'spaceId' | 'spaceName' | 'metadata' | 'settings'>;
  /** The last sequence. */
  readonly upTo: number;
  readonly bounds: ReadBounds;
  readonly platform: Platform;
  readonly signal?: AbortSignal | undefined;
}

/** Events between two looks at the ports: about a millisecond. */
const eventsPerSlice = 128;

/**
 * The file's bytes.
 *
 * @throws {RamaxError} `not_found` when the space is deleted meanwhile, `corrupt`, `aborted`
 */
export async function* exportSpace(options: ExportSpaceOptions): AsyncGenerator<Uint8Array, void, void> {
  const { space, upTo, platform } = options;
  const digest = platform.newDigest();
  const sent = (text: string): Uint8Array => {
    const bytes = encoder.encode(text);
    digest.update(bytes);
    return bytes;
  };
  const { spaceName, metadata } = space;
  const settings = { ...space.settings } as Record<string, never>;
  yield sent(headerLine({ spaceName, metadata, settings, lastSpaceSequence: upTo }));
  let hash = genesisHash;
  for await (const events of pages(options)) {
    hash = verified(events, hash, platform);
    for (let from = 0; from < events.length; from += eventsPerSlice) {
      if (from > 0) await yieldToPorts(platform.clock);
      yield sent(
        events
          .slice(from, from + eventsPerSlice)
          .map(eventLine)
          .join(''),
      );
    }
  }
  let commands = 0;
  for await (const records of commandPages(options)) {
    commands += records.length;
    if (records.length > 0) yield sent(records.map(commandLine).join(''));
  }
  yield encoder.encode(endLine({ events: upTo, commands, lastHash: hexOf(hash), sha256: digest.hex() }));
}

const encoder = new TextEncoder();

async function* pages(options: ExportSpaceOptions): AsyncGenerator<readonly StoredEvent[], void, void> {
  const { log, space, upTo, bounds, signal } = options;
  for (let after = 0; after < upTo; ) {
    throwIfAborted(signal);
    const events = await log.readSpace(space.spaceId, after, bounds);
    if (events.length === 0) throw await missing(options, after);
    yield events.slice(0, upTo - after);
    after += events.length;
  }
}

async function* commandPages(options: ExportSpaceOptions) {
  const { log, space, upTo, bounds, signal, platform } = options;
  for (let after = ''; ; ) {
    throwIfAborted(signal);
    const records = await log.readCommands(space.spaceId, after, bounds.limit);
    const last = records.at(-1);
    if (last === undefined) break;
    after = last.commandId;
    yield records.filter(({ spaceSequence }) => spaceSequence <= upTo);
    await yieldToPorts(platform.clock);
  }
  // A space that was deleted meanwhile has no records any more, either.
  if ((await log.spaceHead(space.spaceId)) === undefined) throw gone(options);
}

/** The last hash of the events, which follow one another and on `hash`. */
function verified(events: readonly StoredEvent[], hash: Uint8Array, platform: Platform): Uint8Array {
  let previous = hash;
  for (const event of events) {
    const expected = platform.chainDigest(previous, headerOf(event), event.payload);
    if (hexOf(expected) !== hexOf(event.hash)) {
      const { spaceId, spaceSequence, eventId } = event;
      throw new RamaxError('corrupt', `event ${spaceSequence} of space ${spaceId} does not fit its chain`, {
        details: { spaceId, spaceSequence, eventId },
      });
    }
    previous = event.hash;
  }
  return previous;
}

async function missing(options: ExportSpaceOptions, after: number): Promise<RamaxError> {
  const { log, space, upTo } = options;
  if ((await log.spaceHead(space.spaceId)) === undefined) return gone(options);
  return new RamaxError(
    'corrupt',
    `space ${space.spaceId} has lost its events from ${after + 1} to ${upTo}`,
    {
      details: { spaceId: space.spaceId, spaceSequence: after + 1 },
    },
  );
}

function gone({ space: { spaceId, spaceName } }: ExportSpaceOptions): RamaxError {
  return new RamaxError('not_found', `the space '${spaceName}' was deleted while it was exported`, {
    details: { spaceId, spaceName },
  });
}

function throwIfAborted(signal: AbortSignal | undefined): void {
  if (signal?.aborted) throw new RamaxError('aborted', 'the export was aborted', { cause: signal.reason });
}

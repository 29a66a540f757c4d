/**
 * How the bodies of commands and reads cross: as arrays, without the names of their fields, and with parameters that are text
 * already. What a handler gets is the object that was meant. (As an object, a command takes three times the time on both ends.)
 *
 * Rare fields are one place, 0 where none of them is there; parameters are the last place, absent where there are none.
 */

import type { Accepted, AppendCondition, Invocation } from '../content-store/turn.js';
import { quoted, quotedName } from '../core/json-text.js';
import type { ValueText } from '../core/value-text.js';
import type { Value } from '../core/values.js';
import type { KeyRead, QueryRead, ReadReply, SentCommand, SpaceAddress } from './bodies.js';
import type { CompactBody } from './json-frames.js';

type CommandPlaces = readonly [
  spaceId: number,
  spaceName: string,
  invocationId: string,
  command: string,
  rare: RareOfCommand | 0,
  params?: Value,
];

type RareOfCommand = readonly [
  commandId: string | null,
  paramsHash: string | null,
  causationId: string | null,
  correlationId: string | null,
  expectedSequence: number | null,
  resentAfter: number | null,
  expectedVersion?: number | null,
  metadata?: Readonly<Record<string, Value>> | null,
  failIfEventsMatch?: AppendCondition | null,
  traceparent?: string | null,
];

/** A command. */
export const compactExecute: CompactBody<SentCommand, SpaceAddress & { readonly invocation: Invocation }> = {
  write(body) {
    const { invocationId, command, params } = body.invocation;
    // A UUID is plain text.
    return `[${address(body)},"${invocationId}",${quotedName(command)},${rareOfCommand(body)}${last(params)}]`;
  },
  read(places: CommandPlaces) {
    return { spaceId: places[0], spaceName: places[1], invocation: invocationAt(places) };
  },
};

function rareOfCommand({ invocation, resentAfter }: SentCommand): string {
  const { commandId, paramsHash, causationId, correlationId, expectedSequence } = invocation;
  const { expectedVersion, metadata, failIfEventsMatch, traceparent } = invocation;
  if (
    traceparent === undefined &&
    commandId === undefined &&
    causationId === undefined &&
    correlationId === undefined &&
    expectedSequence === undefined &&
    expectedVersion === undefined &&
    metadata === undefined &&
    failIfEventsMatch === undefined &&
    resentAfter === undefined
  ) {
    return '0';
  }
  const rare = [commandId, paramsHash, causationId, correlationId, expectedSequence, resentAfter];
  const rarer = [expectedVersion, metadata, failIfEventsMatch, traceparent];
  return JSON.stringify(rarer.every((value) => value === undefined) ? rare : [...rare, ...rarer]);
}

function invocationAt(places: CommandPlaces): Invocation {
  const rare = places[4] === 0 ? noneOfCommand : places[4];
  return {
    invocationId: places[2],
    command: places[3],
    params: places[5],
    commandId: rare[0] ?? undefined,
    paramsHash: rare[1] ?? undefined,
    causationId: rare[2] ?? undefined,
    correlationId: rare[3] ?? undefined,
    expectedSequence: rare[4] ?? undefined,
    resentAfter: rare[5] ?? undefined,
    expectedVersion: rare[6] ?? undefined,
    metadata: rare[7] ?? undefined,
    failIfEventsMatch: rare[8] ?? undefined,
    traceparent: rare[9] ?? undefined,
  };
}

const noneOfCommand: RareOfCommand = [null, null, null, null, null, null];

/** The answer to a command. */
export const compactAccepted: CompactBody<Accepted> = {
  write: ({ firstEventId, eventCount, spaceSequence }) => `[${firstEventId},${eventCount},${spaceSequence}]`,
  read: ([firstEventId, eventCount, spaceSequence]: readonly [number, number, number]) => ({
    firstEventId,
    eventCount,
    spaceSequence,
  }),
};

type ReadPlaces = readonly [
  spaceId: number,
  spaceName: string,
  key: string,
  rare: readonly [view: string | null, at: number | null, depth: number | null] | 0,
];

/** A read of one key. */
export const compactRead: CompactBody<SpaceAddress & KeyRead> = {
  write(body) {
    const { key, view, at, depth } = body;
    const isCommon = view === undefined && at === undefined && depth === undefined;
    const rare = isCommon ? '0' : JSON.stringify([view, at, depth]);
    return `[${address(body)},${quoted(key)},${rare}]`;
  },
  read(places: ReadPlaces) {
    const [view, at, depth] = places[3] === 0 ? [] : places[3];
    return {
      spaceId: places[0],
      spaceName: places[1],
      key: places[2],
      view: view ?? undefined,
      at: at ?? undefined,
      depth: depth ?? undefined,
    };
  },
};

type QueryPlaces = readonly [
  spaceId: number,
  spaceName: string,
  query: string,
  at: number | null,
  params?: Value,
];

/** A query. */
export const compactQuery: CompactBody<SpaceAddress & QueryRead<ValueText>, SpaceAddress & QueryRead<Value>> =
  {
    write: (body) => `[${address(body)},${quotedName(body.query)},${body.at ?? null}${last(body.params)}]`,
    read: (places: QueryPlaces) => ({
      spaceId: places[0],
      spaceName: places[1],
      query: places[2],
      at: places[3] ?? undefined,
      params: places[4],
    }),
  };

/** What a read found: in an array, which is empty where it found nothing. */
export const compactReadReply: CompactBody<ReadReply> = {
  write: ({ value }) => (value === undefined ? '[]' : `[${JSON.stringify(value)}]`),
  read: (places: readonly Value[]) => ({ value: places[0] }),
};

function address({ spaceId, spaceName }: SpaceAddress): string {
  return `${spaceId},${quotedName(spaceName)}`;
}

/** Parameters are the last place, so that they may be absent. */
function last(params: ValueText | undefined): string {
  return params === undefined ? '' : `,${params.text}`;
}

/**
 * Verification of what one space has in the log: the chain, the order and density of its events, the lookups, and the records of its
 * commands.
 *
 * It goes on behind what is wrong. A changed event and a changed hash are told apart by the event behind them: it follows from the hash as
 * it is, or from the one that should be there.
 */

import type { ChainDigest } from '../core/clock.js';
import type { InspectedEvent, LogInspector } from '../event-store/inspector.js';
import type { CommandRecord, ReadBounds, StoredEvent } from '../event-store/port.js';
import { genesisHash, headerOf } from '../event-store/seal.js';
import type { VerifyProblem } from './report.js';
import type { SpaceVerification } from './verification.js';

const commandsAtOnce = 500;

/** Looks at all events of the space. Returns its last sequence. */
export async function verifyEvents(
  space: SpaceVerification,
  log: LogInspector,
  bounds: ReadBounds,
): Promise<number> {
  const walk = new ChainWalk(space);
  for (;;) {
    const events = await log.events(space.spaceId, walk.place, bounds);
    if (events.length === 0) break;
    for (const event of events) walk.take(event);
    await verifyLookups(space, log, events);
    space.draft.events += events.length;
    await space.step(events.length);
  }
  walk.end();
  return walk.place;
}

async function verifyLookups(
  space: SpaceVerification,
  log: LogInspector,
  events: readonly InspectedEvent[],
): Promise<void> {
  const whole = events.flatMap(({ event }) => (event?.spaceId === space.spaceId ? event : []));
  const missing = new Set(await log.notInLookups(space.spaceId, whole));
  for (const { eventId, spaceSequence, entityId } of whole) {
    if (!missing.has(eventId)) continue;
    space.problem({
      kind: 'lookup_missing',
      eventId,
      spaceSequence,
      key: entityId,
      message: 'a read by its entity or by one of its tags does not find it',
    });
  }
}

/** The chain, event by event. */
class ChainWalk {
  readonly #space: SpaceVerification;
  readonly #digest: ChainDigest;
  /** The place of the last event. */
  place = 0;
  #eventId = 0;
  /** The hash that lies there, and the one that should: the next event follows from one of them, or is damaged itself. */
  #stored: Uint8Array | undefined = genesisHash;
  #computed: Uint8Array | undefined;
  /** What is wrong with the last event, until the next one says which part of it. */
  #suspect: { readonly eventId: number; readonly spaceSequence: number } | undefined;

  constructor(space: SpaceVerification) {
    this.#space = space;
    this.#digest = space.digest;
  }

  take({ place, eventId, event }: InspectedEvent): void {
    if (place !== this.place + 1) this.#missing(place);
    if (!(eventId > this.#eventId)) {
      const message = `its event id does not come after ${this.#eventId}`;
      this.#space.problem({ kind: 'event_order', spaceSequence: place, eventId, message });
    }
    this.place = place;
    this.#eventId = Math.max(this.#eventId, Number.isSafeInteger(eventId) ? eventId : 0);
    if (event === undefined) this.#unreadable(place, eventId);
    else this.#check(event, place);
  }

  end(): void {
    this.#settle('event_changed');
  }

  #check(event: StoredEvent, place: number): void {
    const { eventId } = event;
    if (event.spaceId !== this.#space.spaceId) {
      const message = `its row says that it is of space ${event.spaceId}`;
      this.#space.problem({ kind: 'event_astray', spaceSequence: place, eventId, message });
    }
    const header = headerOf(event);
    const next = (before: Uint8Array): Uint8Array => this.#digest(before, header, event.payload);
    const fromStored = this.#stored && next(this.#stored);
    const fromComputed = this.#computed && next(this.#computed);
    // Behind a place where nothing can be read, what comes is taken as it is.
    const follows = fromStored === undefined || isSame(fromStored, event.hash);
    const followsComputed = fromComputed !== undefined && isSame(fromComputed, event.hash);
    this.#settle(!follows && followsComputed ? 'hash_changed' : 'event_changed');
    if (follows || followsComputed) this.#computed = undefined;
    else {
      this.#suspect = { eventId, spaceSequence: place };
      this.#computed = fromComputed ?? fromStored;
    }
    this.#stored = event.hash;
  }

  #settle(kind: 'hash_changed' | 'event_changed'): void {
    const suspect = this.#suspect;
    this.#suspect = undefined;
    if (suspect === undefined) return;
    const message =
      kind === 'hash_changed'
        ? 'its hash was changed, and nothing else'
        : 'its hash does not follow from it and the event before it';
    this.#space.problem({ kind, ...suspect, message });
  }

  #missing(found: number): void {
    const first = this.place + 1;
    const message =
      found - first === 1 ? 'it is missing' : `${found - first} events are missing from here on`;
    this.#space.problem({
      kind: 'event_missing',
      spaceSequence: first,
      message,
      expected: `${first}`,
      found: `${found}`,
    });
    this.#unknown();
  }

  #unreadable(place: number, eventId: number): void {
    this.#space.problem({
      kind: 'event_unreadable',
      spaceSequence: place,
      eventId,
      message: 'its columns are not of their types',
    });
    this.#unknown();
  }

  #unknown(): void {
    this.#settle('event_changed');
    this.#stored = undefined;
    this.#computed = undefined;
  }
}

/** Looks at all records of the space's commands. */
export async function verifyCommands(space: SpaceVerification, log: LogInspector): Promise<void> {
  for (let after = ''; ; ) {
    const records = await log.commands(space.spaceId, after, commandsAtOnce);
    const last = records.at(-1);
    if (last === undefined) return;
    after = last.commandId;
    for (const record of records) await verifyCommand(space, log, record);
    space.draft.commands += records.length;
    await space.step(0);
  }
}

async function verifyCommand(
  space: SpaceVerification,
  log: LogInspector,
  record: CommandRecord,
): Promise<void> {
  const { commandId, invocationId, firstEventId, eventCount, spaceSequence } = record;
  const wrong = (message: string, more: Partial<VerifyProblem> = {}): void =>
    space.problem({ kind: 'command_wrong', commandId, spaceSequence, message, ...more });
  if (eventCount === 0) {
    if (firstEventId !== 0) wrong('it has no events, and a first event');
    if (spaceSequence > 0 && (await log.eventAt(space.spaceId, spaceSequence)) === undefined)
      wrong(`it was accepted at sequence ${spaceSequence}, which the space does not have`);
    return;
  }
  const ends = [
    { place: spaceSequence - eventCount + 1, eventId: firstEventId },
    { place: spaceSequence, eventId: firstEventId + eventCount - 1 },
  ];
  for (const { place, eventId } of ends) {
    const found = await log.eventAt(space.spaceId, place);
    if (found?.eventId === eventId && found.invocationId === invocationId) continue;
    const expected = `event id ${eventId} of invocation ${invocationId} at sequence ${place}`;
    const what =
      found === undefined ? 'nothing' : `event id ${found.eventId} of invocation ${found.invocationId}`;
    wrong('its events are not where it says', { expected, found: what });
    return;
  }
}

function isSame(left: Uint8Array, right: Uint8Array): boolean {
  return left.length === right.length && left.every((byte, index) => byte === right[index]);
}

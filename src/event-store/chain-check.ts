/**
 * The check of what a read of the log has found, before anybody gets it: each event's hash is made again from the hash of the event
 * before it in its space, its facts and its payload. So is the order of the events of a space, and that none is missing.
 *
 * Owns: the last event that was checked of each space, so that a read that goes on where another has ended asks nothing more.
 * Called by: the adapters of storage that can be damaged, inside the snapshot of each read.
 *
 * Invariants:
 *   K1  An event comes out only when its hash is right after the stored hash of the event before it. Anything else is `corrupt`, with the
 *       place: `spaceId`, `spaceSequence`, `eventId`.
 *   K2  Events of one space come out dense and in order, their event ids increasing; events of all spaces in the order of their ids.
 *   K3  What cannot be told here: `event_id` and `created_at` are covered by no hash, and a log that lost its last events looks whole.
 */

import { PageWalk } from '../codec/page-walk.js';
import type { ChainDigest } from '../core/clock.js';
import type { RamaxError } from '../core/errors.js';
import { damagedLog } from './log-errors.js';
import type { EventPage, StoredEvent } from './port.js';
import { genesisHash, headerOf } from './seal.js';

/** An event as the one behind it in its space needs it. */
export interface ChainLink {
  readonly eventId: number;
  readonly hash: Uint8Array;
}

/** The last event of a space that was checked. */
interface CheckedLink extends ChainLink {
  readonly spaceSequence: number;
}

/** Spaces whose last checked event is remembered, about 200 bytes each. */
const linksMax = 8_192;

const origin: ChainLink = { eventId: 0, hash: genesisHash };

/** An event as far as the check needs it. */
interface Checked {
  readonly eventId: number;
  readonly spaceId: number;
  readonly spaceSequence: number;
  readonly hash: Uint8Array;
  readonly payload: Uint8Array;
  readonly header: string;
}

/** See the head of this file. */
export class ChainCheck {
  readonly #digest: ChainDigest;
  readonly #linkAt: (spaceId: number, spaceSequence: number) => ChainLink | undefined;
  readonly #links = new Map<number, CheckedLink>();

  /** @param linkAt reads the event at a sequence, in the snapshot of the read that is checked */
  constructor(
    digest: ChainDigest,
    linkAt: (spaceId: number, spaceSequence: number) => ChainLink | undefined,
  ) {
    this.#digest = digest;
    this.#linkAt = linkAt;
  }

  /** A page of the events of one space behind `after`. */
  spacePage(page: EventPage, spaceId: number, after: number): void {
    const walk = new PageWalk(page);
    const run = new SpaceRun(this.#digest, spaceId, after);
    for (let more = walk.next(); more !== false; more = walk.next()) {
      if (more === undefined) throw unreadable(spaceId, run.spaceSequence + 1);
      if (run.isFirst) run.begin(this.#before(spaceId, after + 1));
      run.check(walk);
    }
    this.#remember(spaceId, run);
  }

  /** Events of one space behind `after`. */
  spaceEvents(events: readonly StoredEvent[], spaceId: number, after: number): void {
    const run = new SpaceRun(this.#digest, spaceId, after);
    for (const event of events) {
      if (run.isFirst) run.begin(this.#before(spaceId, after + 1));
      run.check(checkedOf(event));
    }
    this.#remember(spaceId, run);
  }

  /** A page of the events of all spaces. */
  allPage(page: EventPage): void {
    const walk = new PageWalk(page);
    const runs = new AllRuns(this.#digest, (spaceId, sequence) => this.#before(spaceId, sequence));
    for (let more = walk.next(); more !== false; more = walk.next()) {
      if (more === undefined) throw unreadable(walk.spaceId, walk.spaceSequence);
      runs.check(walk);
    }
    for (const run of runs.all) this.#remember(run.spaceId, run);
  }

  /** Events of all spaces. */
  allEvents(events: readonly StoredEvent[]): void {
    const runs = new AllRuns(this.#digest, (spaceId, sequence) => this.#before(spaceId, sequence));
    for (const event of events) runs.check(checkedOf(event));
    for (const run of runs.all) this.#remember(run.spaceId, run);
  }

  /** One event on its own. */
  event(event: StoredEvent, spaceId: number): void {
    const run = new SpaceRun(this.#digest, spaceId, event.spaceSequence - 1);
    run.begin(this.#before(spaceId, event.spaceSequence));
    run.check(checkedOf(event));
  }

  /** The event before a sequence; undefined when it is not there. */
  #before(spaceId: number, spaceSequence: number): ChainLink | undefined {
    if (spaceSequence === 1) return origin;
    const known = this.#links.get(spaceId);
    return known?.spaceSequence === spaceSequence - 1 ? known : this.#linkAt(spaceId, spaceSequence - 1);
  }

  #remember(spaceId: number, { spaceSequence, link, isFirst }: SpaceRun): void {
    if (isFirst) return;
    if (this.#links.size >= linksMax) this.#links.clear();
    // A copy: the hash lies in its page, and would keep all of that.
    this.#links.set(spaceId, { spaceSequence, eventId: link.eventId, hash: new Uint8Array(link.hash) });
  }
}

/** The events of one space in a read, one after the other. */
class SpaceRun {
  readonly #digest: ChainDigest;
  readonly spaceId: number;
  /** The last event checked. */
  spaceSequence: number;
  link: ChainLink = origin;
  isFirst = true;

  constructor(digest: ChainDigest, spaceId: number, after: number) {
    this.#digest = digest;
    this.spaceId = spaceId;
    this.spaceSequence = after;
  }

  begin(before: ChainLink | undefined): void {
    if (before === undefined)
      throw damagedLog({ spaceId: this.spaceId, spaceSequence: this.spaceSequence }, 'it is missing');
    this.link = before;
    this.isFirst = false;
  }

  check(event: Checked): void {
    const expected = this.spaceSequence + 1;
    if (event.spaceSequence !== expected) {
      throw damagedLog(
        { spaceId: this.spaceId, spaceSequence: expected },
        `found sequence ${event.spaceSequence} in its place`,
      );
    }
    if (event.spaceId !== this.spaceId)
      throw this.#damaged(event, `it says that it is of space ${event.spaceId}`);
    if (!(event.eventId > this.link.eventId))
      throw this.#damaged(event, `its event id does not come after ${this.link.eventId}`);
    if (!isSameHash(this.#digest(this.link.hash, event.header, event.payload), event.hash))
      throw this.#damaged(event, 'its hash does not follow from it and the event before it');
    this.spaceSequence = expected;
    // A new object, because a walk goes on: its fields are soon those of the next event.
    this.link = { eventId: event.eventId, hash: event.hash };
  }

  #damaged({ eventId, spaceSequence }: Checked, what: string): RamaxError {
    return damagedLog({ spaceId: this.spaceId, spaceSequence, eventId }, what);
  }
}

/** The events of all spaces in a read: those of each space are a run. */
class AllRuns {
  readonly #digest: ChainDigest;
  readonly #before: (spaceId: number, spaceSequence: number) => ChainLink | undefined;
  readonly #runs = new Map<number, SpaceRun>();
  #lastEventId = 0;

  constructor(
    digest: ChainDigest,
    before: (spaceId: number, spaceSequence: number) => ChainLink | undefined,
  ) {
    this.#digest = digest;
    this.#before = before;
  }

  get all(): Iterable<SpaceRun> {
    return this.#runs.values();
  }

  check(event: Checked): void {
    const { eventId, spaceId, spaceSequence } = event;
    if (!(eventId > this.#lastEventId)) {
      throw damagedLog({ spaceId, spaceSequence, eventId }, `found behind event id ${this.#lastEventId}`);
    }
    this.#lastEventId = eventId;
    let run = this.#runs.get(spaceId);
    if (run === undefined) {
      run = new SpaceRun(this.#digest, spaceId, spaceSequence - 1);
      run.begin(spaceSequence >= 1 ? this.#before(spaceId, spaceSequence) : undefined);
      this.#runs.set(spaceId, run);
    }
    run.check(event);
  }
}

function checkedOf(event: StoredEvent): Checked {
  const { eventId, spaceId, spaceSequence, hash, payload } = event;
  return { eventId, spaceId, spaceSequence, hash, payload, header: headerOf(event) };
}

function unreadable(spaceId: number, spaceSequence: number): RamaxError {
  return damagedLog({ spaceId, spaceSequence }, 'it cannot be read');
}

/** Whether two hashes are the same. */
export function isSameHash(left: Uint8Array, right: Uint8Array): boolean {
  if (left.length !== right.length) return false;
  for (let index = 0; index < left.length; index++) if (left[index] !== right[index]) return false;
  return true;
}

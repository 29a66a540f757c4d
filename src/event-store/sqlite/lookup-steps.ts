/**
 * Steps of a filtered read that the lookups lead: where each item of a query names an entity or tags, only events that have an entry for
 * them are read. What the lookups do not cover yet is gone through.
 *
 * Called by: the reader of the log. `select-events.ts` looks at every event that comes from here and decides whether it matches.
 *
 * Invariants:
 *   - As for reads by entity (`entity-reads.ts`): the lookups are looked at before the log, their mark bounds what is taken from them,
 *     the log is read in one snapshot for each step, and without lookups that count everything is gone through.
 *   - An entry is a hint. Those whose event is gone or is of another space are passed over; what comes was checked against its chain.
 *   - A step that the lookups do not get on with goes through events instead: each step makes progress.
 */

import type { CheckedEventQuery, CheckedQueryItem } from '../../core/event-query.js';
import type { EventSelection, StoredEvent } from '../port.js';
import type { SelectStep, SelectSteps, StepBounds } from '../select-events.js';
import { filledUpTo } from './entity-reads.js';
import { EntryBudget, EntryMerge, type EntryPage } from './entry-merge.js';
import type { LogQueries } from './log-queries.js';
import type { EntryRange, LookupReader, Lookups } from './lookup-reader.js';

/** Entries that count as much as one event that is looked at: an event by its entry takes 13 µs, an entry 0.3 to 3. */
const entriesPerEvent = 4;
/** Entries that are gathered at least before their events are read: the first ones may not be meant, because of their type. */
const gatheredMin = 16;
/**
 * Where no more events for each entry lie between the first and the last, all of them are gone through: in order an event takes 4.5 µs,
 * and one by its entry 13.
 */
const denseEventsPerEntry = 3;

/** The part of one space that a read selects from. */
export interface LookupSelection extends Pick<EventSelection, 'direction' | 'after' | 'upTo'> {
  readonly spaceId: number;
  readonly query: CheckedEventQuery;
}

/** Whether the lookups can lead a read of one space: every item of its query names an entity or tags. */
export function canBeLed({ items }: CheckedEventQuery): boolean {
  return items.every(({ entityId, tags }) => entityId !== undefined || tags !== undefined);
}

/** Event ids and places that one step is about; in the direction of the read. */
interface Part {
  /** Entries with `afterId < event id <= upToId`. */
  readonly afterId: number;
  readonly upToId: number;
  /** Where the read goes on when there are no more. */
  readonly end: number;
}

/** See the head of this file. */
export class LookupSteps implements SelectSteps {
  readonly #queries: LogQueries;
  readonly #reader: LookupReader;
  readonly #selection: LookupSelection;
  readonly #scan: SelectSteps;

  /** @param scan the steps that go through everything */
  constructor(queries: LogQueries, reader: LookupReader, selection: LookupSelection, scan: SelectSteps) {
    this.#queries = queries;
    this.#reader = reader;
    this.#selection = selection;
    this.#scan = scan;
  }

  positionOf(event: StoredEvent): number {
    return event.spaceSequence;
  }

  forwards(after: number, bounds: StepBounds): SelectStep {
    const { spaceId, upTo } = this.#selection;
    return this.#withLookups((lookups, filled) => {
      const scan = () => this.#scan.forwards(after, bounds);
      if (lookups === undefined) return scan();
      const end = Math.min(upTo, this.#queries.sequenceUpTo(spaceId, filled));
      if (after >= end) return scan();
      const afterId = this.#queries.eventIdUpTo(spaceId, after);
      const upToId = this.#queries.eventIdUpTo(spaceId, end);
      const step = this.#led(lookups, { afterId, upToId, end }, bounds);
      return step.position === after ? scan() : step;
    });
  }

  backwards(upTo: number, bounds: StepBounds): SelectStep {
    const { spaceId, after } = this.#selection;
    return this.#withLookups((lookups, filled) => {
      const scan = (limit = bounds.limit) => this.#scan.backwards(upTo, { ...bounds, limit });
      if (lookups === undefined) return scan();
      const covered = this.#queries.sequenceUpTo(spaceId, filled);
      const tail = Math.min(upTo, this.#queries.lastSequence(spaceId)) - covered;
      if (tail > 0) return scan(Math.min(tail, bounds.limit));
      const upToId = this.#queries.eventIdUpTo(spaceId, Math.min(upTo, covered));
      const afterId = this.#queries.eventIdUpTo(spaceId, after);
      const step = this.#led(lookups, { afterId, upToId, end: after }, bounds);
      return step.position === upTo ? scan() : step;
    });
  }

  /** One state of the lookups and then one of the log; without lookups where they cannot be relied on. */
  #withLookups(step: (lookups: Lookups | undefined, filled: number) => SelectStep): SelectStep {
    const { spaceId } = this.#selection;
    return this.#reader.read((lookups) => {
      const filled = lookups && filledUpTo(lookups, this.#queries, spaceId);
      return this.#queries.inSnapshot(() =>
        filled === undefined || !this.#queries.isLive(spaceId) ? step(undefined, 0) : step(lookups, filled),
      );
    });
  }

  #led(lookups: Lookups, part: Part, bounds: StepBounds): SelectStep {
    const budget = new EntryBudget(entriesPerEvent * bounds.limit);
    const { ids, knownUpTo } = this.#gather(lookups, part, budget, bounds);
    const dense = this.#dense(ids, bounds);
    if (dense !== undefined) return dense;
    const events: StoredEvent[] = [];
    let bytes = 0;
    let known = knownUpTo;
    for (const id of ids) {
      const event = this.#queries.entryEvent(id, this.#selection.spaceId);
      bytes += event?.payload.byteLength ?? 0;
      if (bytes > bounds.bytesMax && events.length > 0) {
        known = this.#isBack ? -id - 1 : id - 1;
        break;
      }
      if (event !== undefined) events.push(event);
    }
    const looked = Math.max(events.length, Math.ceil(budget.read / entriesPerEvent));
    return { events, position: this.#positionBehind(known, part.end), looked };
  }

  get #isBack(): boolean {
    return this.#selection.direction === 'backwards';
  }

  /** Ids of events that may match, in the direction of the read, and the key up to which there are no others. */
  #gather(
    lookups: Lookups,
    part: Part,
    budget: EntryBudget,
    { limit, room }: StepBounds,
  ): { readonly ids: readonly number[]; readonly knownUpTo: number } {
    const items = this.#selection.query.items.map((item) => this.#listsOf(lookups, item, part));
    const merge = new EntryMerge(items, budget);
    const gatheredMax = Math.min(limit, Math.max(room, gatheredMin));
    const ids: number[] = [];
    let knownUpTo = this.#isBack ? -part.upToId - 1 : part.afterId;
    while (ids.length < gatheredMax) {
      const { key, isEntry } = merge.next(knownUpTo);
      knownUpTo = key;
      if (!isEntry) break;
      ids.push(Math.abs(key));
    }
    return { ids, knownUpTo };
  }

  #listsOf(lookups: Lookups, { entityId, tags = [] }: CheckedQueryItem, part: Part): readonly EntryPage[] {
    const lists = tags.map((tag) => this.#listOf(lookups, 'tag', tag, part));
    return entityId === undefined ? lists : [this.#listOf(lookups, 'entity', entityId, part), ...lists];
  }

  #listOf(lookups: Lookups, of: EntryRange['of'], key: string, { afterId, upToId }: Part): EntryPage {
    const { spaceId } = this.#selection;
    if (!this.#isBack)
      return (after, limit) => lookups.entries({ of, spaceId, key, after, upTo: upToId }, limit);
    return (after, limit) =>
      lookups
        .entries({ of, spaceId, key, after: afterId, upTo: -after - 1 }, limit, 'backwards')
        .map((id) => -id);
  }

  /** The step that goes through everything, where entries lie so close that it is the cheaper one. */
  #dense(ids: readonly number[], bounds: StepBounds): SelectStep | undefined {
    if (ids.length < gatheredMin) return undefined;
    const [from, to] = [this.#sequenceOf(ids.at(0)), this.#sequenceOf(ids.at(-1))];
    if (from === undefined || to === undefined) return undefined;
    const events = Math.abs(to - from) + 1;
    if (events > denseEventsPerEntry * ids.length) return undefined;
    const stepBounds = { ...bounds, limit: Math.min(events, bounds.limit) };
    return this.#isBack ? this.#scan.backwards(from, stepBounds) : this.#scan.forwards(from - 1, stepBounds);
  }

  #sequenceOf(eventId: number | undefined): number | undefined {
    return eventId && this.#queries.sequenceOf(this.#selection.spaceId, eventId);
  }

  /** Where the read goes on when everything up to this key is known. */
  #positionBehind(knownUpTo: number, end: number): number {
    if (knownUpTo === Number.POSITIVE_INFINITY) return end;
    return this.#queries.sequenceUpTo(this.#selection.spaceId, this.#isBack ? -knownUpTo - 1 : knownUpTo);
  }
}

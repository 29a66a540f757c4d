/**
 * Filtered reads of the log: goes through its events in bounded steps, forwards or backwards, and gives those that match. Pure over
 * its steps; both adapters use it, and a plain filter says the same (`test/event-store/select-events.contract.ts`). A step goes
 * through everything (`scanSteps`), or is led by lookups and passes over what cannot match (`sqlite/lookup-steps.ts`).
 *
 * Invariants:
 *   F1  All matching events between where a read began and its `position` were given, once, in order; so an empty page makes progress.
 *   F2  One read begins no further step when `scanEventsMax` events were looked at, or 16 MiB of payloads: it ends in bounded time,
 *       whatever matches.
 *   F3  Direction changes the order of the events, never which they are.
 *   F4  No transaction is held between two steps.
 */

import { type CheckedEventQuery, matchesQuery } from '../core/event-query.js';
import { damagedLog } from './log-errors.js';
import type { EventSelection, ReadBounds, SelectBounds, SelectedEvents, StoredEvent } from './port.js';

/** The bounds of one step. */
export interface StepBounds extends ReadBounds {
  /** So many more events has the page room for. */
  readonly room: number;
}

/** What one step has found. */
export interface SelectStep {
  /** In order. What lies between them, and from the last one up to `position`, does not match; of these themselves, any may not. */
  readonly events: readonly StoredEvent[];
  /** Where the next step goes on: as its `after`, or backwards as its `upTo`. Undefined: there are no more. */
  readonly position: number | undefined;
  /** How many of the read's `scanEventsMax` it takes. */
  readonly looked: number;
}

/** The steps of a selection. Each makes progress. */
export interface SelectSteps {
  /** Where an event is: its sequence, or its id in a read over all spaces. */
  readonly positionOf: (event: StoredEvent) => number;
  readonly forwards: (after: number, bounds: StepBounds) => SelectStep;
  readonly backwards: (upTo: number, bounds: StepBounds) => SelectStep;
}

/** The reads of steps that go through everything. */
export interface ScanReads {
  readonly positionOf: (event: StoredEvent) => number;
  /** Events behind `after`, in order. None: there are no more. */
  readonly forwards: (after: number, bounds: ReadBounds) => readonly StoredEvent[];
  /** Events up to `upTo`, the last one first. None: there are no more. */
  readonly backwards: (upTo: number, bounds: ReadBounds) => readonly StoredEvent[];
}

/** Steps that go through everything. */
export function scanSteps({ positionOf, forwards, backwards }: ScanReads): SelectSteps {
  const step = (events: readonly StoredEvent[], beside: number): SelectStep => {
    const last = events.at(-1);
    return { events, position: last && positionOf(last) + beside, looked: events.length };
  };
  return {
    positionOf,
    forwards: (after, { limit, bytesMax }) => step(forwards(after, { limit, bytesMax }), 0),
    backwards: (upTo, { limit, bytesMax }) => step(backwards(upTo, { limit, bytesMax }), -1),
  };
}

/** Events of one step at most, so that its transaction is short. */
const stepEventsMax = 1_000;
/** Payloads that one read looks at before it begins no further step. */
const lookBytesMax = 16 * 1024 * 1024;

/** See the head of this file. */
export function selectEvents(
  selection: EventSelection,
  bounds: SelectBounds,
  steps: SelectSteps,
): SelectedEvents {
  const isForwards = selection.direction === 'forwards';
  const { after, upTo } = selection;
  const isFiltered =
    selection.query !== undefined || selection.since !== undefined || selection.until !== undefined;
  const page = new SelectedPage(bounds);
  let position = isForwards ? after : upTo;
  let bytesLeft = lookBytesMax;
  for (let left = bounds.scanEventsMax; left > 0 && bytesLeft > 0; ) {
    if (isForwards ? position >= upTo : position <= after) return page.end(position);
    const limit = Math.min(stepEventsMax, left, isFiltered ? left : bounds.limit - page.events.length);
    const stepBounds = { limit, bytesMax: bounds.bytesMax, room: bounds.limit - page.events.length };
    const step = isForwards ? steps.forwards(position, stepBounds) : steps.backwards(position, stepBounds);
    for (const event of step.events) {
      const at = steps.positionOf(event);
      if (isForwards ? at > upTo : at <= after) return page.end(isForwards ? upTo : after);
      if (matchesSelection(selection, event) && !page.take(event)) return page.more(position);
      position = isForwards ? at : at - 1;
      bytesLeft -= event.payload.byteLength;
    }
    if (step.position === undefined) return page.end(isForwards ? position : after);
    position = step.position;
    left -= step.looked;
    if (page.isFull) return page.more(position);
  }
  return page.more(position);
}

/** Whether a stored event is one of those that are selected, its place apart. */
export function matchesSelection({ query, since, until }: EventSelection, event: StoredEvent): boolean {
  if (since !== undefined && event.timestamp < since) return false;
  if (until !== undefined && event.timestamp > until) return false;
  return query === undefined || matchesStored(query, event);
}

/** Whether a query means a stored event. Its tags are parsed only where there are any. */
export function matchesStored(query: CheckedEventQuery, event: StoredEvent): boolean {
  const { type, entityId, tags } = event;
  return matchesQuery(query, { type, entityId, tags: tags === null ? noTags : tagsOf(event, tags) });
}

const noTags: readonly string[] = [];

function tagsOf({ spaceId, spaceSequence, eventId }: StoredEvent, text: string): readonly string[] {
  try {
    const tags: unknown = JSON.parse(text);
    if (Array.isArray(tags)) return tags;
  } catch {
    // Said below.
  }
  throw damagedLog({ spaceId, spaceSequence, eventId }, 'its tags cannot be read');
}

/** Events within the bounds of one read. */
class SelectedPage {
  readonly #bounds: ReadBounds;
  #bytes = 0;
  readonly events: StoredEvent[] = [];

  constructor(bounds: ReadBounds) {
    this.#bounds = bounds;
  }

  get isFull(): boolean {
    return this.events.length >= this.#bounds.limit;
  }

  /** Adds an event, or says false when there is no room for it. */
  take(event: StoredEvent): boolean {
    const bytes = this.#bytes + event.payload.byteLength;
    if (this.isFull || (bytes > this.#bounds.bytesMax && this.events.length > 0)) return false;
    this.#bytes = bytes;
    this.events.push(event);
    return true;
  }

  more(position: number): SelectedEvents {
    return { events: this.events, position, isEnd: false };
  }

  end(position: number): SelectedEvents {
    return { events: this.events, position, isEnd: true };
  }
}

/**
 * Reads by entity: first what the lookups have, then the part of the space that they do not cover yet.
 *
 * Invariants:
 *   - The lookups are looked at before the log, and their mark bounds what is taken from them, so a run of the filler in
 *     between loses nothing and gives nothing twice: what lies above the mark is found in the log.
 *   - The log is read in one snapshot (L6), and no transaction outlives the read (L7).
 *   - Without lookups that count, the whole space is looked through: slower, and the same answer.
 *   - What is looked at is checked against the chain, whether it is the entity's or not. An entry that the lookups have lost is not
 *     noticed here; `verify` compares them with the log.
 */

import type { ReadBounds, StoredEvent } from '../port.js';
import type { LogQueries } from './log-queries.js';
import type { LookupReader, Lookups } from './lookup-reader.js';

/** The event id up to which a space's entries are complete, or undefined where they cannot be relied on. */
export function filledUpTo(lookups: Lookups, queries: LogQueries, spaceId: number): number | undefined {
  if (lookups.logId !== queries.logId || lookups.isSwept(spaceId)) return undefined;
  return lookups.mark((mark) => queries.isMarked(mark))?.eventId;
}

/** See the head of this file. */
export class EntityReads {
  readonly #queries: LogQueries;
  readonly #lookups: LookupReader;

  constructor(queries: LogQueries, lookups: LookupReader) {
    this.#queries = queries;
    this.#lookups = lookups;
  }

  /** See `LogReader.readEntity`. */
  readEntity(spaceId: number, entityId: string, after: number, bounds: ReadBounds): readonly StoredEvent[] {
    return this.#lookups.read((lookups) => {
      const entries = lookups === undefined ? undefined : this.#entries(lookups, spaceId, entityId);
      return this.#queries.inSnapshot(() => this.#read(entries, spaceId, entityId, after, bounds));
    });
  }

  /** The entity's entries, or undefined when they cannot be relied on. */
  #entries(lookups: Lookups, spaceId: number, entityId: string): Entries | undefined {
    const upTo = filledUpTo(lookups, this.#queries, spaceId);
    if (upTo === undefined) return undefined;
    return {
      upTo,
      page: (after, limit) => lookups.entries({ of: 'entity', spaceId, key: entityId, after, upTo }, limit),
    };
  }

  #read(
    entries: Entries | undefined,
    spaceId: number,
    entityId: string,
    after: number,
    bounds: ReadBounds,
  ): readonly StoredEvent[] {
    if (!this.#queries.isLive(spaceId)) return [];
    if (entries === undefined) return this.#queries.scanEntity(spaceId, entityId, after, bounds);
    const page = new Page(bounds);
    this.#takeEntries(page, entries, spaceId, entityId, this.#queries.eventIdUpTo(spaceId, after));
    const left = page.left();
    if (left === undefined) return page.events;
    const from = Math.max(after, this.#queries.sequenceUpTo(spaceId, entries.upTo));
    // Most of the time there is none, and to ask for the last sequence takes a seventh of looking for events.
    if (from >= this.#queries.lastSequence(spaceId)) return page.events;
    for (const event of this.#queries.scanEntity(spaceId, entityId, from, left)) page.take(event);
    return page.events;
  }

  /** Entries whose event is gone, or another one, are passed over: then the next ones are asked for. */
  #takeEntries(page: Page, entries: Entries, spaceId: number, entityId: string, afterEventId: number): void {
    for (let after: number | undefined = afterEventId; after !== undefined; ) {
      const limit = page.left()?.limit;
      if (limit === undefined) return;
      const ids = entries.page(after, limit);
      for (const id of ids) {
        const event = this.#queries.entryEvent(id, spaceId);
        if (event?.entityId === entityId && !page.take(event)) return;
      }
      after = ids.length === limit ? ids.at(-1) : undefined;
    }
  }
}

interface Entries {
  /** Every event up to this one has its entry. */
  readonly upTo: number;
  readonly page: (after: number, limit: number) => readonly number[];
}

/** Events within the bounds of one read. */
class Page {
  readonly #bounds: ReadBounds;
  #bytes = 0;
  #isFull = false;
  readonly events: StoredEvent[] = [];

  constructor(bounds: ReadBounds) {
    this.#bounds = bounds;
  }

  /** Adds an event, or says false when there is no room for it and for any after it. */
  take(event: StoredEvent): boolean {
    const bytes = this.#bytes + event.payload.byteLength;
    if (this.#isFull || (bytes > this.#bounds.bytesMax && this.events.length > 0)) {
      this.#isFull = true;
      return false;
    }
    this.#bytes = bytes;
    this.events.push(event);
    this.#isFull = this.events.length === this.#bounds.limit;
    return true;
  }

  /** What is left of the bounds, or undefined when the page is full. */
  left(): ReadBounds | undefined {
    if (this.#isFull) return undefined;
    const { limit, bytesMax } = this.#bounds;
    return { limit: limit - this.events.length, bytesMax: bytesMax - this.#bytes };
  }
}

/**
 * Pages of events: what a storage can write in one go, what crosses threads for nothing, and the events in it.
 *
 * Reading one long text is faster than fetching as many values one by one, and so is one piece of bytes: of 100,000 events,
 * streamed to another thread, an event took 3.6 instead of 13 µs on both threads together.
 */

import { assert } from '../core/assert.js';
import { bytesToUuid } from '../core/uuid-text.js';
import type { EventPage, StoredEvent } from '../event-store/port.js';

/** An event's facts without its bytes, in the order in which the columns of the log are read. */
export type EventFacts = readonly [
  eventId: number,
  spaceId: number,
  spaceSequence: number,
  entityId: string,
  type: string,
  version: number,
  timestamp: number,
  causationId: string | null,
  correlationId: string | null,
  tags: string | null,
  metadata: string | null,
];

const invocationIdBytes = 16;
const hashBytes = 16;
/** Where the hash begins in an event's bytes. */
export const hashStart = invocationIdBytes;
/** Where the payload begins in an event's bytes. */
export const payloadStart = invocationIdBytes + hashBytes;

/** The events of a page. Their bytes are views of the page's. */
export function eventsOfPage({ facts, bytes }: EventPage): readonly StoredEvent[] {
  let start = 0;
  let eventId = 0;
  const events: StoredEvent[] = [];
  for (const row of JSON.parse(facts) as readonly (readonly [...EventFacts, payloadBytes: number])[]) {
    const payloadBytes = row[11];
    assert(row[0] > eventId, 'a page is in the order of the log');
    eventId = row[0];
    events.push(eventOf(row, bytes, start, payloadBytes));
    start += payloadStart + payloadBytes;
  }
  assert(start === bytes.length, 'a page has the bytes of its events');
  return events;
}

/** An event of its facts and its bytes from `start` on. */
export function eventOf(
  facts: readonly [...EventFacts, ...unknown[]],
  bytes: Uint8Array,
  start: number,
  payloadBytes: number,
): StoredEvent {
  const { buffer, byteOffset } = bytes;
  return {
    eventId: facts[0],
    spaceId: facts[1],
    spaceSequence: facts[2],
    entityId: facts[3],
    type: facts[4],
    version: facts[5],
    payload: new Uint8Array(buffer, byteOffset + start + payloadStart, payloadBytes),
    timestamp: facts[6],
    causationId: facts[7],
    correlationId: facts[8],
    tags: facts[9],
    metadata: facts[10],
    invocationId: bytesToUuid(bytes, start),
    hash: new Uint8Array(buffer, byteOffset + start + hashStart, hashBytes),
  };
}

/** Reads of the log for the public API: bounded batches off the hot path, opened on main as they are consumed. */

import type { RamaxError } from '../core/errors.js';
import type { RecordedEvent } from '../core/event.js';
import type { Limits } from '../core/limits.js';
import { checkId, checkInteger, checkOptions } from '../core/names.js';
import type { LogReader, ReadBounds, StoredEvent } from '../event-store/port.js';
import { openForReader } from '../event-store/seal.js';
import { streamPages } from '../event-store/stream-pages.js';
import { spaceNotFound } from '../space/space-errors.js';
import { checkSignal } from './calls.js';

/** Which events to stream. */
export interface StreamOptions {
  /** Only events after this place: `spaceSequence > from` in one space, `eventId > from` over all. Default 0. */
  readonly from?: number;
  /** Ends the stream with `aborted`. */
  readonly signal?: AbortSignal;
}

/** See the head of this file. */
export class EventReads {
  readonly #log: LogReader;
  readonly #bounds: ReadBounds;
  readonly #idBytesMax: number;
  #closed: RamaxError | undefined;

  constructor(log: LogReader, limits: Limits) {
    this.#log = log;
    this.#bounds = { limit: limits.readEventsMax, bytesMax: limits.readBytesMax };
    this.#idBytesMax = limits.idBytesMax;
  }

  /** Every read fails with `error` from now on. */
  close(error: RamaxError): void {
    this.#closed = error;
  }

  streamSpace(spaceId: number, options: StreamOptions): AsyncIterableIterator<RecordedEvent> {
    return this.#stream(
      options,
      'spaceSequence',
      (after) => this.#log.readSpace(spaceId, after, this.#bounds),
      spaceId,
    );
  }

  streamEntity(
    spaceId: number,
    entityId: string,
    options: StreamOptions,
  ): AsyncIterableIterator<RecordedEvent> {
    checkId(entityId, 'entityId', this.#idBytesMax);
    const read = (after: number) => this.#log.readEntity(spaceId, entityId, after, this.#bounds);
    return this.#stream(options, 'spaceSequence', read, spaceId);
  }

  streamAll(options: StreamOptions): AsyncIterableIterator<RecordedEvent> {
    return this.#stream(options, 'eventId', (after) => this.#log.readAll(after, this.#bounds), undefined);
  }

  async readEvent(spaceId: number, eventId: number): Promise<RecordedEvent | undefined> {
    checkInteger(eventId, 'eventId', 1);
    this.#assertOpen();
    const stored = await this.#log.readEvent(spaceId, eventId);
    return stored === undefined ? undefined : openForReader(stored);
  }

  async latestSequence(spaceId: number): Promise<number> {
    this.#assertOpen();
    const head = await this.#log.spaceHead(spaceId);
    if (head === undefined) throw spaceNotFound(spaceId);
    return head.lastSpaceSequence;
  }

  async latestEventId(): Promise<number> {
    this.#assertOpen();
    return this.#log.latestEventId();
  }

  #stream(
    options: StreamOptions,
    position: 'spaceSequence' | 'eventId',
    read: (after: number) => Promise<readonly StoredEvent[]>,
    spaceId: number | undefined,
  ): AsyncIterableIterator<RecordedEvent> {
    checkOptions(options);
    const { from = 0, signal } = options;
    checkInteger(from, 'from', 0);
    checkSignal(signal);
    let isFirst = true;
    const readAfter = async (after: number): Promise<readonly StoredEvent[]> => {
      this.#assertOpen();
      // A deleted space has no events; say so instead of ending as if it were empty.
      if (isFirst && spaceId !== undefined) await this.latestSequence(spaceId);
      isFirst = false;
      return read(after);
    };
    return opened(streamPages({ readAfter, positionOf: (event) => event[position], from, signal }));
  }

  #assertOpen(): void {
    if (this.#closed !== undefined) throw this.#closed;
  }
}

async function* opened(events: AsyncIterable<StoredEvent>): AsyncGenerator<RecordedEvent, void, void> {
  for await (const event of events) yield openForReader(event);
}

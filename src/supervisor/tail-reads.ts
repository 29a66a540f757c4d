/**
 * Reads at the ends of logs, shared: many who wait at the same position of the same space are woken by the same commit, and need one
 * page together. One page is kept for each position, as long as nothing new was committed there, and all of them within a bound of bytes.
 *
 * Invariants: a page is shared only between reads of one version of its place (`commit-notices.ts`), so nobody gets an older one than a read of
 * its own would give; a page with sealed payloads is never kept, because its key may be forgotten.
 */

import { isSealed } from '../core/cipher.js';
import type { RecordedEvent } from '../core/event.js';
import type { StoredEvent } from '../event-store/port.js';
import { openReadableWherePossible, type ReadableEvent, storedOf } from '../event-store/upcasting.js';
import type { CommitNotices } from './commit-notices.js';

/** An event of the log, and what readers get of it: one event, or as many as the app's upcasters make of it. */
export interface TailEvent {
  readonly stored: StoredEvent;
  readonly events: readonly RecordedEvent[];
}

/** One page of a log. Each event is opened when its turn has come, and once. */
export class TailPage {
  readonly #read: readonly ReadableEvent[];
  readonly #opened: (TailEvent | undefined)[] = [];
  /** What the place was when it was read. */
  readonly version: number;

  constructor(read: readonly ReadableEvent[], version: number) {
    this.#read = read;
    this.version = version;
  }

  get length(): number {
    return this.#read.length;
  }

  get bytes(): number {
    const bytesOf = (event: ReadableEvent): number => storedOf(event).payload.byteLength + eventBytes;
    return this.#read.reduce((bytes, event) => bytes + bytesOf(event), eventBytes);
  }

  at(index: number): TailEvent | undefined {
    const event = this.#read[index];
    if (event === undefined) return undefined;
    const opened = this.#opened[index] ?? openedOf(event);
    this.#opened[index] = opened;
    return opened;
  }
}

function openedOf(event: ReadableEvent): TailEvent {
  return { stored: storedOf(event), events: [openReadableWherePossible(event)].flat() };
}

/** What an event takes besides its payload, and a page besides its events, about. */
const eventBytes = 512;

interface Shared {
  readonly version: number;
  readonly page: Promise<TailPage>;
  bytes: number;
}

/** What tail reads stand on. */
export interface TailReadsOptions {
  readonly notices: CommitNotices;
  /** Reads events after a position with their payloads open and in their present shapes, as stored where that is not possible. */
  readonly read: (
    spaceId: number,
    after: number,
    onRead: (stored: readonly StoredEvent[]) => void,
  ) => Promise<readonly ReadableEvent[]>;
  readonly bytesMax: number;
}

/** See the head of this file. */
export class TailReads {
  readonly #options: TailReadsOptions;
  readonly #shared = new Map<string, Shared>();
  #bytes = 0;

  constructor(options: TailReadsOptions) {
    this.#options = options;
  }

  /** The page after a position of a place that the caller has joined. */
  page(spaceId: number, after: number): Promise<TailPage> {
    const key = `${spaceId} ${after}`;
    const version = this.#options.notices.version(spaceId);
    const known = this.#shared.get(key);
    if (known?.version === version) return known.page;
    this.#drop(key, known);
    const shared: Shared = { version, page: this.#read(key, spaceId, after, version), bytes: 0 };
    this.#shared.set(key, shared);
    return shared.page;
  }

  async #read(key: string, spaceId: number, after: number, version: number): Promise<TailPage> {
    let wasSealed = false;
    try {
      const events = await this.#options.read(spaceId, after, (stored) => {
        wasSealed = stored.some(({ payload }) => isSealed(payload));
      });
      const page = new TailPage(events, version);
      this.#keep(key, version, wasSealed ? undefined : page);
      return page;
    } catch (error) {
      this.#keep(key, version, undefined);
      throw error;
    }
  }

  #keep(key: string, version: number, page: TailPage | undefined): void {
    const shared = this.#shared.get(key);
    if (shared?.version !== version) return;
    if (page === undefined) {
      this.#drop(key, shared);
      return;
    }
    shared.bytes = page.bytes;
    this.#bytes += shared.bytes;
    for (const [oldest, { bytes }] of this.#shared) {
      if (this.#bytes <= this.#options.bytesMax) return;
      if (bytes > 0) this.#drop(oldest, this.#shared.get(oldest));
    }
  }

  #drop(key: string, shared: Shared | undefined): void {
    if (shared === undefined) return;
    this.#bytes -= shared.bytes;
    this.#shared.delete(key);
  }
}

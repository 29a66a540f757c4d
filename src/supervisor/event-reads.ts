/** Reads of the log for the public API: bounded batches off the hot path, opened on main as they are consumed. */

import { isSealed } from '../core/cipher.js';
import type { Platform } from '../core/clock.js';
import { asRamaxError, type RamaxError } from '../core/errors.js';
import type { RecordedEvent } from '../core/event.js';
import type { Limits } from '../core/limits.js';
import { checkId, checkInteger } from '../core/names.js';
import { everySpace } from '../event-store/cursor.js';
import type { EventSelection, LogReader, ReadBounds, SpaceRow, StoredEvent } from '../event-store/port.js';
import { selectedParts, storedSelection } from '../event-store/present-query.js';
import { ofEntity, type StreamOptions, type StreamPlan, streamPlan } from '../event-store/stream-options.js';
import { streamPages } from '../event-store/stream-pages.js';
import { type SelectedPage, streamSelection } from '../event-store/stream-selection.js';
import {
  openReadable,
  openReadableWherePossible,
  type ReadableEvent,
  storedOf,
} from '../event-store/upcasting.js';
import { exportSpace } from '../portability/export-space.js';
import { spaceNotFound } from '../space/space-errors.js';
import type { SpaceLocks } from './space-locks.js';
import type { Upcasts } from './upcasts.js';

/** What `SpaceHandle.export` may be given. */
export interface ExportOptions {
  /** The last sequence. Default: the latest one at the time of the call. */
  readonly upTo?: number | undefined;
  /** Ends the export with `aborted`. */
  readonly signal?: AbortSignal | undefined;
}

/** For the door that takes them. */
export const exportOptionNames = ['upTo', 'signal'] as const satisfies readonly (keyof ExportOptions)[];

/** What is streamed, and by which name. */
interface Streamed {
  readonly of: string;
  readonly position: 'spaceSequence' | 'eventId';
  readonly read: (log: LogReader, after: number) => Promise<readonly StoredEvent[]>;
  /** Undefined: all spaces. */
  readonly spaceId?: number;
  /** Undefined: all entities. */
  readonly entityId?: string;
}

/** See the head of this file. */
export class EventReads {
  readonly #platform: Platform;
  readonly #log: LogReader;
  readonly #locks: SpaceLocks;
  readonly #upcasts: Upcasts;
  readonly #bounds: ReadBounds;
  readonly #limits: Limits;
  #closed: RamaxError | undefined;

  constructor(log: LogReader, limits: Limits, locks: SpaceLocks, upcasts: Upcasts, platform: Platform) {
    this.#platform = platform;
    this.#log = log;
    this.#locks = locks;
    this.#upcasts = upcasts;
    this.#bounds = { limit: limits.readEventsMax, bytesMax: limits.readBytesMax };
    this.#limits = limits;
  }

  /** Every read fails with `error` from now on, also one that is under way when its thread ends. */
  close(error: RamaxError): void {
    this.#closed ??= error;
  }

  streamSpace(spaceId: number, options: StreamOptions): AsyncIterableIterator<RecordedEvent> {
    return this.#stream(options, {
      of: 'streamEvents()',
      position: 'spaceSequence',
      read: (log, after) => log.readSpace(spaceId, after, this.#bounds),
      spaceId,
    });
  }

  streamEntity(
    spaceId: number,
    entityId: string,
    options: StreamOptions,
  ): AsyncIterableIterator<RecordedEvent> {
    checkId(entityId, 'entityId', this.#limits.idBytesMax);
    return this.#stream(options, {
      of: 'streamEntityEvents()',
      position: 'spaceSequence',
      read: (log, after) => log.readEntity(spaceId, entityId, after, this.#bounds),
      spaceId,
      entityId,
    });
  }

  streamAll(options: StreamOptions): AsyncIterableIterator<RecordedEvent> {
    return this.#stream(options, {
      of: 'streamAllEvents()',
      position: 'eventId',
      read: (log, after) => log.readAll(after, this.#bounds),
    });
  }

  /** @param part which of the events that an upcaster has made of it */
  async readEvent(spaceId: number, eventId: number, part: number): Promise<RecordedEvent | undefined> {
    const stored = await this.#read((log) => log.readEvent(spaceId, eventId));
    if (stored === undefined) return undefined;
    const [readable] = await this.#upcasted(await this.#locks.opened([stored]));
    const opened = readable === undefined ? [] : [openReadable(readable)].flat();
    return opened[part];
  }

  async latestSequence(spaceId: number): Promise<number> {
    const head = await this.#read((log) => log.spaceHead(spaceId));
    if (head === undefined) throw spaceNotFound(spaceId);
    return head.lastSpaceSequence;
  }

  /** The file of a space up to a sequence, or up to the latest one now. */
  exportSpace(spaceId: number, options: ExportOptions): AsyncGenerator<Uint8Array, void, void> {
    const extent = this.#extentOf(spaceId, options.upTo);
    // Told when the first bytes are asked for.
    extent.catch(() => {});
    return this.#exported(extent, options.signal);
  }

  async #extentOf(spaceId: number, upTo: number | undefined): Promise<{ space: SpaceRow; upTo: number }> {
    const latest = await this.latestSequence(spaceId);
    if (upTo !== undefined) checkInteger(upTo, 'upTo', 0, latest);
    const space = await this.#read((log) => log.findSpaceById(spaceId));
    if (space === undefined) throw spaceNotFound(spaceId);
    return { space, upTo: upTo ?? latest };
  }

  async *#exported(
    extent: Promise<{ readonly space: SpaceRow; readonly upTo: number }>,
    signal: AbortSignal | undefined,
  ): AsyncGenerator<Uint8Array, void, void> {
    const { space, upTo } = await extent;
    yield* exportSpace({
      log: {
        readSpace: (...parameters) => this.#read((log) => log.readSpace(...parameters)),
        readCommands: (...parameters) => this.#read((log) => log.readCommands(...parameters)),
        spaceHead: (id) => this.#read((log) => log.spaceHead(id)),
      },
      space,
      upTo,
      bounds: this.#bounds,
      platform: this.#platform,
      signal,
    });
  }

  /**
   * One page of one space, or of all of them (`everySpace`), with its payloads open and in their present shapes.
   *
   * @param onRead told of the page as it was stored
   */
  async pageAfter(
    spaceId: number,
    after: number,
    onRead: (stored: readonly StoredEvent[]) => void,
  ): Promise<readonly ReadableEvent[]> {
    const ofAll = spaceId === everySpace;
    const stored = await this.#read((log) =>
      ofAll ? log.readAll(after, this.#bounds) : log.readSpace(spaceId, after, this.#bounds),
    );
    onRead(stored);
    // See `#stream`.
    if (stored.length === 0 && !ofAll) await this.latestSequence(spaceId);
    return this.#present(stored, ofAll ? undefined : spaceId);
  }

  latestEventId(): Promise<number> {
    return this.#read((log) => log.latestEventId());
  }

  #stream(
    options: StreamOptions,
    { of, position, read, spaceId, entityId }: Streamed,
  ): AsyncIterableIterator<RecordedEvent> {
    const plan = streamPlan(options, of, this.#limits);
    if (plan.selection !== undefined) return this.#selected(plan, plan.selection, spaceId, entityId);
    const { from, signal } = plan;
    const readAfter = async (after: number): Promise<readonly ReadableEvent[]> => {
      const events = await this.#read((log) => read(log, after));
      // A space that is deleted meanwhile has no more events; say so instead of ending as if it were complete.
      if (events.length === 0 && spaceId !== undefined) await this.latestSequence(spaceId);
      return this.#present(events, spaceId);
    };
    return streamPages({
      readAfter,
      positionOf: (event) => storedOf(event)[position],
      open: spaceId === undefined ? openReadableWherePossible : openReadable,
      from,
      signal,
    });
  }

  /** What was read with its payloads open and in its present shapes; of all spaces, as far as that is possible. */
  async #present(
    events: readonly StoredEvent[],
    spaceId: number | undefined,
  ): Promise<readonly ReadableEvent[]> {
    const opened =
      spaceId === undefined ? this.#locks.openedWherePossible(events) : this.#locks.opened(events);
    return this.#upcasted(await opened);
  }

  /** What is sealed still has no shape. */
  async #upcasted(events: readonly StoredEvent[]): Promise<readonly ReadableEvent[]> {
    try {
      return await this.#upcasts.of(events, ({ payload }) => !isSealed(payload));
    } catch (error) {
      throw (
        this.#closed ??
        asRamaxError(error, 'unavailable', 'events could not be brought to their present shape')
      );
    }
  }

  /** Filtered in the thread that reads. */
  #selected(
    { limit, signal }: StreamPlan,
    given: EventSelection,
    spaceId: number | undefined,
    entityId: string | undefined,
  ): AsyncIterableIterator<RecordedEvent> {
    const { readEventsMax, readBytesMax, scanEventsMax } = this.#limits;
    const bounds = {
      limit: Math.min(limit ?? readEventsMax, readEventsMax),
      bytesMax: readBytesMax,
      scanEventsMax,
    };
    const place = spaceId === undefined ? given : { ...given, spaceId };
    const selection = entityId === undefined ? place : ofEntity(place, entityId);
    const read = async (next: EventSelection): Promise<SelectedPage<ReadableEvent>> => {
      const found =
        selection === undefined
          ? { events: [], position: 0, isEnd: true }
          : await this.#read((log) => log.selectEvents(next, bounds));
      // A space that is deleted meanwhile has no more events; say so instead of ending as if it were complete.
      if (found.isEnd && spaceId !== undefined) await this.latestSequence(spaceId);
      return { ...found, events: await this.#present(found.events, spaceId) };
    };
    const opened = spaceId === undefined ? openReadableWherePossible : openReadable;
    const meant = selection ?? place;
    return streamSelection({
      selection: storedSelection(meant, this.#upcasts.versions),
      read,
      open: (event) => selectedParts(opened(event), meant),
      limit,
      signal,
    });
  }

  async #read<Result>(read: (log: LogReader) => Promise<Result>): Promise<Result> {
    if (this.#closed !== undefined) throw this.#closed;
    try {
      return await read(this.#log);
    } catch (error) {
      throw this.#closed ?? asRamaxError(error, 'unavailable', 'the log could not be read');
    }
  }
}

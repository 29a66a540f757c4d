/** Reads of the log for the public API: bounded batches off the hot path, opened on main as they are consumed. */

import type { Platform } from '../core/clock.js';
import { asRamaxError, type RamaxError } from '../core/errors.js';
import type { RecordedEvent } from '../core/event.js';
import type { Limits } from '../core/limits.js';
import { checkId, checkInteger, checkOptions, checkSignal } from '../core/names.js';
import { checkOptionNames } from '../core/option-names.js';
import type { LogReader, ReadBounds, SpaceRow, StoredEvent } from '../event-store/port.js';
import { openForReader, openWherePossible } from '../event-store/seal.js';
import { streamPages } from '../event-store/stream-pages.js';
import { exportSpace } from '../portability/export-space.js';
import { spaceNotFound } from '../space/space-errors.js';
import type { SpaceLocks } from './space-locks.js';

/** Which events to stream. */
export interface StreamOptions {
  /** Only events after this place: `spaceSequence > from` in one space, `eventId > from` over all. Default 0. */
  readonly from?: number;
  /** Ends the stream with `aborted`. */
  readonly signal?: AbortSignal;
}

/** What `SpaceHandle.export` may be given. */
export interface ExportOptions {
  /** The last sequence. Default: the latest one at the time of the call. */
  readonly upTo?: number | undefined;
  /** Ends the export with `aborted`. */
  readonly signal?: AbortSignal | undefined;
}

/** For the door that takes them. */
export const exportOptionNames = ['upTo', 'signal'] as const satisfies readonly (keyof ExportOptions)[];

const streamOptionNames = ['from', 'signal'] as const satisfies readonly (keyof StreamOptions)[];

/** What is streamed, and by which name. */
interface Streamed {
  readonly of: string;
  readonly position: 'spaceSequence' | 'eventId';
  readonly read: (log: LogReader, after: number) => Promise<readonly StoredEvent[]>;
  /** Undefined: all spaces. */
  readonly spaceId?: number;
}

/** See the head of this file. */
export class EventReads {
  readonly #platform: Platform;
  readonly #log: LogReader;
  readonly #locks: SpaceLocks;
  readonly #bounds: ReadBounds;
  readonly #idBytesMax: number;
  #closed: RamaxError | undefined;

  constructor(log: LogReader, limits: Limits, locks: SpaceLocks, platform: Platform) {
    this.#platform = platform;
    this.#log = log;
    this.#locks = locks;
    this.#bounds = { limit: limits.readEventsMax, bytesMax: limits.readBytesMax };
    this.#idBytesMax = limits.idBytesMax;
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
    checkId(entityId, 'entityId', this.#idBytesMax);
    return this.#stream(options, {
      of: 'streamEntityEvents()',
      position: 'spaceSequence',
      read: (log, after) => log.readEntity(spaceId, entityId, after, this.#bounds),
      spaceId,
    });
  }

  streamAll(options: StreamOptions): AsyncIterableIterator<RecordedEvent> {
    return this.#stream(options, {
      of: 'streamAllEvents()',
      position: 'eventId',
      read: (log, after) => log.readAll(after, this.#bounds),
    });
  }

  async readEvent(spaceId: number, eventId: number): Promise<RecordedEvent | undefined> {
    checkInteger(eventId, 'eventId', 1);
    const stored = await this.#read((log) => log.readEvent(spaceId, eventId));
    if (stored === undefined) return undefined;
    const [opened] = await this.#locks.opened([stored]);
    return opened && openForReader(opened);
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

  latestEventId(): Promise<number> {
    return this.#read((log) => log.latestEventId());
  }

  #stream(
    options: StreamOptions,
    { of, position, read, spaceId }: Streamed,
  ): AsyncIterableIterator<RecordedEvent> {
    checkOptions(options);
    checkOptionNames(options, streamOptionNames, of);
    const { from = 0, signal } = options;
    checkInteger(from, 'from', 0);
    checkSignal(signal);
    const readAfter = async (after: number): Promise<readonly StoredEvent[]> => {
      const events = await this.#read((log) => read(log, after));
      // A space that is deleted meanwhile has no more events; say so instead of ending as if it were complete.
      if (events.length === 0 && spaceId !== undefined) await this.latestSequence(spaceId);
      return spaceId === undefined ? this.#locks.openedWherePossible(events) : this.#locks.opened(events);
    };
    return streamPages({
      readAfter,
      positionOf: (event) => event[position],
      open: openWherePossible,
      from,
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

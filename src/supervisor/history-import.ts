/**
 * Imports existing histories: events of any number of spaces, with the times at which they have happened, from an iterable.
 *
 * Owns: what was read and is not appended yet. Items of one space are sent in chunks, one chunk of a space at a time, through the
 * shard like every command; each chunk says how many items of its space came before it, and the space knows how many it has
 * (B2 of the built-in commands). So whatever happens, the same items may be given again from the first one on.
 *
 * Invariants:
 *   Z1  The items of a space are appended in their order, each once.
 *   Z2  When an item is refused, every item before it is in.
 *   Z3  At most `bufferedBytesMax` of items and `chunksMax` chunks are held; then the iterable waits.
 *   Z4  At most `importSpacesMax` spaces are at hand. One that is let go has nothing buffered and nothing under way, so the log knows of all
 *       that was sent; of its items only the number read is kept.
 */

import { invalidInput, RamaxError } from '../core/errors.js';
import type { Limits } from '../core/limits.js';
import {
  checkId,
  checkInteger,
  checkIterable,
  checkOptions,
  checkSignal,
  checkSpaceName,
} from '../core/names.js';
import { checkOptionNames } from '../core/option-names.js';
import { builtInCommands, isReserved } from '../core/reserved.js';
import { type ValueText, valueText } from '../core/value-text.js';
import type { SpaceRow } from '../event-store/port.js';
import { type BuiltInServices, callBuiltIn } from './built-in-calls.js';

/** One event of a history. */
export interface HistoryItem {
  /** The space that it belongs to; created when there is none. */
  readonly spaceName: string;
  readonly entityId: string;
  readonly type: string;
  /** A JSON value; absent means null. */
  readonly payload?: unknown;
  /** When it has happened: milliseconds since the Unix epoch. */
  readonly timestamp: number;
  readonly version?: number;
  readonly tags?: readonly string[];
  readonly metadata?: Readonly<Record<string, unknown>>;
  readonly causationId?: string;
  readonly correlationId?: string;
}

/** How far an import has come. */
export interface HistoryProgress {
  /** Items read from the iterable. */
  readonly itemsRead: number;
  /** Of those, appended by this call. */
  readonly eventsAppended: number;
  /** Of those, passed over: an earlier call has appended them. */
  readonly eventsSkipped: number;
  readonly spaces: number;
}

/** What `importEvents` may be given. */
export interface ImportEventsOptions {
  /** Names the import: text of 1 to 200 bytes. Given again with the same items, it goes on where it was. */
  readonly name: string;
  readonly onProgress?: ((progress: HistoryProgress) => void) | undefined;
  readonly signal?: AbortSignal | undefined;
  /** Events of one append, 1 to `limits.eventsPerCommandMax - 1`. Default 256. */
  readonly chunkEvents?: number | undefined;
}

const optionNames = [
  'name',
  'onProgress',
  'signal',
  'chunkEvents',
] as const satisfies readonly (keyof ImportEventsOptions)[];

const itemNames = [
  'spaceName',
  'entityId',
  'type',
  'payload',
  'timestamp',
  'version',
  'tags',
  'metadata',
  'causationId',
  'correlationId',
] as const satisfies readonly (keyof HistoryItem)[];

const nameBytesMax = 200;
const chunkEventsDefault = 256;
/** Of one append: what the log takes in one transaction beside other spaces'. */
const chunkBytesMax = 512 * 1024;
const bufferedBytesMax = 16 * 1024 * 1024;
/** Chunks under way, each of another space. */
const chunksMax = 32;

/** What an import works with. */
export interface HistoryServices extends BuiltInServices {
  readonly limits: Limits;
  /** The space of this name, created when there is none. */
  readonly spaceOf: (spaceName: string) => Promise<SpaceRow>;
}

interface Item extends ValueText {
  /** Its place in the iterable, from 0. */
  readonly index: number;
}

interface SpaceHistory {
  readonly space: SpaceRow;
  /** Items of the space that were read or passed over before those that are buffered. */
  offset: number;
  /** Items that it had when it was met. */
  readonly known: number;
  buffered: Item[];
  bytes: number;
  /** The chunk that is under way. */
  sending: Promise<void> | undefined;
}

/** See the head of this file. */
export class HistoryImport {
  readonly #services: HistoryServices;
  readonly #options: ImportEventsOptions;
  readonly #chunkEvents: number;
  /** Those at hand, in the order in which they were met. */
  readonly #spaces = new Map<string, SpaceHistory>();
  /** Items read of spaces that were let go. */
  readonly #offsets = new Map<string, number>();
  readonly #sending = new Set<Promise<void>>();
  readonly #progress = { itemsRead: 0, eventsAppended: 0, eventsSkipped: 0 };
  #bufferedBytes = 0;
  /** The first item that was refused, by its place. */
  #refused: { readonly index: number; readonly error: unknown } | undefined;

  /** @throws {RamaxError} `invalid_input` */
  constructor(services: HistoryServices, options: ImportEventsOptions) {
    checkOptions(options);
    checkOptionNames(options, optionNames, 'importEvents()');
    const { name, onProgress, signal, chunkEvents = chunkEventsDefault } = options;
    checkId(name, 'name', nameBytesMax);
    checkSignal(signal);
    checkInteger(chunkEvents, 'chunkEvents', 1, services.limits.eventsPerCommandMax - 1);
    if (onProgress !== undefined && typeof onProgress !== 'function') {
      throw invalidInput('onProgress', 'a function', onProgress);
    }
    this.#services = services;
    this.#options = options;
    this.#chunkEvents = chunkEvents;
  }

  /** Appends all items. */
  async run(items: AsyncIterable<HistoryItem> | Iterable<HistoryItem>): Promise<HistoryProgress> {
    checkIterable(items, 'items', 'an iterable of events', [Symbol.asyncIterator, Symbol.iterator]);
    let index = 0;
    try {
      for await (const item of items) {
        if (this.#isAborted) throw this.#aborted();
        await this.#take(item, index);
        if (this.#refused !== undefined) break;
        index++;
      }
    } catch (error) {
      this.#refuse(index, error);
    }
    // Everything before the item that was refused, or everything.
    await this.#sendAll();
    if (this.#refused !== undefined) throw this.#refused.error;
    return this.#shown;
  }

  get #isAborted(): boolean {
    return this.#options.signal?.aborted === true;
  }

  #aborted(cause: unknown = this.#options.signal?.reason): RamaxError {
    return new RamaxError('aborted', 'the import was aborted', { cause });
  }

  get #shown(): HistoryProgress {
    return { ...this.#progress, spaces: this.#spaces.size + this.#offsets.size };
  }

  async #take(item: HistoryItem, index: number): Promise<void> {
    const { text, bytes } = itemText(item, index, this.#services.limits);
    const history = this.#spaces.get(item.spaceName) ?? (await this.#met(item.spaceName));
    this.#progress.itemsRead++;
    if (history.offset < history.known) {
      history.offset++;
      this.#progress.eventsSkipped++;
      return;
    }
    if (history.bytes + bytes > chunkBytesMax && history.buffered.length > 0) await this.#send(history);
    history.buffered.push({ text, bytes, index });
    history.bytes += bytes;
    this.#bufferedBytes += bytes;
    if (history.buffered.length >= this.#chunkEvents) await this.#send(history);
    if (this.#bufferedBytes > bufferedBytesMax) await this.#sendAll();
  }

  async #met(spaceName: string): Promise<SpaceHistory> {
    const { limits, spaceOf, supervisor } = this.#services;
    if (this.#spaces.size >= limits.importSpacesMax) await this.#letGo();
    const space = await spaceOf(spaceName);
    const positions = await supervisor.log.importsOf(space.spaceId);
    const known = positions.find(({ name }) => name === this.#options.name)?.position ?? 0;
    const offset = this.#offsets.get(spaceName) ?? 0;
    const history = { space, known, offset, buffered: [], bytes: 0, sending: undefined };
    this.#offsets.delete(spaceName);
    this.#spaces.set(spaceName, history);
    return history;
  }

  /** Lets half of the spaces go, those that were met first. */
  async #letGo(): Promise<void> {
    await this.#sendAll();
    const half = Math.ceil(this.#services.limits.importSpacesMax / 2);
    for (const [spaceName, { offset }] of [...this.#spaces].slice(0, half)) {
      this.#spaces.delete(spaceName);
      this.#offsets.set(spaceName, offset);
    }
  }

  async #sendAll(): Promise<void> {
    for (const history of this.#spaces.values()) if (history.buffered.length > 0) await this.#send(history);
    while (this.#sending.size > 0) await Promise.all(this.#sending);
  }

  /** Begins to send what is buffered of a space, when there is room for it. */
  async #send(history: SpaceHistory): Promise<void> {
    while (history.sending !== undefined) await history.sending;
    while (this.#sending.size >= chunksMax) await Promise.race(this.#sending);
    const items = history.buffered;
    const offset = history.offset;
    this.#bufferedBytes -= history.bytes;
    history.buffered = [];
    history.bytes = 0;
    history.offset += items.length;
    const sending = this.#append(history.space, offset, items).finally(() => {
      history.sending = undefined;
      this.#sending.delete(sending);
    });
    history.sending = sending;
    this.#sending.add(sending);
  }

  /** Never rejects. A chunk that is refused is sent item by item, so that those before the one at fault are in. */
  async #append(space: SpaceRow, offset: number, items: readonly Item[]): Promise<void> {
    const wanted = items.filter(({ index }) => index < (this.#refused?.index ?? Number.POSITIVE_INFINITY));
    if (wanted.length === 0) return;
    try {
      await this.#call(space, offset, wanted);
      this.#progress.eventsAppended += wanted.length;
      this.#options.onProgress?.(this.#shown);
    } catch (error) {
      const [only] = wanted;
      // Whatever became of the chunk: the next import asks the space how far it is.
      if (this.#isAborted) this.#refuse(wanted[0]?.index ?? 0, this.#aborted(error));
      else if (wanted.length === 1 && only !== undefined) this.#refuse(only.index, atItem(error, only.index));
      else if (!isOfItem(error)) this.#refuse(wanted[0]?.index ?? 0, error);
      else for (const [place, item] of wanted.entries()) await this.#append(space, offset + place, [item]);
    }
  }

  /** The same chunk again is harmless, so trouble that may pass is waited for as long as any call waits. */
  async #call(space: SpaceRow, offset: number, items: readonly Item[]): Promise<void> {
    const { name, signal } = this.#options;
    const events = items.map(({ text }) => text).join(',');
    const bytes = items.reduce((sum, item) => sum + item.bytes, 0);
    const text = `{"name":${JSON.stringify(name)},"offset":${offset},"events":[${events}]}`;
    // A signal for each chunk: Node takes many listeners on one for a leak, and warns.
    const own = signal === undefined ? {} : { signal: AbortSignal.any([signal]) };
    const options = { overload: 'wait', ...own } as const;
    await callBuiltIn(this.#services, space, builtInCommands.appendHistory, { text, bytes }, options);
  }

  #refuse(index: number, error: unknown): void {
    if (this.#refused === undefined || index < this.#refused.index) this.#refused = { index, error };
  }
}

/** The item as its event travels. */
function itemText(item: unknown, index: number, limits: Limits): ValueText {
  try {
    if (typeof item !== 'object' || item === null) throw invalidInput('item', 'an event', item);
    checkOptionNames(item, itemNames, 'importEvents()');
    const { spaceName, payload = null, ...facts } = item as HistoryItem;
    const { idBytesMax } = limits;
    checkSpaceName(spaceName);
    checkId(facts.entityId, 'entityId', idBytesMax);
    checkId(facts.type, 'type', idBytesMax);
    checkInteger(facts.timestamp, 'timestamp', 0);
    if (isReserved(facts.type)) {
      throw invalidInput('type', 'a type that does not begin with `ramax.`, which is reserved', facts.type);
    }
    const given = Object.fromEntries(
      Object.entries({ ...facts, payload }).filter(([, fact]) => fact !== undefined),
    );
    return valueText(given, 'item', {
      ...limits,
      valueBytesMax: limits.valueBytesMax + limits.metadataBytesMax + 32 * idBytesMax,
    });
  } catch (error) {
    throw atItem(error, index);
  }
}

/** Refused for what it is, rather than for what stands in its way. */
function isOfItem(error: unknown): boolean {
  return (
    error instanceof RamaxError &&
    ['invalid_input', 'projection_failed', 'command_failed'].includes(error.code)
  );
}

/** The error with the place of the item. */
function atItem(error: unknown, index: number): unknown {
  if (!isOfItem(error) || !(error instanceof RamaxError)) return error;
  const { field } = error.details;
  const inItem = typeof field === 'string' ? field.replace(/^(events\[0\]|item)\.?/, '') : '';
  return new RamaxError(error.code, `items[${index}]: ${error.message}`, {
    cause: error,
    details: {
      ...error.details,
      index,
      field: inItem === '' ? `items[${index}]` : `items[${index}].${inItem}`,
    },
  });
}

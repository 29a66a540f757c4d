/**
 * Reads a space from a file (`space-file.ts`) into a draft, and publishes it when the whole file has held.
 *
 * Invariants:
 *   - Every event is checked as at the door, and against the chain; the end must say how many lines there were, and their
 *     digest. A file that does not hold is refused with the line, and nothing of it remains.
 *   - It holds one batch at most. A file that fits into one is written only after all of it has held.
 *   - Main does other work in between: a slice of reading takes some milliseconds.
 */

import { type Platform, yieldToPorts } from '../core/clock.js';
import { isRamaxError, RamaxError } from '../core/errors.js';
import type { Limits } from '../core/limits.js';
import type { DraftCommand, DraftEvent, SpaceRow } from '../event-store/port.js';
import { genesisHash, headerOf } from '../event-store/seal.js';
import type { SpaceSettings } from '../event-store/space-settings.js';
import { Draft, type DraftLog } from './draft.js';
import { checkCommand, checkEvent, readHeader } from './file-checks.js';
import { damaged, type Line, linesOf } from './line-reader.js';
import {
  areInOrder,
  endLine,
  type FileEvent,
  hexOf,
  readLine,
  type SpaceFileEnd,
  type SpaceFileHeader,
} from './space-file.js';

/** How far an import has come. */
export interface ImportProgress {
  readonly eventsImported: number;
  readonly eventsTotal: number;
}

/** What to import. */
export interface ImportSpaceOptions {
  readonly source: AsyncIterable<Uint8Array>;
  readonly log: DraftLog;
  readonly platform: Platform;
  readonly limits: Limits;
  /** Default: the one in the file. */
  readonly spaceName?: string | undefined;
  readonly report: (progress: ImportProgress) => void;
  /** Called with the name before anything is written, and throws to refuse it. */
  readonly beforeWriting: (spaceName: string) => Promise<void>;
  /** The next step makes the space visible. */
  readonly publishing: () => void;
  readonly signal: AbortSignal;
}

/** Lines of one batch, and bytes of their payloads: a transaction of some milliseconds. */
const batchLinesMax = 1_000;
const batchBytesMax = 1024 * 1024;
/** A line has one payload, as base64, and names. */
const namesBytesMax = 1024 * 1024;
/** The longest slice of work on main. */
const sliceMsMax = 4;
const lineFeed = new Uint8Array([0x0a]);

/** See the head of this file. */
export async function importSpace(options: ImportSpaceOptions): Promise<SpaceRow> {
  const importing = new Import(options);
  try {
    return await importing.run();
  } catch (error) {
    await importing.abandon();
    throw error;
  }
}

class Import {
  readonly #options: ImportSpaceOptions;
  readonly #digest;
  readonly #text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
  #header: SpaceFileHeader | undefined;
  #draft: Draft | undefined;
  #events: DraftEvent[] = [];
  #bytes = 0;
  #commands: { readonly line: number; readonly command: DraftCommand }[] = [];
  #eventCount = 0;
  #commandCount = 0;
  #lastHash = genesisHash;
  #lastCommand: DraftCommand | undefined;
  /** Of the command whose events are being read. */
  #invocationId = '';
  #invocationEvents = 0;
  #invocationBytes = 0;
  #end: SpaceFileEnd | undefined;
  #sliceStartMs: number;

  constructor(options: ImportSpaceOptions) {
    this.#options = options;
    this.#digest = options.platform.newDigest();
    this.#sliceStartMs = options.platform.clock.monotonicMs();
  }

  async run(): Promise<SpaceRow> {
    const { source, platform, limits, publishing } = this.#options;
    const lines = linesOf({
      source,
      clock: platform.clock,
      lineBytesMax: 2 * limits.commandBytesMax + namesBytesMax,
      chunkTimeoutMs: limits.callTimeoutMs,
    });
    let number = 0;
    for await (const line of lines) {
      number = line.number;
      this.#throwIfAborted();
      await this.#take(line);
      await this.#pause();
    }
    const header = this.#header;
    if (header === undefined) throw damaged(1, 'the file is empty');
    if (this.#end === undefined) throw damaged(number + 1, 'it is missing: the file was cut off');
    await this.#flush();
    this.#throwIfAborted();
    const draft = await this.#draftFor(header);
    publishing();
    return draft.publish(this.#nameFor(header));
  }

  async abandon(): Promise<void> {
    // What cannot be purged now is purged at the next start; the first error is the one that counts.
    await this.#draft?.abandon().catch(() => {});
  }

  async #take(line: Line): Promise<void> {
    if (this.#end !== undefined) throw damaged(line.number, 'it lies behind the end of the file');
    const text = this.#textOf(line);
    if (this.#header === undefined) {
      this.#header = readHeader(text, this.#options.limits);
      await this.#options.beforeWriting(this.#nameFor(this.#header));
      this.#count(line);
      return;
    }
    const read = readLine(text);
    if (read === undefined) throw damaged(line.number, 'it has been changed');
    if (read.kind === 'end') {
      this.#finish(read.end, line.number);
      return;
    }
    this.#count(line);
    if (read.kind === 'event') await this.#takeEvent(read.event, line.number);
    else await this.#takeCommand(read.command, line.number);
  }

  async #takeEvent(event: FileEvent, line: number): Promise<void> {
    const { limits, platform } = this.#options;
    if (event.spaceSequence !== this.#eventCount + 1 || this.#commandCount > 0) {
      throw damaged(line, `event ${this.#eventCount + 1} was expected here, or none`);
    }
    checkEvent(event, line, limits, this.#header?.settings['encryption'] !== undefined);
    const facts = { ...event, eventId: 0, spaceId: 0 };
    const hash = platform.chainDigest(this.#lastHash, headerOf(facts), event.payload);
    if (hexOf(hash) !== hexOf(event.hash)) throw damaged(line, 'the event does not fit its chain');
    await this.#boundInvocation(event, line);
    const { spaceSequence, ...draftEvent } = event;
    this.#events.push(draftEvent);
    this.#bytes += event.payload.length;
    this.#lastHash = event.hash;
    this.#eventCount = spaceSequence;
  }

  /** The events of one command are written together, so they are no more than a command may have; a batch ends between two. */
  async #boundInvocation({ invocationId, payload }: FileEvent, line: number): Promise<void> {
    const { eventsPerCommandMax, commandBytesMax } = this.#options.limits;
    if (invocationId !== this.#invocationId) {
      if (this.#events.length >= batchLinesMax || this.#bytes >= batchBytesMax) await this.#flush();
      this.#invocationId = invocationId;
      this.#invocationEvents = 0;
      this.#invocationBytes = 0;
    }
    this.#invocationEvents += 1;
    this.#invocationBytes += payload.length;
    if (this.#invocationEvents <= eventsPerCommandMax && this.#invocationBytes <= commandBytesMax) return;
    const message = `line ${line} of the file: a command has at most ${eventsPerCommandMax} events and ${commandBytesMax} bytes`;
    throw new RamaxError('invalid_input', message, {
      details: { line, eventsPerCommandMax, commandBytesMax },
    });
  }

  async #takeCommand(command: DraftCommand, line: number): Promise<void> {
    if (this.#lastCommand !== undefined && !areInOrder(this.#lastCommand, command)) {
      throw damaged(line, 'the records of commands are not in their order');
    }
    checkCommand(command, line, this.#options.limits, this.#eventCount);
    this.#lastCommand = command;
    this.#commandCount += 1;
    this.#commands.push({ line, command });
    if (this.#commands.length >= batchLinesMax) await this.#flush();
  }

  #finish(end: SpaceFileEnd, line: number): void {
    const counted = {
      events: this.#eventCount,
      commands: this.#commandCount,
      lastHash: hexOf(this.#lastHash),
      sha256: this.#digest.hex(),
    };
    if (endLine(end) !== endLine(counted)) throw damaged(line, 'what came before it has been changed');
    if (this.#header?.lastSpaceSequence !== this.#eventCount) {
      throw damaged(line, `${this.#header?.lastSpaceSequence} events were expected, not ${this.#eventCount}`);
    }
    this.#end = end;
  }

  /** Events first: the records speak of them. */
  async #flush(): Promise<void> {
    const [events, commands] = [this.#events, this.#commands];
    if (events.length + commands.length === 0 || this.#header === undefined) return;
    const draft = await this.#draftFor(this.#header);
    this.#events = [];
    this.#bytes = 0;
    this.#commands = [];
    if (events.length > 0) await draft.extend(events, []);
    if (commands.length > 0) await this.#extendByCommands(draft, commands);
    const { lastSpaceSequence } = this.#header;
    this.#options.report({ eventsImported: draft.spaceSequence, eventsTotal: lastSpaceSequence });
    this.#sliceStartMs = this.#options.platform.clock.monotonicMs();
  }

  async #extendByCommands(
    draft: Draft,
    commands: readonly { readonly line: number; readonly command: DraftCommand }[],
  ): Promise<void> {
    try {
      await draft.extend(
        [],
        commands.map(({ command }) => command),
      );
    } catch (error) {
      if (!isRamaxError(error, 'invalid_input')) throw error;
      const wrong = commands.find(({ command }) => command.commandId === error.details['commandId']);
      throw damaged(wrong?.line ?? 0, 'the record of the command does not fit the events');
    }
  }

  async #draftFor(header: SpaceFileHeader): Promise<Draft> {
    const { metadata } = header;
    const settings = header.settings as SpaceSettings;
    const spaceName = this.#nameFor(header);
    this.#draft ??= await Draft.create(this.#options.log, { spaceName, metadata, settings });
    return this.#draft;
  }

  #nameFor({ spaceName }: SpaceFileHeader): string {
    return this.#options.spaceName ?? spaceName;
  }

  #textOf({ number, bytes }: Line): string {
    try {
      return this.#text.decode(bytes);
    } catch {
      throw damaged(number, 'it is no UTF-8');
    }
  }

  #count({ bytes }: Line): void {
    this.#digest.update(bytes);
    this.#digest.update(lineFeed);
  }

  async #pause(): Promise<void> {
    const { clock } = this.#options.platform;
    if (clock.monotonicMs() - this.#sliceStartMs < sliceMsMax) return;
    await yieldToPorts(clock);
    this.#sliceStartMs = clock.monotonicMs();
  }

  #throwIfAborted(): void {
    if (this.#options.signal.aborted) throw new RamaxError('aborted', 'the import was aborted');
  }
}

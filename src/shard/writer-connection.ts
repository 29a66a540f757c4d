/**
 * A shard's way to the log: appends through the link to the writer, reads beside it.
 *
 * Owns: the link to the current writer. When that is lost, every append under way fails with `unavailable` (its
 * outcome is in doubt), and `openSpace` waits for the next writer: main sends a port to it. When main says that there may be
 * none for long, `openSpace` fails with why, unless its caller has all the time.
 */

import {
  type Appended,
  type ChainedAppend,
  type LogLink,
  type OpenedSpace,
  WriterIsDown,
} from '../content-store/log-link.js';
import type { Answerable } from '../core/answerable.js';
import type { Clock } from '../core/clock.js';
import { RamaxError } from '../core/errors.js';
import type {
  CursorWrite,
  EventSelection,
  LogReader,
  ParkWrite,
  ReadBounds,
  SelectBounds,
  SelectedEvents,
  StoredEvent,
} from '../event-store/port.js';
import { Caller } from '../protocol/link.js';
import { type AppendCalls, appendLink } from '../protocol/links.js';
import type { Port } from '../protocol/port.js';
import { remoteLogReader } from '../protocol/remote-log-reader.js';
import { spaceNotFound } from '../space/space-errors.js';

/** See the head of this file. */
export class WriterConnection implements LogLink {
  readonly #clock: Clock;
  readonly #reader: LogReader;
  #writer: Caller<AppendCalls> | undefined;
  /** Why there is no writer, when main has said so. */
  #trouble: RamaxError | undefined;
  readonly #waiters: (() => void)[] = [];

  /** @param localReader reads the log in this thread, where the storage allows that */
  constructor(clock: Clock, localReader: LogReader | undefined) {
    this.#clock = clock;
    this.#reader = localReader ?? remoteLogReader(() => this.#current());
  }

  /** Uses the writer at the other end of `port` from now on. */
  connect(port: Port): void {
    this.#writer?.close();
    this.#writer = new Caller(appendLink, port, this.#clock);
    this.#trouble = undefined;
    for (const wake of this.#waiters.splice(0)) wake();
  }

  /** Why there is no writer, while there may be none for long. */
  get trouble(): RamaxError | undefined {
    return this.#trouble;
  }

  /** There is no writer, and there may be none for long. */
  down(error: RamaxError): void {
    this.#trouble = error;
    for (const wake of this.#waiters.splice(0)) wake();
  }

  append(append: ChainedAppend, waiter: Answerable<Appended>): void {
    const writer = this.#writer;
    // Not before this returns: whoever appends is in the middle of a turn.
    if (writer === undefined || writer.isLost) this.#clock.soon(() => waiter.failed(noWriter()));
    else writer.send('append', append, waiter);
  }

  /** Sends what waits for the end of the event loop's turn. */
  flush(): void {
    this.#writer?.flush();
  }

  async openSpace(spaceId: number, wait?: 'untilUp'): Promise<OpenedSpace> {
    while (this.#writer === undefined || this.#writer.isLost) {
      if (this.#trouble !== undefined && wait === undefined) throw new WriterIsDown(this.#trouble);
      await new Promise<void>((resolve) => this.#waiters.push(resolve));
    }
    return this.#writer.call('openSpace', { spaceId });
  }

  async openForReading(spaceId: number): Promise<Omit<OpenedSpace, 'generation'>> {
    const space = await this.#reader.findSpaceById(spaceId);
    const head = await this.#reader.spaceHead(spaceId);
    if (space === undefined || head === undefined) throw spaceNotFound(spaceId);
    return { head, encryption: space.settings.encryption };
  }

  /** A space that is deleted while it is read has no events: that is `not_found`, and no hole in the log. */
  async readSpace(spaceId: number, after: number, bounds: ReadBounds): Promise<readonly StoredEvent[]> {
    const events = await this.#reader.readSpace(spaceId, after, bounds);
    if (events.length === 0 && (await this.#reader.spaceHead(spaceId)) === undefined)
      throw spaceNotFound(spaceId);
    return events;
  }

  async selectEvents(selection: EventSelection, bounds: SelectBounds): Promise<SelectedEvents> {
    const found = await this.#reader.selectEvents(selection, bounds);
    const { spaceId } = selection;
    if (found.isEnd && spaceId !== undefined && (await this.#reader.spaceHead(spaceId)) === undefined)
      throw spaceNotFound(spaceId);
    return found;
  }

  /** The log beside the writer. */
  get reader(): LogReader {
    return this.#reader;
  }

  /** @throws {RamaxError} why it was refused; `unavailable` when the writer is lost, or there is none */
  async writeCursor(write: CursorWrite | ParkWrite): Promise<void> {
    const outcome = await this.#current().call('writeCursor', write);
    if (outcome.kind === 'refused') throw RamaxError.fromData(outcome.error);
  }

  findCommands(...parameters: Parameters<LogReader['findCommands']>): ReturnType<LogReader['findCommands']> {
    return this.#reader.findCommands(...parameters);
  }

  timersOf(...parameters: Parameters<LogReader['timersOf']>): ReturnType<LogReader['timersOf']> {
    return this.#reader.timersOf(...parameters);
  }

  importsOf(spaceId: number): ReturnType<LogReader['importsOf']> {
    return this.#reader.importsOf(spaceId);
  }

  allCommands(...parameters: Parameters<LogReader['allCommands']>): ReturnType<LogReader['allCommands']> {
    return this.#reader.allCommands(...parameters);
  }

  async close(): Promise<void> {
    this.#writer?.close();
    await this.#reader.close();
  }

  #current(): Caller<AppendCalls> {
    if (this.#writer === undefined) throw noWriter();
    return this.#writer;
  }
}

function noWriter(): RamaxError {
  return new RamaxError('unavailable', 'the shard has no writer');
}

/**
 * Reads the log in SQLite. On its own it has a read-only connection beside the writer's; the writer's end
 * (`sqlite-log-store.ts`) extends it over its own connection.
 *
 * Invariants: a read is one statement, or several in one snapshot, so it sees whole committed batches and holds no
 * transaction when it returns (L6, L7); every event was checked against its chain (L8); after `close` every call is refused with `closed`.
 */

import type { Platform } from '../../core/clock.js';
import { RamaxError } from '../../core/errors.js';
import { type Connection, openConnection, storageError } from '../../sqlite/connection.js';
import { checkFormat, isCurrent } from '../../sqlite/file-format.js';
import type {
  CommandRecord,
  CursorKind,
  CursorPage,
  CursorRow,
  DueTimer,
  EventSelection,
  ImportPosition,
  LogReader,
  PageReader,
  ParkedEvent,
  ParkedPage,
  ReadBounds,
  SelectBounds,
  SelectedEvents,
  SpaceHead,
  SpaceRow,
  StoredCommand,
  StoredEvent,
  StoredTimer,
} from '../port.js';
import { type SelectSteps, scanSteps, selectEvents } from '../select-events.js';
import { BuiltInReads } from './built-in-reads.js';
import { EntityReads } from './entity-reads.js';
import { logFormat } from './log-format.js';
import { LogQueries } from './log-queries.js';
import { lookupFileOf } from './lookup-format.js';
import { LookupReader } from './lookup-reader.js';
import { canBeLed, LookupSteps } from './lookup-steps.js';

/** How long a statement waits for another connection. In WAL mode readers and the writer do not wait for each other;
 * this covers the moments of opening, recovery and a checkpoint that truncates. */
export const busyTimeoutMs = 5_000;

/** A `LogReader` over one connection. */
export class SqliteLogReader implements LogReader {
  readonly #connection: Connection;
  readonly #queries: LogQueries;
  readonly #lookups: LookupReader;
  readonly #entityReads: EntityReads;
  readonly #builtIn: BuiltInReads;

  constructor(connection: Connection, queries: LogQueries) {
    this.#connection = connection;
    this.#queries = queries;
    this.#lookups = new LookupReader(lookupFileOf(connection.name));
    this.#entityReads = new EntityReads(queries, this.#lookups);
    this.#builtIn = new BuiltInReads(connection);
  }

  readonly pages: PageReader = {
    readSpace: async (...parameters) => this.read((queries) => queries.spacePage(...parameters)),
    readAll: async (...parameters) => this.read((queries) => queries.allPage(...parameters)),
  };

  async readSpace(spaceId: number, after: number, bounds: ReadBounds): Promise<readonly StoredEvent[]> {
    return this.read((queries) => queries.readSpace(spaceId, after, bounds));
  }

  async readEntity(
    spaceId: number,
    entityId: string,
    after: number,
    bounds: ReadBounds,
  ): Promise<readonly StoredEvent[]> {
    return this.read(() => this.#entityReads.readEntity(spaceId, entityId, after, bounds));
  }

  async readAll(after: number, bounds: ReadBounds): Promise<readonly StoredEvent[]> {
    return this.read((queries) => queries.readAll(after, bounds));
  }

  async selectEvents(selection: EventSelection, bounds: SelectBounds): Promise<SelectedEvents> {
    return this.read((queries) =>
      selectEvents(selection, bounds, stepsOf(queries, this.#lookups, selection)),
    );
  }

  async readEvent(spaceId: number, eventId: number): Promise<StoredEvent | undefined> {
    return this.read((queries) => queries.readEvent(spaceId, eventId));
  }

  async findCommands(spaceId: number, commandIds: readonly string[]): Promise<readonly CommandRecord[]> {
    return this.read((queries) => queries.findCommands(spaceId, commandIds));
  }

  async allCommands(spaceId: number, limit: number): Promise<readonly CommandRecord[] | undefined> {
    return this.read((queries) => queries.allCommands(spaceId, limit));
  }

  async readCommands(spaceId: number, after: string, limit: number): Promise<readonly StoredCommand[]> {
    return this.read((queries) => queries.readCommands(spaceId, after, limit));
  }

  async timersOf(spaceId: number, after: string, limit: number): Promise<readonly StoredTimer[]> {
    return this.read(() => this.#builtIn.timersOf(spaceId, after, limit));
  }

  async dueTimers(upTo: number, after: DueTimer | undefined, limit: number): Promise<readonly DueTimer[]> {
    return this.read(() => this.#builtIn.dueTimers(upTo, after, limit));
  }

  async importsOf(spaceId: number): Promise<readonly ImportPosition[]> {
    return this.read(() => this.#builtIn.importsOf(spaceId));
  }

  async latestEventId(): Promise<number> {
    return this.read((queries) => queries.latestEventId());
  }

  async spaceHead(spaceId: number): Promise<SpaceHead | undefined> {
    return this.read((queries) => queries.spaceHead(spaceId));
  }

  async findSpaceByName(spaceName: string): Promise<SpaceRow | undefined> {
    return this.read((queries) => queries.findSpaceByName(spaceName));
  }

  async findSpaceById(spaceId: number): Promise<SpaceRow | undefined> {
    return this.read((queries) => queries.findSpaceById(spaceId));
  }

  async listSpaces(after: number, limit: number): Promise<readonly SpaceRow[]> {
    return this.read((queries) => queries.listSpaces(after, limit));
  }

  async cursors(kind: CursorKind, page: CursorPage): Promise<readonly CursorRow[]> {
    return this.read((queries) => queries.cursors(kind, page));
  }

  async cursor(kind: CursorKind, name: string, spaceId: number): Promise<CursorRow | undefined> {
    return this.read((queries) => queries.cursor(kind, name, spaceId));
  }

  async parkedEvents(page: ParkedPage): Promise<readonly ParkedEvent[]> {
    return this.read((queries) => queries.parkedEvents(page));
  }

  async parkedCounts(): Promise<readonly { readonly reactor: string; readonly parked: number }[]> {
    return this.read((queries) => queries.parkedCounts());
  }

  async close(): Promise<void> {
    this.closeLookups();
    this.#connection.close();
  }

  /** Before the log's own connection is closed. */
  protected closeLookups(): void {
    this.#lookups.close();
  }

  /** Runs one read, or refuses it when this end of the log is not usable. */
  protected read<Result>(query: (queries: LogQueries) => Result): Result {
    this.assertUsable();
    try {
      return query(this.#queries);
    } catch (error) {
      throw storageError(error, 'cannot read the log');
    }
  }

  /** Throws when a call cannot be served any more. */
  protected assertUsable(): void {
    if (!this.#connection.open) throw new RamaxError('closed', 'the log is closed');
  }
}

function stepsOf(queries: LogQueries, lookups: LookupReader, selection: EventSelection): SelectSteps {
  const { spaceId, query } = selection;
  if (spaceId === undefined) {
    return scanSteps({
      positionOf: (event) => event.eventId,
      forwards: (after, bounds) => queries.readAll(after, bounds),
      backwards: (upTo, bounds) => queries.readAllBack(upTo, bounds),
    });
  }
  const scan = scanSteps({
    positionOf: (event) => event.spaceSequence,
    forwards: (after, bounds) => queries.readSpace(spaceId, after, bounds),
    backwards: (upTo, bounds) => queries.readSpaceBack(spaceId, upTo, bounds),
  });
  if (query === undefined || !canBeLed(query)) return scan;
  return new LookupSteps(queries, lookups, { ...selection, spaceId, query }, scan);
}

/**
 * Opens the log in `file` for reading, beside its writer.
 *
 * @throws {RamaxError} `storage` when there is no log yet, `storage_unsuitable`, `format_newer`, `corrupt`
 */
export function openSqliteLogReader(
  file: string,
  { chainDigest }: Pick<Platform, 'chainDigest'>,
): SqliteLogReader {
  const connection = openConnection({ file, use: 'reader', busyTimeoutMs, check: checkReadable });
  return new SqliteLogReader(connection, new LogQueries(connection, chainDigest));
}

function checkReadable(connection: Connection): void {
  const format = logFormat('');
  checkFormat(connection, format);
  if (isCurrent(connection, format)) return;
  throw new RamaxError(
    'storage',
    `${connection.name} has not been brought to the current format by a writer`,
    {
      details: { file: connection.name },
    },
  );
}

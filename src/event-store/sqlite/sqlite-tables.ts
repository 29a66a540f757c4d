/**
 * The tables of the log inside the writer's transaction. Only the store calls it: `begin`, and then the rest, between
 * BEGIN and COMMIT. A transaction that fails is the last one (see `SpaceHeads`).
 */

import { assert } from '../../core/assert.js';
import type { Clock } from '../../core/clock.js';
import type { ReactionPlace } from '../../core/reaction-id.js';
import { SteadyTime } from '../../core/steady-time.js';
import type { Value } from '../../core/values.js';
import type { Connection, Statement } from '../../sqlite/connection.js';
import type { LogTables } from '../apply-batch.js';
import type {
  CommandRecord,
  CopyCommandsRequest,
  CopyEventsRequest,
  Cursor,
  CursorPlace,
  DraftCommand,
  DraftEvent,
  ParkedEvent,
  SealedEvent,
  SpaceHead,
  SpaceRow,
} from '../port.js';
import { metadataText, parseMetadataText } from '../space-metadata.js';
import { parseSettingsText, type SpaceSettings, settingsText } from '../space-settings.js';
import { BuiltInTables } from './built-in-tables.js';
import type { LogQueries } from './log-queries.js';
import { SpaceHeads } from './space-heads.js';
import { SqliteCursors } from './sqlite-cursors.js';
import { SqliteDrafts } from './sqlite-drafts.js';
import { SqliteParked } from './sqlite-parked.js';
import { uuidScratch, writeUuid } from './uuid-bytes.js';

const insertEventSql = `INSERT INTO events (event_id, space_id, space_sequence, entity_id, event_type, event_version,
  timestamp, created_at, causation_id, correlation_id, tags, metadata, invocation_id, hash, payload)
  VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`;

const insertCommandSql = `INSERT INTO commands (space_id, command_id, command_name, params_hash, invocation_id,
  first_event_id, event_count, space_sequence, accepted_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
  ON CONFLICT (space_id, command_id) DO NOTHING`;

/** See `LogTables`. */
export class SqliteTables implements LogTables {
  readonly #queries: LogQueries;
  readonly #clock: Clock;
  /** For the memory of command ids. */
  readonly #time: SteadyTime;
  readonly #heads: SpaceHeads;
  readonly #drafts: SqliteDrafts;
  readonly #builtIn: BuiltInTables;
  readonly #cursors: SqliteCursors;
  readonly #parked: SqliteParked;
  readonly #insertEvent: Statement;
  readonly #insertCommand: Statement;
  readonly #insertSpace: Statement;
  readonly #updateSpace: Statement;
  readonly #markSpaceDeleted: Statement;
  /** SQLite copies what is bound to a statement. */
  readonly #invocation = uuidScratch();
  #lastEventId: number;
  #lastHash: Uint8Array;
  #lastSpaceId: number;
  #now = 0;

  /** @param lastHash the hash of the last event */
  constructor(connection: Connection, queries: LogQueries, clock: Clock, lastHash: Uint8Array) {
    this.#queries = queries;
    this.#clock = clock;
    this.#time = new SteadyTime(clock);
    this.#heads = new SpaceHeads((spaceId) => queries.spaceHead(spaceId));
    this.#drafts = new SqliteDrafts(connection);
    this.#builtIn = new BuiltInTables(connection);
    this.#cursors = new SqliteCursors(connection, () => this.#now);
    this.#parked = new SqliteParked(connection, () => this.#now);
    this.#insertEvent = connection.prepare(insertEventSql);
    this.#insertCommand = connection.prepare(insertCommandSql);
    this.#insertSpace = connection.prepare(
      'INSERT INTO spaces (space_id, space_name, created_at, metadata, settings) VALUES (?, ?, ?, ?, ?)',
    );
    this.#updateSpace = connection.prepare(
      'UPDATE spaces SET metadata = ?, settings = ? WHERE space_id = ? AND deleted_at IS NULL',
    );
    this.#markSpaceDeleted = connection.prepare(
      'UPDATE spaces SET deleted_at = ? WHERE space_id = ? AND deleted_at IS NULL',
    );
    this.#lastEventId = queries.latestEventId();
    this.#lastHash = lastHash;
    this.#lastSpaceId = queries.latestSpaceId();
  }

  /** A transaction begins: what it writes has one time. */
  begin(): void {
    this.#now = Math.trunc(this.#clock.now());
  }

  get lastEventId(): number {
    return this.#lastEventId;
  }

  /** The hash of the event that has the last id, also when it was deleted since. */
  get lastHash(): Uint8Array {
    return this.#lastHash;
  }

  /** When the running transaction, or the last one, began. */
  get now(): number {
    return this.#now;
  }

  /** See `LogStore.takeScheduled`. */
  takeScheduled(): number | undefined {
    return this.#builtIn.takeScheduled();
  }

  get lastSpaceId(): number {
    return this.#lastSpaceId;
  }

  head(spaceId: number): SpaceHead | undefined {
    return this.#heads.get(spaceId);
  }

  insertEvents(spaceId: number, invocationId: string, events: readonly SealedEvent[]): void {
    const invocation = writeUuid(invocationId, this.#invocation);
    const head = this.#heads.get(spaceId);
    assert(head !== undefined, 'events are inserted into a live space');
    for (const event of events) {
      head.lastSpaceSequence += 1;
      head.lastHash = event.hash;
      this.#insert(spaceId, head.lastSpaceSequence, invocation, event);
      head.lastEventId = this.#lastEventId;
    }
    // A copy: the event's own lies in the message that brought it, and would keep all of that.
    head.lastHash = new Uint8Array(head.lastHash);
    this.#lastHash = head.lastHash;
  }

  #insert(spaceId: number, spaceSequence: number, invocation: Uint8Array, event: SealedEvent): void {
    this.#lastEventId += 1;
    this.#lastHash = event.hash;
    this.#insertEvent.run(
      this.#lastEventId,
      spaceId,
      spaceSequence,
      event.entityId,
      event.type,
      event.version,
      event.timestamp,
      this.#now,
      event.causationId,
      event.correlationId,
      event.tags,
      event.metadata,
      invocation,
      event.hash,
      event.payload,
    );
    this.#builtIn.inserted(spaceId, spaceSequence, event);
  }

  insertCommand(spaceId: number, record: CommandRecord): boolean {
    const { changes } = this.#insertCommand.run(
      spaceId,
      record.commandId,
      record.commandName,
      record.paramsHash,
      writeUuid(record.invocationId, this.#invocation),
      record.firstEventId,
      record.eventCount,
      record.spaceSequence,
      Math.trunc(this.#time.latest()),
    );
    return changes > 0;
  }

  findLiveSpace(spaceName: string): SpaceRow | undefined {
    return this.#queries.findSpaceByName(spaceName);
  }

  liveSpace(spaceId: number): SpaceRow | undefined {
    return this.#queries.findSpaceById(spaceId);
  }

  insertSpace(
    spaceName: string,
    metadata: Readonly<Record<string, Value>>,
    settings: SpaceSettings,
  ): SpaceRow {
    this.#lastSpaceId += 1;
    const spaceId = this.#lastSpaceId;
    const createdAt = this.#now;
    const text = metadataText(metadata);
    const set = settingsText(settings);
    this.#insertSpace.run(spaceId, spaceName, createdAt, text, set);
    return {
      spaceId,
      spaceName,
      metadata: parseMetadataText(text),
      settings: parseSettingsText(set),
      createdAt,
    };
  }

  updateSpace(
    spaceId: number,
    metadata: Readonly<Record<string, Value>>,
    settings: SpaceSettings,
  ): SpaceRow | undefined {
    this.#updateSpace.run(metadataText(metadata), settingsText(settings), spaceId);
    return this.#queries.findSpaceById(spaceId);
  }

  markSpaceDeleted(spaceId: number): boolean {
    // 0 is a draft's.
    const { changes } = this.#markSpaceDeleted.run(Math.max(1, this.#now), spaceId);
    if (changes === 0) return false;
    this.#heads.forget(spaceId);
    this.#cursors.dropOfSpace(spaceId);
    this.#parked.unparkSpace(spaceId);
    return true;
  }

  park(event: Omit<ParkedEvent, 'parkedAt'>): void {
    this.#parked.park(event);
  }

  unpark(place: ReactionPlace): boolean {
    return this.#parked.unpark(place);
  }

  reactorNames(): readonly string[] {
    return this.#parked.reactorNames();
  }

  moveCursor(cursor: Cursor): void {
    this.#cursors.moveCursor(cursor);
  }

  dropCursor(place: CursorPlace): boolean {
    return this.#cursors.dropCursor(place);
  }

  insertDraft(
    spaceName: string,
    metadata: Readonly<Record<string, Value>>,
    settings: SpaceSettings,
  ): SpaceRow {
    this.#lastSpaceId += 1;
    return this.#drafts.insert(this.#lastSpaceId, spaceName, metadata, settings, this.#now);
  }

  draftHead(spaceId: number): SpaceHead | undefined {
    return this.#drafts.head(spaceId);
  }

  insertDraftEvents(spaceId: number, head: SpaceHead, events: readonly DraftEvent[]): void {
    let spaceSequence = head.lastSpaceSequence;
    for (const event of events) {
      spaceSequence += 1;
      this.#insert(spaceId, spaceSequence, writeUuid(event.invocationId, this.#invocation), event);
    }
    // See `insertEvents`.
    this.#lastHash = new Uint8Array(this.#lastHash);
  }

  insertDraftCommand(spaceId: number, command: DraftCommand): boolean {
    return this.#drafts.insertCommand(spaceId, command);
  }

  copyEvents(request: CopyEventsRequest, head: SpaceHead): void {
    const copied = this.#drafts.copyEvents(request, head, this.#lastEventId, this.#now);
    this.#lastEventId += copied;
    this.#builtIn.copied(request.spaceId, head.lastSpaceSequence, head.lastSpaceSequence + copied);
    this.#lastHash = this.#drafts.head(request.spaceId)?.lastHash ?? this.#lastHash;
  }

  copyCommands(request: CopyCommandsRequest): string | undefined {
    return this.#drafts.copyCommands(request);
  }

  publishDraft(spaceId: number, spaceName: string, like: SpaceRow | undefined): SpaceRow {
    const space = this.#drafts.publish(spaceId, spaceName, like);
    this.#builtIn.published(spaceId);
    return space;
  }
}

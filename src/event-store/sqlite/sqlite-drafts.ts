/**
 * Drafts in the writer's transaction (`draft.ts` says what they are). In the table of spaces a draft has 0 for the time of its
 * deletion; a deleted space has a time.
 *
 * Invariant: the last event id that was given is the caller's: it says which one is next, and is told how many were given.
 */

import { assert } from '../../core/assert.js';
import type { Value } from '../../core/values.js';
import type { Connection, Statement } from '../../sqlite/connection.js';
import type { CopyCommandsRequest, CopyEventsRequest, DraftCommand, SpaceHead, SpaceRow } from '../port.js';
import { metadataText } from '../space-metadata.js';
import { type SpaceSettings, settingsText } from '../space-settings.js';
import { type HeadTuple, type SpaceTuple, spaceColumns, toSpaceHead, toSpaceRow } from './rows.js';
import { uuidScratch, writeUuid } from './uuid-bytes.js';

const copiedColumns = `entity_id, event_type, event_version, timestamp, causation_id, correlation_id, tags, metadata,
  invocation_id, hash, payload`;

/** The last of the events that are within the bounds. */
const withinSql = `SELECT max(space_sequence) FROM (
    SELECT space_sequence, sum(length(payload)) OVER (ORDER BY space_sequence) AS bytes FROM events
    WHERE space_id = @fromSpaceId AND space_sequence > @after AND space_sequence <= @upTo
    ORDER BY space_sequence LIMIT @limit)
  WHERE bytes <= @bytesMax`;

/** Where the events of the command end that has this one: the last of a chunk. */
const chunkEndSql = `SELECT coalesce(
  (SELECT min(space_sequence) - 1 FROM (SELECT space_sequence FROM events
    WHERE space_id = @fromSpaceId AND space_sequence > @end AND space_sequence <= @upTo AND invocation_id <> (
      SELECT invocation_id FROM events WHERE space_id = @fromSpaceId AND space_sequence = @end)
    ORDER BY space_sequence LIMIT 1)),
  @upTo)`;

const copyEventsSql = `INSERT INTO events (event_id, space_id, space_sequence, created_at, ${copiedColumns})
  SELECT @base + space_sequence, @spaceId, space_sequence, @now, ${copiedColumns} FROM events
  WHERE space_id = @fromSpaceId AND space_sequence > @after AND space_sequence <= @end ORDER BY space_sequence`;

const commandAheadSql = `SELECT command_id FROM commands WHERE space_id = ? AND command_id > ?
  ORDER BY command_id LIMIT 1 OFFSET ?`;

const lastCommandSql = `SELECT command_id FROM commands WHERE space_id = ? AND command_id > ?
  ORDER BY command_id DESC LIMIT 1`;

const copyCommandsSql = `INSERT INTO commands (space_id, command_id, command_name, params_hash, invocation_id,
    first_event_id, event_count, space_sequence, accepted_at)
  SELECT @spaceId, command_id, command_name, params_hash, invocation_id,
    CASE event_count WHEN 0 THEN 0 ELSE (SELECT event_id FROM events
      WHERE space_id = @spaceId AND space_sequence = accepted.space_sequence - accepted.event_count + 1) END,
    event_count, space_sequence, accepted_at
  FROM commands AS accepted
  WHERE space_id = @fromSpaceId AND command_id > @after AND command_id <= @last AND space_sequence <= @upTo
  ORDER BY command_id`;

/** The first event of a command, when the last one that is asked for is of it, too. */
const eventsOfCommandSql = `SELECT first.event_id FROM events AS first
  CROSS JOIN events AS last ON last.space_id = first.space_id AND last.space_sequence = @lastSequence
  WHERE first.space_id = @spaceId AND first.space_sequence = @firstSequence
    AND first.invocation_id = @invocation AND last.invocation_id = @invocation`;

const insertCommandSql = `INSERT INTO commands (space_id, command_id, command_name, params_hash, invocation_id,
  first_event_id, event_count, space_sequence, accepted_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
  ON CONFLICT (space_id, command_id) DO NOTHING`;

const draftHeadSql = `SELECT last.space_sequence, last.event_id, last.hash
  FROM spaces LEFT JOIN events AS last ON last.event_id = (
    SELECT event_id FROM events WHERE events.space_id = spaces.space_id ORDER BY space_sequence DESC LIMIT 1)
  WHERE spaces.space_id = ? AND deleted_at = 0`;

/** See the head of this file. */
export class SqliteDrafts {
  readonly #insertSpace: Statement;
  readonly #head: Statement<[number], HeadTuple>;
  readonly #within: Statement<[object], number | null>;
  readonly #chunkEnd: Statement<[object], number>;
  readonly #copyEvents: Statement<[object]>;
  readonly #commandAhead: Statement<[number, string, number], string>;
  readonly #lastCommand: Statement<[number, string], string>;
  readonly #copyCommands: Statement<[object]>;
  readonly #eventsOfCommand: Statement<[object], number>;
  readonly #insertCommand: Statement;
  readonly #publish: Statement<[string, number]>;
  readonly #becomeLike: Statement<[number, number]>;
  readonly #space: Statement<[number], SpaceTuple>;
  readonly #invocation = uuidScratch();

  constructor(connection: Connection) {
    this.#insertSpace = connection.prepare(
      'INSERT INTO spaces (space_id, space_name, created_at, metadata, settings, deleted_at) VALUES (?, ?, ?, ?, ?, 0)',
    );
    this.#head = connection.prepare<[number], HeadTuple>(draftHeadSql).raw();
    this.#within = connection.prepare<[object], number | null>(withinSql).pluck();
    this.#chunkEnd = connection.prepare<[object], number>(chunkEndSql).pluck();
    this.#copyEvents = connection.prepare(copyEventsSql);
    this.#commandAhead = connection.prepare<[number, string, number], string>(commandAheadSql).pluck();
    this.#lastCommand = connection.prepare<[number, string], string>(lastCommandSql).pluck();
    this.#copyCommands = connection.prepare(copyCommandsSql);
    this.#eventsOfCommand = connection.prepare<[object], number>(eventsOfCommandSql).pluck();
    this.#insertCommand = connection.prepare(insertCommandSql);
    this.#publish = connection.prepare(
      'UPDATE spaces SET space_name = ?, deleted_at = NULL WHERE space_id = ? AND deleted_at = 0',
    );
    this.#becomeLike = connection.prepare(
      `UPDATE spaces SET (metadata, settings) = (SELECT metadata, settings FROM spaces WHERE space_id = ?)
        WHERE space_id = ?`,
    );
    this.#space = connection
      .prepare<[number], SpaceTuple>(`SELECT ${spaceColumns} FROM spaces WHERE space_id = ?`)
      .raw();
  }

  insert(
    spaceId: number,
    spaceName: string,
    metadata: Readonly<Record<string, Value>>,
    settings: SpaceSettings,
    now: number,
  ): SpaceRow {
    this.#insertSpace.run(spaceId, spaceName, now, metadataText(metadata), settingsText(settings));
    return this.#row(spaceId);
  }

  head(spaceId: number): SpaceHead | undefined {
    const row = this.#head.get(spaceId);
    return row === undefined ? undefined : toSpaceHead(row);
  }

  /** Says how many events were copied. */
  copyEvents(request: CopyEventsRequest, head: SpaceHead, lastEventId: number, now: number): number {
    const { spaceId, fromSpaceId, upTo, bounds } = request;
    const after = head.lastSpaceSequence;
    const within = this.#within.get({ fromSpaceId, after, upTo, ...bounds }) ?? after + 1;
    const end = this.#chunkEnd.get({ fromSpaceId, end: within, upTo }) ?? upTo;
    const base = lastEventId - after;
    const { changes } = this.#copyEvents.run({ spaceId, fromSpaceId, after, end, base, now });
    assert(changes === end - after, 'the sequences of a space are dense');
    return changes;
  }

  copyCommands(request: CopyCommandsRequest): string | undefined {
    const { spaceId, fromSpaceId, upTo, after, rowsMax } = request;
    const ahead = this.#commandAhead.get(fromSpaceId, after, rowsMax - 1);
    const last = ahead ?? this.#lastCommand.get(fromSpaceId, after);
    if (last !== undefined) this.#copyCommands.run({ spaceId, fromSpaceId, upTo, after, last });
    return ahead;
  }

  insertCommand(spaceId: number, command: DraftCommand): boolean {
    const { eventCount, spaceSequence } = command;
    const invocation = writeUuid(command.invocationId, this.#invocation);
    const firstSequence = spaceSequence - eventCount + 1;
    const events = { spaceId, firstSequence, lastSequence: spaceSequence, invocation };
    const firstEventId = eventCount === 0 ? 0 : this.#eventsOfCommand.get(events);
    if (firstEventId === undefined) return false;
    const { changes } = this.#insertCommand.run(
      spaceId,
      command.commandId,
      command.commandName,
      command.paramsHash,
      invocation,
      firstEventId,
      eventCount,
      spaceSequence,
      command.acceptedAt,
    );
    return changes > 0;
  }

  publish(spaceId: number, spaceName: string, like: SpaceRow | undefined): SpaceRow {
    if (like !== undefined) this.#becomeLike.run(like.spaceId, spaceId);
    this.#publish.run(spaceName, spaceId);
    return this.#row(spaceId);
  }

  #row(spaceId: number): SpaceRow {
    const row = this.#space.get(spaceId);
    assert(row !== undefined, 'a draft has its row');
    return toSpaceRow(row);
  }
}

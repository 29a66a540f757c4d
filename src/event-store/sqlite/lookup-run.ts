/**
 * One run of the filler, inside its transaction: which mark counts, the next entries, the entries of purged spaces. The
 * connection has the lookups as `main` and the log as `log`.
 *
 * Invariant: the first statement writes into the lookups, so that two fillers never work on the same mark.
 */

import type { Connection, Statement } from '../../sqlite/connection.js';
import { metaKeys } from './log-format.js';
import { lookupMetaKeys } from './lookup-format.js';
import { lookupSql, type Mark, newestMark } from './lookup-reader.js';

/**
 * Events between two marks that are kept: when the newest does not count any more, so many are filled again at most, for
 * each mark that is lost.
 */
export const markEventsApart = 20_000;

const isMarkedSql =
  'SELECT EXISTS (SELECT 1 FROM log.events WHERE event_id = ? AND space_id = ? AND hash = ?)';

const markAheadSql = `SELECT event_id AS eventId, space_id AS spaceId, hash FROM log.events
  WHERE event_id > ? ORDER BY event_id LIMIT 1 OFFSET ?`;

const newestSql = `SELECT event_id AS eventId, space_id AS spaceId, hash FROM log.events
  ORDER BY event_id DESC LIMIT 1`;

/** Sorted before they are inserted, all in SQLite: 20,000 rows take a third of what they take by way of JavaScript. */
const fillSql = `INSERT OR IGNORE INTO main.entity_events (space_id, entity_id, event_id)
  SELECT space_id, entity_id, event_id FROM log.events
  WHERE event_id > ? AND event_id <= ? ORDER BY space_id, entity_id, event_id`;

/**
 * Tags that cannot be read are no entries and fail no run, because that would be the damage of one space and the loss of all: whoever
 * reads the event is told, and `verify`. An event has `tagsPerEventMax` tags, so a run has that many times `rowsMax` entries at most.
 */
const fillTagsSql = `INSERT OR IGNORE INTO main.tag_events (space_id, tag, event_id)
  SELECT space_id, tag.value, event_id FROM log.events
    CROSS JOIN json_each(CASE WHEN json_valid(tags) THEN tags ELSE '[]' END) AS tag
  WHERE event_id > ? AND event_id <= ? AND tags IS NOT NULL AND tag.type = 'text'
  ORDER BY space_id, tag.value, event_id`;

/** A mark that is close behind the one before it makes room for the next. */
const thinSql = `DELETE FROM main.marks WHERE event_id = @eventId AND event_id - coalesce(
  (SELECT max(event_id) FROM main.marks WHERE event_id < @eventId), 0) < @eventsApart`;

const nextPurgedSql = `SELECT purge_number, space_id FROM log.purged_spaces
  WHERE purge_number > ? ORDER BY purge_number LIMIT 1`;

const sweepSql = `DELETE FROM main.entity_events WHERE space_id = @spaceId AND (entity_id, event_id) IN
  (SELECT entity_id, event_id FROM main.entity_events WHERE space_id = @spaceId LIMIT @rowsMax)`;

const sweepTagsSql = `DELETE FROM main.tag_events WHERE space_id = @spaceId AND (tag, event_id) IN
  (SELECT tag, event_id FROM main.tag_events WHERE space_id = @spaceId LIMIT @rowsMax)`;

const sweptComeBackSql = `SELECT EXISTS (SELECT 1 FROM main.swept_spaces
  CROSS JOIN log.spaces ON spaces.space_id = swept_spaces.space_id)`;

/** See the head of this file. */
export class LookupRun {
  readonly #connection: Connection;
  readonly #eventsApart: number;
  readonly #touch: Statement<[string]>;
  readonly #lookupMeta: Statement<[string], string | number>;
  readonly #setMeta: Statement<[string | number, string]>;
  readonly #logMeta: Statement<[string], string>;
  readonly #markBefore: Statement<[number], Mark>;
  readonly #isMarked: Statement<[number, number, Uint8Array], number>;
  readonly #forgetMarks: Statement<[number]>;
  readonly #insertMark: Statement<[Mark]>;
  readonly #thin: Statement<[{ eventId: number; eventsApart: number }]>;
  readonly #markAhead: Statement<[number, number], Mark>;
  readonly #newest: Statement<[], Mark>;
  readonly #fill: Statement<[number, number]>;
  readonly #fillTags: Statement<[number, number]>;
  readonly #lastPurge: Statement<[], number>;
  readonly #nextPurged: Statement<[number], readonly [purgeNumber: number, spaceId: number]>;
  readonly #noteSwept: Statement<[number]>;
  readonly #sweeps: readonly Statement<[{ spaceId: number; rowsMax: number }]>[];
  readonly #sweptComeBack: Statement<[], number>;
  /** The files were looked at as a whole: once for each opening, since the log can only be replaced in between. */
  #isChecked = false;

  constructor(connection: Connection, eventsApart: number) {
    this.#connection = connection;
    this.#eventsApart = eventsApart;
    this.#touch = connection.prepare('UPDATE main.meta SET value = value WHERE key = ?');
    this.#lookupMeta = connection
      .prepare<[string], string | number>('SELECT value FROM main.meta WHERE key = ?')
      .pluck();
    this.#setMeta = connection.prepare('UPDATE main.meta SET value = ? WHERE key = ?');
    this.#logMeta = connection.prepare<[string], string>('SELECT value FROM log.meta WHERE key = ?').pluck();
    this.#markBefore = connection.prepare<[number], Mark>(lookupSql.markBefore);
    this.#isMarked = connection.prepare<[number, number, Uint8Array], number>(isMarkedSql).pluck();
    this.#forgetMarks = connection.prepare('DELETE FROM main.marks WHERE event_id > ?');
    this.#insertMark = connection.prepare(
      'INSERT INTO main.marks (event_id, space_id, hash) VALUES (@eventId, @spaceId, @hash)',
    );
    this.#thin = connection.prepare(thinSql);
    this.#markAhead = connection.prepare<[number, number], Mark>(markAheadSql);
    this.#newest = connection.prepare<[], Mark>(newestSql);
    this.#fill = connection.prepare(fillSql);
    this.#fillTags = connection.prepare(fillTagsSql);
    this.#lastPurge = connection
      .prepare<[], number>('SELECT coalesce(max(purge_number), 0) FROM log.purged_spaces')
      .pluck();
    this.#nextPurged = connection.prepare<[number], readonly [number, number]>(nextPurgedSql).raw();
    this.#noteSwept = connection.prepare('INSERT OR IGNORE INTO main.swept_spaces (space_id) VALUES (?)');
    this.#sweeps = [connection.prepare(sweepSql), connection.prepare(sweepTagsSql)];
    this.#sweptComeBack = connection.prepare<[], number>(sweptComeBackSql).pluck();
  }

  /** Fills and sweeps up to `rowsMax` rows each; says whether nothing is left. */
  fill(rowsMax: number): boolean {
    this.#touch.run(lookupMetaKeys.logId);
    if (!this.#isChecked) this.#startOverIfOfAnotherLog();
    const isFilled = this.#fillNext(rowsMax);
    const isSwept = this.#sweepPurged(rowsMax);
    this.#isChecked = true;
    return isFilled && isSwept;
  }

  #startOverIfOfAnotherLog(): void {
    const logId = this.#logMeta.get(metaKeys.logId) ?? '';
    if (logId === this.#lookupMeta.get(lookupMetaKeys.logId) && this.#sweptComeBack.get() === 0) return;
    for (const table of ['entity_events', 'tag_events', 'marks', 'swept_spaces']) {
      this.#connection.exec(`DELETE FROM main.${table}`);
    }
    this.#setMeta.run(logId, lookupMetaKeys.logId);
    this.#setMeta.run(0, lookupMetaKeys.purgesSwept);
  }

  #fillNext(rowsMax: number): boolean {
    const from = this.#countingMark();
    const newest = this.#newest.get();
    if (newest === undefined || newest.eventId <= from) return true;
    const upTo = this.#markAhead.get(from, rowsMax - 1) ?? newest;
    this.#fill.run(from, upTo.eventId);
    this.#fillTags.run(from, upTo.eventId);
    this.#thin.run({ eventId: from, eventsApart: this.#eventsApart });
    this.#insertMark.run(upTo);
    return upTo.eventId === newest.eventId;
  }

  /** The newest mark that counts for this log. Those that do not are forgotten: from there on entries are filled again. */
  #countingMark(): number {
    const counting = newestMark(
      (eventId) => this.#markBefore.get(eventId),
      ({ eventId, spaceId, hash }) => this.#isMarked.get(eventId, spaceId, hash) === 1,
    );
    const from = counting?.eventId ?? 0;
    this.#forgetMarks.run(from);
    return from;
  }

  #sweepPurged(rowsMax: number): boolean {
    let swept = Math.min(
      Number(this.#lookupMeta.get(lookupMetaKeys.purgesSwept)),
      this.#lastPurge.get() ?? 0,
    );
    for (let rowsLeft = rowsMax; ; ) {
      const next = this.#nextPurged.get(swept);
      if (next === undefined || rowsLeft <= 0) {
        this.#setMeta.run(swept, lookupMetaKeys.purgesSwept);
        return next === undefined;
      }
      const [purgeNumber, spaceId] = next;
      this.#noteSwept.run(spaceId);
      for (const sweep of this.#sweeps) rowsLeft -= sweep.run({ spaceId, rowsMax: rowsLeft }).changes;
      if (rowsLeft > 0) swept = purgeNumber;
      rowsLeft--;
    }
  }
}

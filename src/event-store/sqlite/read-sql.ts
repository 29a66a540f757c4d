/**
 * The read statements of the log. Each is one statement, so that it sees one committed state of the database without a
 * transaction that outlives it; each that names a space gives nothing once the space's deletion is committed.
 */

import { metaKeys } from './log-format.js';
import { commandColumns, eventColumns, pageSql, spaceColumns } from './rows.js';

/** Binds one space id. A scalar subquery, because SQLite evaluates that once per statement and never makes it a join. */
const spaceIsLive = '(SELECT deleted_at IS NULL FROM spaces WHERE space_id = ?)';

const spaceEvents = `FROM events WHERE space_id = ? AND space_sequence > ? AND ${spaceIsLive}
    ORDER BY space_sequence LIMIT ?`;

/** Readers over all spaces stop before the first event of a draft: see D2 in `draft.ts`. */
const firstOfDrafts = `coalesce((SELECT min(first.event_id) FROM spaces CROSS JOIN events AS first
      ON first.space_id = spaces.space_id AND first.space_sequence = 1
      WHERE spaces.deleted_at IS NOT NULL AND spaces.deleted_at = 0), 9223372036854775807)`;

/** The few deleted spaces whose rows are still there are read from their own index. */
const allEvents = `FROM events
    WHERE event_id > ? AND event_id < ${firstOfDrafts}
      AND space_id NOT IN (SELECT space_id FROM spaces WHERE deleted_at IS NOT NULL)
    ORDER BY event_id LIMIT ?`;

/** The parameters of each statement are in the comment beside it. */
export const readSql = {
  /** spaceId, after, spaceId, limit */
  space: `SELECT ${eventColumns} ${spaceEvents}`,

  /** payloadBytesMax, spaceId, after, spaceId, limit */
  spacePage: pageSql(spaceEvents),

  /** spaceId, sequence: the last place of the space up to a sequence, over its index alone. */
  placeUpTo: `SELECT space_sequence, event_id FROM events WHERE space_id = ? AND space_sequence <= ?
    ORDER BY space_sequence DESC LIMIT 1`,

  /** eventId, spaceId */
  sequenceOf: 'SELECT space_sequence FROM events WHERE event_id = ? AND space_id = ?',

  /** eventId: the event that an entry of the lookups speaks of, of whatever space it says that it is. */
  entryEvent: `SELECT ${eventColumns} FROM events WHERE event_id = ?`,

  /** spaceId, spaceSequence: what the event behind it in its space rests on. */
  linkAt: 'SELECT event_id, hash FROM events WHERE space_id = ? AND space_sequence = ?',

  /** spaceId */
  isLive: 'SELECT deleted_at IS NULL FROM spaces WHERE space_id = ?',

  /** eventId, spaceId, hash: whether a mark of the lookups counts for this log. */
  isMarked: 'SELECT EXISTS (SELECT 1 FROM events WHERE event_id = ? AND space_id = ? AND hash = ?)',

  /** spaceId, upTo, limit: where a step backwards ends, and how large its payloads are. */
  spaceBack: `SELECT space_sequence, length(payload) FROM events
    WHERE space_id = ? AND space_sequence <= ? ORDER BY space_sequence DESC LIMIT ?`,

  /** upTo, limit: the same over all spaces, by event ids. */
  allBack: `SELECT event_id, length(payload) FROM events
    WHERE event_id <= ? AND event_id < ${firstOfDrafts}
      AND space_id NOT IN (SELECT space_id FROM spaces WHERE deleted_at IS NOT NULL)
    ORDER BY event_id DESC LIMIT ?`,

  logId: `SELECT value FROM meta WHERE key = '${metaKeys.logId}'`,

  /** after, limit */
  all: `SELECT ${eventColumns} ${allEvents}`,

  /** payloadBytesMax, after, limit */
  allPage: pageSql(allEvents),

  /** eventId, spaceId, spaceId */
  event: `SELECT ${eventColumns} FROM events WHERE event_id = ? AND space_id = ? AND ${spaceIsLive}`,

  /** command ids as a JSON array, spaceId, spaceId. The join goes from the wanted ids to the index. */
  commands: `SELECT ${commandColumns} FROM json_each(?) AS wanted
    CROSS JOIN commands ON space_id = ? AND command_id = wanted.value
    WHERE ${spaceIsLive}`,

  /** spaceId, spaceId, limit. The order is of no matter: all of them, or too many. */
  allCommands: `SELECT ${commandColumns} FROM commands WHERE space_id = ? AND ${spaceIsLive} LIMIT ?`,

  /** spaceId, after, spaceId, limit */
  commandPage: `SELECT ${commandColumns}, accepted_at FROM commands
    WHERE space_id = ? AND command_id > ? AND ${spaceIsLive} ORDER BY command_id LIMIT ?`,

  latestEventId: `SELECT max(
    coalesce((SELECT max(event_id) FROM events), 0),
    (SELECT value FROM meta WHERE key = '${metaKeys.eventIdMark}'))`,

  latestSpaceId: `SELECT max(
    coalesce((SELECT max(space_id) FROM spaces), 0),
    (SELECT value FROM meta WHERE key = '${metaKeys.spaceIdMark}'))`,

  /** spaceId */
  head: `SELECT last.space_sequence, last.event_id, last.hash
    FROM spaces LEFT JOIN events AS last ON last.event_id = (
      SELECT event_id FROM events WHERE events.space_id = spaces.space_id ORDER BY space_sequence DESC LIMIT 1)
    WHERE spaces.space_id = ? AND deleted_at IS NULL`,

  /** spaceName */
  spaceByName: `SELECT ${spaceColumns} FROM spaces WHERE space_name = ? AND deleted_at IS NULL`,

  /** spaceId */
  spaceById: `SELECT ${spaceColumns} FROM spaces WHERE space_id = ? AND deleted_at IS NULL`,

  /** after, limit */
  spaces: `SELECT ${spaceColumns} FROM spaces
    WHERE space_id > ? AND deleted_at IS NULL ORDER BY space_id LIMIT ?`,

  /** kind, name, spaceId, limit. The row value is compared as the key is ordered: a range of it. */
  cursors: `SELECT name, space_id, position, updated_at FROM cursors
    WHERE kind = ? AND (name, space_id) > (?, ?) ORDER BY name, space_id LIMIT ?`,

  /** kind, name, spaceId */
  cursor: `SELECT name, space_id, position, updated_at FROM cursors WHERE kind = ? AND name = ? AND space_id = ?`,

  /** spaceId, spaceId, then the place after which: spaceId, reactor, spaceSequence, part; limit. 0 is all spaces. */
  parked: `SELECT space_id, reactor, space_sequence, part, attempts, error, parked_at FROM parked_events
    WHERE (? = 0 OR space_id = ?) AND (space_id, reactor, space_sequence, part) > (?, ?, ?, ?)
    ORDER BY space_id, reactor, space_sequence, part LIMIT ?`,

  parkedCounts: 'SELECT reactor, count(*) FROM parked_events GROUP BY reactor ORDER BY reactor',

  deletedSpaces: 'SELECT space_id FROM spaces WHERE deleted_at IS NOT NULL ORDER BY space_id',
} as const;

/**
 * The read statements of the log. Each is one statement, so that it sees one committed state of the database without a
 * transaction that outlives it; each that names a space gives nothing once the space's deletion is committed.
 */

import { metaKeys } from './log-format.js';
import { commandColumns, eventColumns, spaceColumns } from './rows.js';

/** Binds one space id. A scalar subquery, because SQLite evaluates that once per statement and never makes it a join. */
const spaceIsLive = '(SELECT deleted_at IS NULL FROM spaces WHERE space_id = ?)';

/** The parameters of each statement are in the comment beside it. */
export const readSql = {
  /** spaceId, after, spaceId, limit */
  space: `SELECT ${eventColumns} FROM events
    WHERE space_id = ? AND space_sequence > ? AND ${spaceIsLive}
    ORDER BY space_sequence LIMIT ?`,

  /**
   * spaceId, entityId, spaceId, after, spaceId, limit. The sequence is turned into an event id first, so that the index
   * by entity is entered where the page begins.
   */
  entity: `SELECT ${eventColumns} FROM events
    WHERE space_id = ? AND entity_id = ? AND event_id > coalesce(
      (SELECT event_id FROM events WHERE space_id = ? AND space_sequence <= ?
       ORDER BY space_sequence DESC LIMIT 1), 0)
      AND ${spaceIsLive}
    ORDER BY event_id LIMIT ?`,

  /** after, limit. The few deleted spaces whose rows are still there are read from their own index. */
  all: `SELECT ${eventColumns} FROM events
    WHERE event_id > ? AND space_id NOT IN (SELECT space_id FROM spaces WHERE deleted_at IS NOT NULL)
    ORDER BY event_id LIMIT ?`,

  /** eventId, spaceId, spaceId */
  event: `SELECT ${eventColumns} FROM events WHERE event_id = ? AND space_id = ? AND ${spaceIsLive}`,

  /** command ids as a JSON array, spaceId, spaceId. The join goes from the wanted ids to the index. */
  commands: `SELECT ${commandColumns} FROM json_each(?) AS wanted
    CROSS JOIN commands ON space_id = ? AND command_id = wanted.value
    WHERE ${spaceIsLive}`,

  /** spaceId, spaceId, limit. The order is of no matter: all of them, or too many. */
  allCommands: `SELECT ${commandColumns} FROM commands WHERE space_id = ? AND ${spaceIsLive} LIMIT ?`,

  latestEventId: `SELECT max(
    coalesce((SELECT max(event_id) FROM events), 0),
    (SELECT value FROM meta WHERE key = '${metaKeys.eventIdMark}'))`,

  latestSpaceId: `SELECT max(
    coalesce((SELECT max(space_id) FROM spaces), 0),
    (SELECT value FROM meta WHERE key = '${metaKeys.spaceIdMark}'))`,

  /** spaceId */
  head: `SELECT last_sequence, last_event_id, last_hash
    FROM spaces LEFT JOIN space_sequences USING (space_id)
    WHERE space_id = ? AND deleted_at IS NULL`,

  /** spaceName */
  spaceByName: `SELECT ${spaceColumns} FROM spaces WHERE space_name = ? AND deleted_at IS NULL`,

  /** spaceId */
  spaceById: `SELECT ${spaceColumns} FROM spaces WHERE space_id = ? AND deleted_at IS NULL`,

  /** after, limit */
  spaces: `SELECT ${spaceColumns} FROM spaces
    WHERE space_id > ? AND deleted_at IS NULL ORDER BY space_id LIMIT ?`,

  deletedSpaces: 'SELECT space_id FROM spaces WHERE deleted_at IS NOT NULL ORDER BY space_id',
} as const;

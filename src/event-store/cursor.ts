/**
 * Cursors: where somebody stands who goes through the log. They lie in the log's own database, are written in group commits like
 * everything else, and are as durable as the events that they speak of.
 *
 * Invariants:
 *   C1  A cursor is named by its kind, its name and its space. Of all spaces (`everySpace`) its position is an event id, of one
 *       space a `spaceSequence`. Whoever moves it says where to, forwards or backwards; a
 *       reactor's goes forwards only, for a shard that has died may still be heard.
 *   C2  A cursor of one space ends with the commit that marks its space as deleted, and cannot be moved after it. A space that is
 *       cloned, imported or restored has none: it is another space. (But reactors stand at its end then, see `parked.ts`.)
 */

import type { Cursor, CursorPlace, CursorWrite, LogWriteOutcome } from './port.js';

/** The space id of a cursor that goes through all spaces. */
export const everySpace = 0;

/** What writing cursors needs of a log's tables, inside the running transaction. */
export interface CursorTables {
  /** Adds a cursor, or moves it. */
  moveCursor(cursor: Cursor): void;
  /** Removes a cursor; says whether it was there. */
  dropCursor(place: CursorPlace): boolean;
}

/** Writes one cursor whose space was looked at. */
export function applyCursor(request: CursorWrite, tables: CursorTables): LogWriteOutcome {
  if (request.kind === 'dropCursor') return { kind: 'dropped', existed: tables.dropCursor(request.cursor) };
  tables.moveCursor(request.cursor);
  return { kind: 'moved' };
}

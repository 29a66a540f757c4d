/**
 * Parked events: those that a reactor could not handle, with what it failed of. They lie in the log's own database, and are written in
 * the transaction that moves the reactor's cursor over them. And: which records of reactors' commands outlive their retention.
 *
 * Invariants:
 *   Q1  An event is parked and passed over in one transaction, so that it is never lost and never in both places.
 *   Q2  What is parked of a space ends with the commit that marks the space as deleted.
 *   Q3  The record of a command that a reactor has issued stays for as long as its event may be handled again: until the reactor's
 *       cursor has passed it, and while it is parked.
 */

import { type ReactionPlace, reactionOf } from '../core/reaction-id.js';
import { everySpace } from './cursor.js';
import type { Cursor, LogWriteOutcome, ParkedEvent, ParkWrite } from './port.js';

/** What parking needs of a log's tables, inside the running transaction. */
export interface ParkTables {
  /** Adds a parked event, or replaces it. */
  park(event: Omit<ParkedEvent, 'parkedAt'>): void;
  /** Removes a parked event; says whether it was there. */
  unpark(place: ReactionPlace): boolean;
  /** The reactors that there are: those that have a cursor of all spaces. */
  reactorNames(): readonly string[];
}

interface Cursors {
  moveCursor(cursor: Cursor): void;
}

/** Writes what becomes of one event whose space was looked at. */
export function applyPark(request: ParkWrite, tables: ParkTables & Cursors): LogWriteOutcome {
  if (request.kind === 'unparkEvent') return { kind: 'unparked', existed: tables.unpark(request.place) };
  const { event, position } = request;
  tables.park(event);
  const { reactor: name, spaceId } = event;
  if (position !== undefined) tables.moveCursor({ kind: 'reactor', name, spaceId, position });
  return { kind: 'parked' };
}

/** A space that is made of another, or of a file, is not reacted to as far as it goes then: its past has happened elsewhere. */
export function passOver(spaceId: number, position: number, tables: ParkTables & Cursors): void {
  for (const name of tables.reactorNames()) tables.moveCursor({ kind: 'reactor', name, spaceId, position });
}

/** What says whether a record is still needed. */
export interface ReactionFacts {
  isLive(spaceId: number): boolean;
  /** Where a reactor stands in a space; undefined where it has no cursor there yet. */
  position(reactor: string, spaceId: number): number | undefined;
  isParked(place: ReactionPlace): boolean;
}

/** Whether the record of this command is kept beyond its retention (Q3). */
export function isKept(commandId: string, facts: ReactionFacts): boolean {
  const place = reactionOf(commandId);
  if (place === undefined || place.spaceId === everySpace || !facts.isLive(place.spaceId)) return false;
  const position = facts.position(place.reactor, place.spaceId);
  return position === undefined || position < place.spaceSequence || facts.isParked(place);
}

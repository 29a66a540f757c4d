/**
 * What a batch of requests does to the tables of a log: the rules of `commit`, in one place for every adapter whose
 * tables answer at once. The adapter wraps it in its transaction.
 *
 * Invariants:
 *   - Every check of a request comes before its first write, so that a refused request has written nothing.
 *   - Requests are taken in order, and each sees what the ones before it wrote.
 */

import { assert } from '../core/assert.js';
import { isDamageOf, RamaxError } from '../core/errors.js';
import type { Value } from '../core/values.js';
import { isSameHash } from './chain-check.js';
import { applyCursor, type CursorTables, everySpace } from './cursor.js';
import { applyDraft, type DraftTables } from './draft.js';
import { chainConflict, commandConflict, noSuchSpace, sequenceConflict } from './log-errors.js';
import { applyPark, type ParkTables } from './parked.js';
import type {
  AppendRequest,
  CommandRecord,
  CreateSpaceRequest,
  CursorWrite,
  LogWrite,
  LogWriteOutcome,
  MarkSpaceDeletedRequest,
  SealedEvent,
  SpaceHead,
  SpaceRow,
  UpdateSpaceRequest,
} from './port.js';
import { changedSettings, noSettings, type SpaceSettings } from './space-settings.js';

/** The tables of a log, as they are inside the running transaction. */
export interface LogTables extends DraftTables, CursorTables, ParkTables {
  /** The largest event id that was ever given. */
  readonly lastEventId: number;
  /** Where a live space ends, or undefined when there is no such live space. */
  head(spaceId: number): SpaceHead | undefined;
  /** Adds the events of one append, which get the next event ids and sequences, and moves the space's head. */
  insertEvents(spaceId: number, invocationId: string, events: readonly SealedEvent[]): void;
  /** Adds a record, or says false when the space has one of this command id already. */
  insertCommand(spaceId: number, record: CommandRecord): boolean;
  findLiveSpace(spaceName: string): SpaceRow | undefined;
  /** The live space of this id. */
  liveSpace(spaceId: number): SpaceRow | undefined;
  /** Adds a space, which gets the next space id. */
  insertSpace(
    spaceName: string,
    metadata: Readonly<Record<string, Value>>,
    settings: SpaceSettings,
  ): SpaceRow;
  /** Replaces metadata and settings of a live space. */
  updateSpace(
    spaceId: number,
    metadata: Readonly<Record<string, Value>>,
    settings: SpaceSettings,
  ): SpaceRow | undefined;
  /** Marks a live space and removes its cursors, or says false when there is no such live space. */
  markSpaceDeleted(spaceId: number): boolean;
}

/** Asserts what the callers of `commit` promise, before anything is written. */
export function assertBatch(batch: readonly LogWrite[]): void {
  for (const request of batch) {
    if (request.kind === 'moveCursor') {
      const { position } = request.cursor;
      assert(Number.isSafeInteger(position) && position >= 0, 'a cursor stands at a position');
    }
    if (request.kind === 'extendDraft') {
      for (const { invocationId } of request.events)
        assert(isUuid(invocationId), 'an invocation id is a UUID');
    }
    if (request.kind !== 'append') continue;
    assert(request.events.length > 0 || request.command !== null, 'an append has events or a command');
    assert(isUuid(request.invocationId), 'an invocation id is a lower-case UUID');
  }
}

/** Applies a batch and says what became of each request, in order. */
export function applyBatch(batch: readonly LogWrite[], tables: LogTables): readonly LogWriteOutcome[] {
  const outcomes: LogWriteOutcome[] = [];
  for (const request of batch) outcomes.push(applyRequest(request, tables));
  return outcomes;
}

function applyRequest(request: LogWrite, tables: LogTables): LogWriteOutcome {
  switch (request.kind) {
    case 'append':
      return append(request, tables);
    case 'createSpace':
      return createSpace(request, tables);
    case 'updateSpace':
      return updateSpace(request, tables);
    case 'markSpaceDeleted':
      return markSpaceDeleted(request, tables);
    case 'moveCursor':
    case 'dropCursor':
      return writeCursor(request, tables);
    case 'parkEvent':
      return tables.liveSpace(request.event.spaceId) === undefined
        ? refused(noSuchSpace(request.event.spaceId))
        : applyPark(request, tables);
    case 'unparkEvent':
      return applyPark(request, tables);
    default: {
      const outcome = applyDraft(request, tables);
      return outcome instanceof RamaxError ? refused(outcome) : outcome;
    }
  }
}

function append(request: AppendRequest, tables: LogTables): LogWriteOutcome {
  const { spaceId, previousSequence, invocationId, events, command } = request;
  const head = headOrDamage(tables, spaceId);
  if (head instanceof RamaxError) return refused(head);
  if (head === undefined) return refused(noSuchSpace(spaceId));
  if (head.lastSpaceSequence !== previousSequence) {
    return refused(sequenceConflict(spaceId, previousSequence, head.lastSpaceSequence));
  }
  if (request.previousHash !== undefined && !isSameHash(request.previousHash, head.lastHash)) {
    return refused(chainConflict(spaceId, previousSequence));
  }
  const firstEventId = events.length === 0 ? 0 : tables.lastEventId + 1;
  const spaceSequence = previousSequence + events.length;
  if (command !== null) {
    const { commandId, commandName, paramsHash } = command;
    const wrote = { invocationId, firstEventId, eventCount: events.length, spaceSequence };
    const record = { commandId, commandName, paramsHash, ...wrote };
    if (!tables.insertCommand(spaceId, record)) return refused(commandConflict(spaceId, commandId));
  }
  if (events.length > 0) tables.insertEvents(spaceId, invocationId, events);
  return { kind: 'appended', firstEventId, spaceSequence };
}

/** A space whose end is damaged takes nothing more, and no other space suffers for it. */
function headOrDamage(tables: LogTables, spaceId: number): SpaceHead | RamaxError | undefined {
  try {
    return tables.head(spaceId);
  } catch (error) {
    if (isDamageOf(error, spaceId)) return error;
    throw error;
  }
}

function createSpace(request: CreateSpaceRequest, tables: LogTables): LogWriteOutcome {
  const existing = tables.findLiveSpace(request.spaceName);
  if (existing !== undefined) return { kind: 'space', space: existing, created: false };
  const { spaceName, metadata, settings = noSettings } = request;
  return { kind: 'space', space: tables.insertSpace(spaceName, metadata, settings), created: true };
}

function updateSpace(request: UpdateSpaceRequest, tables: LogTables): LogWriteOutcome {
  const { spaceId, metadata, settings = {} } = request;
  const known = tables.liveSpace(spaceId);
  if (known === undefined) return refused(noSuchSpace(spaceId));
  const changed = changedSettings(known.settings, settings);
  const space = tables.updateSpace(spaceId, metadata ?? known.metadata, changed);
  assert(space !== undefined, 'a live space is there after its update');
  return { kind: 'space', space, created: false };
}

function markSpaceDeleted(request: MarkSpaceDeletedRequest, tables: LogTables): LogWriteOutcome {
  return tables.markSpaceDeleted(request.spaceId)
    ? { kind: 'marked' }
    : refused(noSuchSpace(request.spaceId));
}

function writeCursor(request: CursorWrite, tables: LogTables): LogWriteOutcome {
  const { spaceId } = request.cursor;
  const isThere = spaceId === everySpace || tables.liveSpace(spaceId) !== undefined;
  if (request.kind === 'moveCursor' && !isThere) return refused(noSuchSpace(spaceId));
  return applyCursor(request, tables);
}

const uuidLength = 36;
const hyphen = 0x2d;

/** Every append comes this way, so only the form is looked at; an adapter that takes the digits apart asserts the rest. */
function isUuid(text: string): boolean {
  return (
    text.length === uuidLength &&
    text.charCodeAt(8) === hyphen &&
    text.charCodeAt(13) === hyphen &&
    text.charCodeAt(18) === hyphen &&
    text.charCodeAt(23) === hyphen
  );
}

function refused(error: RamaxError): LogWriteOutcome {
  return { kind: 'refused', error: error.toData() };
}

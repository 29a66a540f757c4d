/**
 * Drafts: spaces that are being made of many events, in many transactions, for imports, clones and restores. Nobody sees a
 * draft until it is published, in one transaction, with all that it has.
 *
 * A draft counts as deleted from its creation on: no read finds it, its name is free, and what is left of one is purged like
 * a deleted space. It belongs to the writer that began it; when the log is opened again, it is a deleted space.
 *
 * Invariants:
 *   D1  The events of a draft are chained and dense like those of any space. Those of one command are written in one
 *       transaction, so that their ids are consecutive.
 *   D2  A reader over all spaces stops before the first event of any draft: what is published later would lie behind it
 *       otherwise, and it would never see it (L3). It goes on when the draft is published or abandoned.
 *   D3  Publishing takes the name, or is refused with `conflict` where another live space has it. A draft that replaces a
 *       space takes its name, metadata and settings, and that one is marked as deleted in the same transaction.
 *   D4  To publish what is published already, with the same answer, does no harm: a caller that lost its writer asks again.
 */

import { assert } from '../core/assert.js';
import { RamaxError } from '../core/errors.js';
import type { Value } from '../core/values.js';
import type { CursorTables } from './cursor.js';
import { nameConflict, noSuchSpace, sequenceConflict } from './log-errors.js';
import { type ParkTables, passOver } from './parked.js';
import type {
  CopyCommandsRequest,
  CopyEventsRequest,
  DraftCommand,
  DraftEvent,
  DraftOutcome,
  DraftWrite,
  ExtendDraftRequest,
  PublishDraftRequest,
  SpaceHead,
  SpaceRow,
} from './port.js';
import type { SpaceSettings } from './space-settings.js';

/** The tables of a log, as far as drafts change them. */
export interface DraftTables {
  insertDraft(
    spaceName: string,
    metadata: Readonly<Record<string, Value>>,
    settings: SpaceSettings,
  ): SpaceRow;
  /** Where a draft ends, or undefined when there is no such draft. */
  draftHead(spaceId: number): SpaceHead | undefined;
  insertDraftEvents(spaceId: number, head: SpaceHead, events: readonly DraftEvent[]): void;
  /** Adds a record, or says false where it speaks of events that the draft has not, or is there already. */
  insertDraftCommand(spaceId: number, command: DraftCommand): boolean;
  copyEvents(request: CopyEventsRequest, head: SpaceHead): void;
  /** The last command id copied, or undefined when there are no more. */
  copyCommands(request: CopyCommandsRequest): string | undefined;
  /** Makes a draft a live space, with the metadata and settings of another one where that is given. */
  publishDraft(spaceId: number, spaceName: string, like: SpaceRow | undefined): SpaceRow;
}

/** What publishing needs of live spaces besides. */
interface LiveSpaces extends CursorTables, ParkTables {
  findLiveSpace(spaceName: string): SpaceRow | undefined;
  head(spaceId: number): SpaceHead | undefined;
  markSpaceDeleted(spaceId: number): boolean;
}

type Outcome = DraftOutcome | { readonly kind: 'space'; readonly space: SpaceRow; readonly created: boolean };

/** Applies a request, or gives the error by which it is refused; then it has changed nothing. */
export function applyDraft(request: DraftWrite, tables: DraftTables & LiveSpaces): Outcome | RamaxError {
  switch (request.kind) {
    case 'createDraft': {
      const { spaceName, metadata, settings } = request;
      return { kind: 'space', space: tables.insertDraft(spaceName, metadata, settings), created: true };
    }
    case 'extendDraft':
      return extend(request, tables);
    case 'copyEvents':
      return copyEvents(request, tables);
    case 'copyCommands': {
      const missing = missingSpace(request, tables);
      return missing ?? { kind: 'copiedCommands', last: tables.copyCommands(request) };
    }
    case 'publishDraft':
      return publish(request, tables);
  }
}

function extend(request: ExtendDraftRequest, tables: DraftTables): Outcome | RamaxError {
  const { spaceId, previousSequence, events, commands } = request;
  const head = tables.draftHead(spaceId);
  if (head === undefined) return noSuchSpace(spaceId);
  if (head.lastSpaceSequence !== previousSequence) {
    return sequenceConflict(spaceId, previousSequence, head.lastSpaceSequence);
  }
  if (events.length > 0) tables.insertDraftEvents(spaceId, head, events);
  // A record that is refused leaves the events before it: whoever is refused abandons the draft.
  const wrong = commands.find((command) => !tables.insertDraftCommand(spaceId, command));
  if (wrong !== undefined) {
    const { commandId } = wrong;
    return new RamaxError(
      'invalid_input',
      `the record of the command ${JSON.stringify(commandId)} does not fit`,
      {
        details: { commandId },
      },
    );
  }
  return { kind: 'extended', spaceSequence: previousSequence + events.length };
}

function copyEvents(request: CopyEventsRequest, tables: DraftTables & LiveSpaces): Outcome | RamaxError {
  const missing = missingSpace(request, tables);
  if (missing !== undefined) return missing;
  const head = tables.draftHead(request.spaceId);
  assert(head !== undefined, 'the draft was there a moment ago');
  if (head.lastSpaceSequence < request.upTo) tables.copyEvents(request, head);
  const { lastSpaceSequence = 0 } = tables.draftHead(request.spaceId) ?? {};
  return { kind: 'copiedEvents', spaceSequence: lastSpaceSequence };
}

function missingSpace(
  { spaceId, fromSpaceId }: CopyEventsRequest | CopyCommandsRequest,
  tables: DraftTables & LiveSpaces,
): RamaxError | undefined {
  if (tables.head(fromSpaceId) === undefined) return noSuchSpace(fromSpaceId);
  return tables.draftHead(spaceId) === undefined ? noSuchSpace(spaceId) : undefined;
}

function publish(request: PublishDraftRequest, tables: DraftTables & LiveSpaces): Outcome | RamaxError {
  const { spaceId, spaceName, replaces } = request;
  const live = tables.findLiveSpace(spaceName);
  if (live?.spaceId === spaceId) return { kind: 'space', space: live, created: false };
  if (tables.draftHead(spaceId) === undefined) return noSuchSpace(spaceId);
  if (replaces !== undefined && live === undefined) return noSuchSpace(replaces);
  if (live?.spaceId !== replaces) return nameConflict(spaceName);
  const { lastSpaceSequence = 0 } = tables.draftHead(spaceId) ?? {};
  passOver(spaceId, lastSpaceSequence, tables);
  if (replaces !== undefined) tables.markSpaceDeleted(replaces);
  return { kind: 'space', space: tables.publishDraft(spaceId, spaceName, live), created: true };
}

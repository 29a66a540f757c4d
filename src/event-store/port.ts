/**
 * The port of the log: what a storage adapter implements, and nothing more. One contract suite
 * (`test/event-store/log-store.contract.ts`) runs on every adapter.
 *
 * The log has one writer (`LogStore`) and any number of readers (`LogReader`). The unit of writing is a batch of
 * requests in one durable transaction: one await per batch. Within a batch, requests are taken in order, each sees
 * the ones before it, and each is all in or all out; a refused one changes nothing and does not disturb the others.
 *
 * Invariants of an adapter:
 *   L1  `commit` resolves only when the transaction is durable, as durable as the adapter promises.
 *   L2  `commit` rejects only when the outcome of the whole batch is in doubt; the store must then be closed and
 *       opened again, and nobody may be told that its request was refused.
 *   L3  `eventId` increases strictly in commit order and is never reused, also after the newest events are deleted.
 *   L4  `(spaceId, spaceSequence)` is unique and dense from 1; an append states the sequence that it follows.
 *   L5  `spaceId` is never reused.
 *   L6  Readers see committed batches only, whole, and nothing of a space whose deletion is committed, or that is a draft
 *       (`draft.ts`); a reader over all spaces stops before the first event of a draft.
 *   L7  Every read is bounded by `limit` and `bytesMax`, returns at least one event when there is one, and holds no
 *       transaction between calls.
 *   L8  Storage that can be damaged checks every event that it gives against the chain of its space (`chain-check.ts`), and where a
 *       space ends as well; damage is `corrupt` with `spaceId`, `spaceSequence` and `eventId`, and harms no other space.
 */

import type { ErrorData } from '../core/errors.js';
import type { CheckedEventQuery } from '../core/event-query.js';
import type { ReactionPlace } from '../core/reaction-id.js';
import type { Value } from '../core/values.js';
import type { SettingsChange, SpaceSettings } from './space-settings.js';

/** An event ready to be stored: encoded, stamped and chained. Its sequence follows from its place in the request. */
export interface SealedEvent {
  readonly entityId: string;
  readonly type: string;
  readonly version: number;
  /** msgpack bytes of the payload. */
  readonly payload: Uint8Array;
  readonly timestamp: number;
  /** null: the invocation id. */
  readonly causationId: string | null;
  /** null: the invocation id. */
  readonly correlationId: string | null;
  /** JSON array of strings, or null for none. */
  readonly tags: string | null;
  /** JSON object, or null for none. */
  readonly metadata: string | null;
  /** 16 bytes: this event chained to the one before it in its space (`seal.ts`). */
  readonly hash: Uint8Array;
}

/** A sealed event on its way to the log. */
export interface ChainedEvent extends SealedEvent {
  /** The facts that its hash covers besides the payload (`seal.ts`), as text: made once, for the hash and for the way to the writer. */
  readonly header: string;
}

/** An event as it lies in the log. */
export interface StoredEvent extends SealedEvent {
  readonly eventId: number;
  readonly spaceId: number;
  readonly spaceSequence: number;
  /** The `execute` call that wrote it: a UUID. */
  readonly invocationId: string;
}

/** What is remembered of an accepted command that came with a `commandId`. */
export interface CommandRecord {
  readonly commandId: string;
  readonly commandName: string;
  /** Digest of the parameters: the same id with others is a conflict. */
  readonly paramsHash: string;
  readonly invocationId: string;
  /** The first event's id; 0 when the command was accepted without events. Its events have consecutive ids. */
  readonly firstEventId: number;
  readonly eventCount: number;
  /** The space's latest sequence after the command. */
  readonly spaceSequence: number;
}

/** A record as it lies in the log. */
export interface StoredCommand extends CommandRecord, DraftCommand {}

/** Appends the events of one command to one space. */
export interface AppendRequest {
  readonly kind: 'append';
  readonly spaceId: number;
  /** The space's latest sequence as the requester knows it; anything else is refused with `conflict`. */
  readonly previousSequence: number;
  /**
   * The chain hash of the event that it follows. When given, an append to any other event is refused with `conflict`:
   * a sequence alone may fit by chance after an earlier request of the same writer was refused.
   */
  readonly previousHash?: Uint8Array;
  readonly invocationId: string;
  /** May be empty when `command` is there. */
  readonly events: readonly SealedEvent[];
  /** Stored with the events, for the promise "once". Refused with `conflict` when the id is there already. */
  readonly command: Pick<CommandRecord, 'commandId' | 'commandName' | 'paramsHash'> | null;
}

/** Finds the live space of this name or creates it. */
export interface CreateSpaceRequest {
  readonly kind: 'createSpace';
  readonly spaceName: string;
  readonly metadata: Readonly<Record<string, Value>>;
  /** Of a space that is created. Default: none. */
  readonly settings?: SpaceSettings;
}

/** Replaces the metadata of a live space, or changes its settings, or both. */
export interface UpdateSpaceRequest {
  readonly kind: 'updateSpace';
  readonly spaceId: number;
  /** Absent: it stays as it is. */
  readonly metadata?: Readonly<Record<string, Value>>;
  /** Absent: they stay as they are, as does each field that is absent in it. */
  readonly settings?: SettingsChange;
}

/** Marks a live space as deleted: its name is free at once, its events are gone for every reader. */
export interface MarkSpaceDeletedRequest {
  readonly kind: 'markSpaceDeleted';
  readonly spaceId: number;
}

/** An event that has its place in a history already. */
export interface DraftEvent extends SealedEvent {
  /** The `execute` call that wrote it: a UUID. */
  readonly invocationId: string;
}

/** What is remembered of an accepted command, and since when: its events are found by their sequences. */
export interface DraftCommand extends Omit<CommandRecord, 'firstEventId'> {
  /** Milliseconds since the Unix epoch. */
  readonly acceptedAt: number;
}

/** Begins a draft. */
export interface CreateDraftRequest {
  readonly kind: 'createDraft';
  /** The name that it gets when it is published. */
  readonly spaceName: string;
  readonly metadata: Readonly<Record<string, Value>>;
  readonly settings: SpaceSettings;
}

/** Appends events and records of commands to a draft. The events of one command come together. */
export interface ExtendDraftRequest {
  readonly kind: 'extendDraft';
  readonly spaceId: number;
  /** The draft's latest sequence; anything else is refused with `conflict`. */
  readonly previousSequence: number;
  readonly events: readonly DraftEvent[];
  /** Of events that the draft has by then. Refused with `invalid_input` where it has not, or has such a record already. */
  readonly commands: readonly DraftCommand[];
}

/** Copies the next events of a live space to the end of a draft: within the bounds, to the end of a command. */
export interface CopyEventsRequest {
  readonly kind: 'copyEvents';
  readonly spaceId: number;
  readonly fromSpaceId: number;
  /** The last sequence to copy. */
  readonly upTo: number;
  readonly bounds: ReadBounds;
}

/** Copies the next `rowsMax` records of commands up to a sequence, in the order of their ids. The draft has the events. */
export interface CopyCommandsRequest {
  readonly kind: 'copyCommands';
  readonly spaceId: number;
  readonly fromSpaceId: number;
  readonly upTo: number;
  /** The last command id of those before; an empty text at first. */
  readonly after: string;
  readonly rowsMax: number;
}

/** Makes a draft a live space. */
export interface PublishDraftRequest {
  readonly kind: 'publishDraft';
  readonly spaceId: number;
  readonly spaceName: string;
  /** The live space of this name that it takes the place of. Default: none, and the name must be free. */
  readonly replaces?: number | undefined;
}

/** A request that makes a draft. */
export type DraftWrite =
  | CreateDraftRequest
  | ExtendDraftRequest
  | CopyEventsRequest
  | CopyCommandsRequest
  | PublishDraftRequest;

/** What became of it; `createDraft` and `publishDraft` are answered with the space. */
export type DraftOutcome =
  | { readonly kind: 'extended'; readonly spaceSequence: number }
  | { readonly kind: 'copiedEvents'; readonly spaceSequence: number }
  /** `last` is undefined when there are no more. */
  | { readonly kind: 'copiedCommands'; readonly last: string | undefined };

/** Who keeps a cursor (`cursor.ts`). */
export type CursorKind = 'subscription' | 'reactor' | 'import';

/** What a cursor is found by. */
export interface CursorPlace {
  readonly kind: CursorKind;
  readonly name: string;
  /** A space, or 0 (`everySpace`) for all of them. */
  readonly spaceId: number;
}

/** Where somebody stands who goes through the log. */
export interface Cursor extends CursorPlace {
  /** The last one that is done with: a `spaceSequence`, or an `eventId` where it goes through all spaces; 0 before the first. */
  readonly position: number;
}

/** A cursor as it lies in the log. */
export interface CursorRow extends Cursor {
  /** When it was moved last: milliseconds since the Unix epoch. */
  readonly updatedAt: number;
}

/** The page of cursors behind a place: in the order of their names' code points, and of space ids. */
export interface CursorPage {
  /** The last one of the page before. Default: from the first. */
  readonly after?: Pick<CursorRow, 'name' | 'spaceId'> | undefined;
  /** Rows at most. */
  readonly limit: number;
}

/** Adds a cursor or moves it, forwards or backwards. Refused with `not_found` where its space is not live. */
export interface MoveCursorRequest {
  readonly kind: 'moveCursor';
  readonly cursor: Cursor;
}

/** Removes a cursor, if it is there. */
export interface DropCursorRequest {
  readonly kind: 'dropCursor';
  readonly cursor: CursorPlace;
}

/** A request that writes a cursor. */
export type CursorWrite = MoveCursorRequest | DropCursorRequest;

/** An event that a reactor could not handle. */
export interface ParkedEvent extends ReactionPlace {
  /** How often it was tried. */
  readonly attempts: number;
  /** What the last attempt failed of. */
  readonly error: ErrorData;
  /** Milliseconds since the Unix epoch. */
  readonly parkedAt: number;
}

/** Parks an event. Refused with `not_found` where its space is not live. */
export interface ParkEventRequest {
  readonly kind: 'parkEvent';
  readonly event: Omit<ParkedEvent, 'parkedAt'>;
  /** Where the reactor's cursor goes in the same transaction. Absent: it stays. */
  readonly position?: number | undefined;
}

/** Removes a parked event, if it is there. */
export interface UnparkEventRequest {
  readonly kind: 'unparkEvent';
  readonly place: ReactionPlace;
}

/** A request that parks or unparks. */
export type ParkWrite = ParkEventRequest | UnparkEventRequest;

/** Which parked events to read. */
export interface ParkedPage {
  /** Default: all spaces. */
  readonly spaceId?: number | undefined;
  /** The last one of the page before. Default: from the first. */
  readonly after?: ReactionPlace | undefined;
  /** Rows at most. */
  readonly limit: number;
}

/** One request of a batch. */
export type LogWrite =
  | AppendRequest
  | CreateSpaceRequest
  | UpdateSpaceRequest
  | MarkSpaceDeletedRequest
  | DraftWrite
  | CursorWrite
  | ParkWrite;

/** What became of one request. `refused` is definite: nothing of it was written. */
export type LogWriteOutcome =
  | { readonly kind: 'appended'; readonly firstEventId: number; readonly spaceSequence: number }
  | { readonly kind: 'space'; readonly space: SpaceRow; readonly created: boolean }
  | { readonly kind: 'marked' }
  | { readonly kind: 'moved' }
  | { readonly kind: 'dropped'; readonly existed: boolean }
  | { readonly kind: 'parked' }
  | { readonly kind: 'unparked'; readonly existed: boolean }
  | DraftOutcome
  | { readonly kind: 'refused'; readonly error: ErrorData };

/** A space as the registry knows it. */
export interface SpaceRow {
  readonly spaceId: number;
  readonly spaceName: string;
  readonly metadata: Readonly<Record<string, Value>>;
  /** What operators have set for it. */
  readonly settings: SpaceSettings;
  /** Milliseconds since the Unix epoch. */
  readonly createdAt: number;
}

/** Where a space's log ends. */
export interface SpaceHead {
  readonly lastSpaceSequence: number;
  readonly lastEventId: number;
  /** The chain hash of the last event; `genesisHash` before the first. */
  readonly lastHash: Uint8Array;
}

/** A pending timer of a space. */
export interface StoredTimer {
  readonly timerId: string;
  /** Milliseconds since the Unix epoch. */
  readonly dueAt: number;
  /** The sequence of the event that has scheduled it: that event says what is to happen. */
  readonly spaceSequence: number;
}

/** A pending timer among those of all spaces. */
export interface DueTimer extends StoredTimer {
  readonly spaceId: number;
}

/** How far an import of a history has come in a space. */
export interface ImportPosition {
  readonly name: string;
  /** Items of this space that were taken. */
  readonly position: number;
}

/** The bounds of one read. */
export interface ReadBounds {
  /** Events at most; at least 1. */
  readonly limit: number;
  /** Payload bytes at most; the first event comes whatever its size. */
  readonly bytesMax: number;
}

/** Which events of a part of the log. */
export interface EventSelection {
  /** Absent: all live spaces. Positions are then event ids, else sequences of the space. */
  readonly spaceId?: number | undefined;
  /** In which order they come. */
  readonly direction: 'forwards' | 'backwards';
  /** Only events with `after < position <= upTo`, in either direction. */
  readonly after: number;
  readonly upTo: number;
  readonly query?: CheckedEventQuery | undefined;
  /** Only events with `since <= timestamp <= until`: a filter, as timestamps are no order. */
  readonly since?: number | undefined;
  readonly until?: number | undefined;
}

/** The bounds of one filtered read. */
export interface SelectBounds extends ReadBounds {
  /** Events that are looked at, whether they match or not. */
  readonly scanEventsMax: number;
}

/** What one filtered read has found. */
export interface SelectedEvents {
  readonly events: readonly StoredEvent[];
  /** Where the next read goes on: as its `after`, or backwards as its `upTo`. It moves also where no event was found. */
  readonly position: number;
  /** Nothing more is selected, as far as the log goes now. */
  readonly isEnd: boolean;
}

/**
 * Some events as one text and one piece of bytes (`codec/event-page.ts` makes events of them), for a thread that only passes
 * them on.
 */
export interface EventPage {
  /**
   * A JSON array with an array for each event, in order: its `eventId`, `spaceId`, `spaceSequence`, `entityId`, `type`,
   * `version`, `timestamp`, `causationId`, `correlationId`, `tags`, `metadata`, and the number of its payload's bytes.
   */
  readonly facts: string;
  /** For each event the 16 bytes of its `invocationId`, the 16 of its `hash`, and its payload. */
  readonly bytes: Uint8Array;
}

/** Reads of a log as pages. Undefined: only the method of `LogReader` with the same name can read these events. */
export interface PageReader {
  readSpace(spaceId: number, after: number, bounds: ReadBounds): Promise<EventPage | undefined>;
  readAll(after: number, bounds: ReadBounds): Promise<EventPage | undefined>;
}

/** Read access to the log; safe to use beside the writer. */
export interface LogReader {
  /** Where the adapter can write pages faster than events. */
  readonly pages?: PageReader;
  /** Events of one space with `spaceSequence > after`, in order. */
  readSpace(spaceId: number, after: number, bounds: ReadBounds): Promise<readonly StoredEvent[]>;
  /** Events of one entity in one space with `spaceSequence > after`, in order. */
  readEntity(
    spaceId: number,
    entityId: string,
    after: number,
    bounds: ReadBounds,
  ): Promise<readonly StoredEvent[]>;
  /** Events of all live spaces with `eventId > after`, in order. */
  readAll(after: number, bounds: ReadBounds): Promise<readonly StoredEvent[]>;
  /** Events that match, as far as the bounds allow: see `select-events.ts`. */
  selectEvents(selection: EventSelection, bounds: SelectBounds): Promise<SelectedEvents>;
  /** One event, when it is in this space. */
  readEvent(spaceId: number, eventId: number): Promise<StoredEvent | undefined>;
  /** The records of those of these command ids that this space has accepted. */
  findCommands(spaceId: number, commandIds: readonly string[]): Promise<readonly CommandRecord[]>;
  /** The records of all commands that this space has accepted, or undefined when they are more than `limit`. */
  allCommands(spaceId: number, limit: number): Promise<readonly CommandRecord[] | undefined>;
  /** Records of commands with `commandId > after` (an empty text: from the first), in the order of their ids' code points. */
  readCommands(spaceId: number, after: string, limit: number): Promise<readonly StoredCommand[]>;
  /** Pending timers of a live space with `timerId > after` (an empty text: from the first), in the order of their code points. */
  timersOf(spaceId: number, after: string, limit: number): Promise<readonly StoredTimer[]>;
  /**
   * Pending timers of all live spaces that are not suspended, due no later than `upTo`, behind `after` (default: from the first), in
   * the order of `dueAt`, `spaceId` and `timerId`.
   */
  dueTimers(upTo: number, after: DueTimer | undefined, limit: number): Promise<readonly DueTimer[]>;
  /** How far imports have come in a live space, in the order of their names' code points. */
  importsOf(spaceId: number): Promise<readonly ImportPosition[]>;
  /** The largest event id ever committed; 0 before the first. */
  latestEventId(): Promise<number>;
  /** Where the space ends, or undefined when there is no such live space. */
  spaceHead(spaceId: number): Promise<SpaceHead | undefined>;
  findSpaceByName(spaceName: string): Promise<SpaceRow | undefined>;
  findSpaceById(spaceId: number): Promise<SpaceRow | undefined>;
  /** Live spaces with `spaceId > after`, in order, `limit` at most. */
  listSpaces(after: number, limit: number): Promise<readonly SpaceRow[]>;
  /** Cursors of one kind, in the order of their names' code points and then of their space ids. */
  cursors(kind: CursorKind, page: CursorPage): Promise<readonly CursorRow[]>;
  cursor(kind: CursorKind, name: string, spaceId: number): Promise<CursorRow | undefined>;
  /** Parked events in the order of their spaces, their reactors' names by code points, their sequences and parts. */
  parkedEvents(page: ParkedPage): Promise<readonly ParkedEvent[]>;
  /** How many events each reactor has parked; those that have none are absent. */
  parkedCounts(): Promise<readonly { readonly reactor: string; readonly parked: number }[]>;
  close(): Promise<void>;
}

/**
 * Fills what an adapter derives from its log, so that lookups are fast and cost no commit anything. It works beside the
 * writer and the readers, in any one thread; reads give the same answers however far it has come.
 */
export interface LookupFiller {
  /**
   * One run: takes up to `rowsMax` rows of the log into the lookups, and lets go of up to so many of purged spaces. Says
   * whether nothing is left. A run that rejects has changed nothing and can be tried again.
   */
  fillLookups(rowsMax: number): Promise<{ readonly done: boolean }>;
  /** Leaves nothing in the files of what was let go of. */
  scrub(): Promise<void>;
  /** Resolves when a run that is under way has ended. */
  close(): Promise<void>;
}

/**
 * What an acknowledged command survives. `synced`: a power cut. `os`: the end of the process, also `kill -9`, but not of the
 * machine. `memory`: nothing; the log lives as long as its writer.
 */
export type Durability = 'synced' | 'os' | 'memory';

/** What a log of durability `os` had acknowledged and has lost with the machine, as far as is known. */
export interface LostTail {
  readonly events: number;
  /** Transactions without events: of the registry, of commands without events, of deletions. */
  readonly changes: number;
  /** The last event that is still there. */
  readonly lastEventId: number;
}

/** How the log is kept. */
export interface LogHealth {
  readonly durability: Durability;
  /** What was lost before this opening; undefined when nothing is known to be. */
  readonly lost: LostTail | undefined;
  /** Why the witness cannot be written now: until it can, the loss of newer commits would not be noticed. */
  readonly witnessFailure: ErrorData | undefined;
}

/** How far a copy of the log has come. Its pages may become more while it is made. */
export interface BackupProgress {
  readonly pagesCopied: number;
  readonly pagesTotal: number;
}

/** How a copy of the log is made. */
export interface BackupControl {
  report(progress: BackupProgress): void;
  /** Asked between two steps: the copy ends with `aborted`. */
  isStopped(): boolean;
}

/** The writer's end of the log. */
export interface LogStore extends LogReader {
  /** Names this log for ever: a projection made from another log is recognised by it. */
  readonly logId: string;
  /** Grows by one at every opening for writing. */
  readonly ownerGeneration: number;
  /** How it is kept at this moment. */
  readonly health: LogHealth;
  /**
   * When the earliest is due of the timers that were scheduled since this was asked last; undefined: none was. Of a draft they
   * count from its publishing.
   */
  takeScheduled(): number | undefined;
  /** One durable transaction over the whole batch; outcomes in the order of the requests. See L1, L2. */
  commit(batch: readonly LogWrite[]): Promise<readonly LogWriteOutcome[]>;
  /** Spaces marked as deleted whose rows are not all gone yet, and drafts. */
  deletedSpaces(): Promise<readonly number[]>;
  /** Deletes up to `rowsMax` rows of a space marked as deleted or of a draft, which it abandons, and its registry row with the last ones. */
  purgeSpace(spaceId: number, rowsMax: number): Promise<{ readonly done: boolean }>;
  /**
   * Leaves nothing of what was deleted in the files, as far as `rewriteBytesMax` allows: a larger file is not written anew, and
   * may keep stale copies of rows in unused parts of its pages. One that rejects has done no harm and can be tried again.
   */
  scrub(rewriteBytesMax: number): Promise<void>;
  /**
   * Copies the log into a new file while commits go on, a bounded part at a time. The copy has all that was committed before
   * the call, and whole batches only; it is synced. A copy that fails leaves no file, and does the log no harm. Undefined where
   * the adapter has no files.
   */
  readonly backup?: (file: string, control: BackupControl) => Promise<void>;
  /**
   * Looks at up to `rowsMax` command records accepted before `before` (ms since the epoch), oldest first, and forgets those that are
   * not kept (`parked.ts`). The next call goes on behind them, until one is `done`.
   */
  pruneCommands(before: number, rowsMax: number): Promise<{ readonly done: boolean }>;
}

/**
 * The tables of calls: everything that threads say to one another, request and reply side by side. Both ends of a link
 * are derived from its table, so a call that is not here cannot be made, and one that is here must be served.
 */

import { packedBodies, packedFrames } from '../codec/packed-frames.js';
import type { WatchTarget } from '../content-store/changes.js';
import type { Appended, ChainedAppend, FencedAppend, OpenedSpace } from '../content-store/log-link.js';
import type { Accepted, Invocation } from '../content-store/turn.js';
import type { MigrationProgress } from '../content-store/upkeep.js';
import type { RebuildProgress } from '../content-store/view-fill.js';
import type { ViewStatus } from '../content-store/view-status.js';
import type { ErrorData } from '../core/errors.js';
import type { Checkpoint } from '../core/event.js';
import type { AppDescription } from '../core/loaded-app.js';
import type { ReactionPlace } from '../core/reaction-id.js';
import type { StoppedEvent } from '../core/reactor.js';
import type { ValueText } from '../core/value-text.js';
import type { Value } from '../core/values.js';
import type {
  BackupProgress,
  CommandRecord,
  CreateSpaceRequest,
  CursorKind,
  CursorPlace,
  CursorRow,
  CursorWrite,
  DraftWrite,
  DueTimer,
  EventSelection,
  ImportPosition,
  LogHealth,
  LogReader,
  LogWriteOutcome,
  MarkSpaceDeletedRequest,
  ParkedEvent,
  ParkedPage,
  ParkWrite,
  ReadBounds,
  SelectBounds,
  SelectedEvents,
  SpaceRow,
  StoredCommand,
  StoredEvent,
  StoredTimer,
  UpdateSpaceRequest,
} from '../event-store/port.js';
import type { Measurements, Observed } from '../telemetry/measurements.js';
import { appendFrames } from './append-frames.js';
import type {
  KeyRead,
  QueryRead,
  ReactionAnswer,
  ReactionRequest,
  ReactReply,
  ReadReply,
  ResumeReactorRequest,
  SentCommand,
  SpaceAddress,
} from './bodies.js';
import {
  compactAccepted,
  compactExecute,
  compactQuery,
  compactRead,
  compactReadReply,
} from './compact-bodies.js';
import { compactJsonFrames } from './json-frames.js';
import type { Call, LinkSpec } from './link.js';
import type { ShardHealth, ShardStats, WriterStats } from './stats.js';

export type { SpaceAddress } from './bodies.js';

/** Why traces of a deleted space may be left in unused parts of a file; null: there are none, or the file is over the bound. */
export interface Traces {
  readonly traces: ErrorData | null;
}

/** What main asks of a shard. */
export interface ShardCalls {
  /** The first call: resolves when the shard can take others. */
  readonly ready: Call<null, AppDescription>;
  readonly execute: Call<SpaceAddress & { readonly invocation: Invocation }, Accepted, never, SentCommand>;
  readonly fetch: Call<SpaceAddress & KeyRead, ReadReply>;
  /** The entity at a key with what it refers to; all of it where no depth is given. */
  readonly getResolved: Call<SpaceAddress & KeyRead, ReadReply>;
  readonly query: Call<
    SpaceAddress & QueryRead<Value>,
    ReadReply,
    never,
    SpaceAddress & QueryRead<ValueText>
  >;
  /** Answers when what the target shows is not, or no longer, what the caller knows. */
  readonly watch: Call<
    SpaceAddress & { readonly target: WatchTarget; readonly known: string | null },
    ReadReply & { readonly token: string }
  >;
  /** Views that are absent: all. */
  readonly rebuild: Call<
    SpaceAddress & { readonly views?: readonly string[] | undefined },
    RebuildProgress,
    RebuildProgress
  >;
  readonly migrateAll: Call<
    SpaceAddress & { readonly views?: readonly string[] | undefined },
    MigrationProgress,
    MigrationProgress
  >;
  /** Fills the views that are not of the app's version; opens the space only when there are any. */
  readonly fillViews: Call<SpaceAddress, null>;
  readonly views: Call<SpaceAddress, readonly ViewStatus[]>;
  readonly skipEvent: Call<SpaceAddress & { readonly view: string; readonly spaceSequence: number }, null>;
  readonly checkpoint: Call<SpaceAddress, Checkpoint>;
  /** The space is marked as deleted: lets go of it and removes its projections. */
  readonly dropSpace: Call<SpaceAddress & { readonly rewriteBytesMax: number }, Traces>;
  /** The key of an encrypted space, as hexadecimal text; it comes before every call that needs it. */
  readonly unlockSpace: Call<{ readonly spaceId: number; readonly key: string }, null>;
  /** Closes an encrypted space and forgets its key. */
  readonly lockSpace: Call<{ readonly spaceId: number }, null>;
  /** Never answered: reports the commands of reactors' handlers. */
  readonly serveReactions: Call<null, null, ReactionRequest>;
  /** What became of one of them. */
  readonly reacted: Call<ReactionAnswer, null>;
  /** Lets the reactors of a space go on from where they stand; answers when they are under way, have nothing to do, or wait. */
  readonly react: Call<SpaceAddress, ReactReply>;
  /** The space is suspended: its reactors do nothing until `react`. */
  readonly restReactors: Call<{ readonly spaceId: number }, null>;
  /** Handles a parked event once; fails with what the handler fails of. */
  readonly retryParked: Call<SpaceAddress & ReactionPlace, null>;
  /** The events at which reactors of a space have stopped. */
  readonly stoppedReactors: Call<{ readonly spaceId: number }, readonly StoppedEvent[]>;
  /** Lets a reactor go on behind the event that it has stopped at; fails with what the handler fails of. */
  readonly resumeReactor: Call<ResumeReactorRequest, null>;
  /** No handler runs any more, and positions are written: the shard is about to drain. */
  readonly stopReactors: Call<null, null>;
  /** A port to a writer comes with it; the one before is gone. */
  readonly connectWriter: Call<null, null>;
  /** The writer is down, and may be so for long: until the next `connectWriter`. */
  readonly writerDown: Call<ErrorData, null>;
  readonly stats: Call<null, ShardStats>;
  readonly health: Call<null, ShardHealth>;
  /** Measures and reports it, until the next such call or until nothing is to be measured: then it is answered. */
  readonly observe: Call<Observed, null, Measurements>;
  /** Flushes and closes every space; the last call. */
  readonly drain: Call<null, null>;
}

const shardCalls = {
  ready: 0,
  execute: 1,
  fetch: 2,
  query: 3,
  rebuild: 4,
  checkpoint: 5,
  dropSpace: 6,
  connectWriter: 7,
  stats: 8,
  drain: 9,
  getResolved: 10,
  watch: 11,
  migrateAll: 12,
  fillViews: 13,
  views: 14,
  skipEvent: 15,
  health: 16,
  unlockSpace: 17,
  lockSpace: 18,
  writerDown: 19,
  observe: 20,
  serveReactions: 21,
  reacted: 22,
  react: 23,
  restReactors: 24,
  retryParked: 25,
  stopReactors: 26,
  stoppedReactors: 27,
  resumeReactor: 28,
};

/** Main to shard: JSON values only, so text is the cheapest carrier. What every command and read carries is compact. */
export const shardLink: LinkSpec<ShardCalls> = {
  name: 'main-shard',
  codec: compactJsonFrames<ShardCalls>(shardCalls, {
    execute: { request: compactExecute, reply: compactAccepted },
    fetch: { request: compactRead, reply: compactReadReply },
    getResolved: { request: compactRead, reply: compactReadReply },
    query: { request: compactQuery, reply: compactReadReply },
  }),
  calls: shardCalls,
};

/** Reads of the log through the writer, for storage that no other thread can read. */
export interface LogReadCalls {
  readonly readSpace: Call<
    { readonly spaceId: number; readonly after: number; readonly bounds: ReadBounds },
    readonly StoredEvent[]
  >;
  readonly readEntity: Call<
    {
      readonly spaceId: number;
      readonly entityId: string;
      readonly after: number;
      readonly bounds: ReadBounds;
    },
    readonly StoredEvent[]
  >;
  readonly readAll: Call<{ readonly after: number; readonly bounds: ReadBounds }, readonly StoredEvent[]>;
  readonly selectEvents: Call<
    { readonly selection: EventSelection; readonly bounds: SelectBounds },
    SelectedEvents
  >;
  readonly readEvent: Call<{ readonly spaceId: number; readonly eventId: number }, StoredEvent | null>;
  readonly findCommands: Call<
    { readonly spaceId: number; readonly commandIds: readonly string[] },
    readonly CommandRecord[]
  >;
  readonly allCommands: Call<
    { readonly spaceId: number; readonly limit: number },
    readonly CommandRecord[] | null
  >;
  readonly readCommands: Call<
    { readonly spaceId: number; readonly after: string; readonly limit: number },
    readonly StoredCommand[]
  >;
  readonly timersOf: Call<
    { readonly spaceId: number; readonly after: string; readonly limit: number },
    readonly StoredTimer[]
  >;
  readonly dueTimers: Call<
    { readonly upTo: number; readonly after: DueTimer | null; readonly limit: number },
    readonly DueTimer[]
  >;
  readonly importsOf: Call<{ readonly spaceId: number }, readonly ImportPosition[]>;
  readonly latestEventId: Call<null, number>;
  readonly spaceHead: Call<{ readonly spaceId: number }, Awaited<ReturnType<LogReader['spaceHead']>> | null>;
  readonly findSpaceByName: Call<{ readonly spaceName: string }, SpaceRow | null>;
  readonly findSpaceById: Call<{ readonly spaceId: number }, SpaceRow | null>;
  readonly listSpaces: Call<{ readonly after: number; readonly limit: number }, readonly SpaceRow[]>;
  readonly cursors: Call<
    {
      readonly kind: CursorKind;
      readonly after: Pick<CursorPlace, 'name' | 'spaceId'> | null;
      readonly limit: number;
    },
    readonly CursorRow[]
  >;
  readonly cursor: Call<CursorPlace, CursorRow | null>;
  readonly parkedEvents: Call<ParkedPage, readonly ParkedEvent[]>;
  readonly parkedCounts: Call<null, Awaited<ReturnType<LogReader['parkedCounts']>>>;
}

/** What a shard asks of the writer. */
export interface AppendCalls extends LogReadCalls {
  readonly append: Call<FencedAppend, Appended, never, ChainedAppend>;
  readonly openSpace: Call<{ readonly spaceId: number }, OpenedSpace>;
  readonly writeCursor: Call<CursorWrite | ParkWrite, LogWriteOutcome>;
}

/** A change of the registry, or of a draft of a space. */
export type SpaceChange = CreateSpaceRequest | UpdateSpaceRequest | MarkSpaceDeletedRequest | DraftWrite;

/** What a transaction has changed for those who read the log: nothing else of it. */
export interface CommitNotice {
  readonly lastEventId: number;
  /** Spaces that got events, were published or were deleted. Null: perhaps all of them; the first notice says so. */
  readonly spaceIds: readonly number[] | null;
}

/** What main asks of the writer. */
export interface WriterCalls extends LogReadCalls {
  /** The first call: resolves when the log is open. */
  readonly ready: Call<
    null,
    {
      readonly logId: string;
      readonly ownerGeneration: number;
      readonly deletedSpaces: readonly number[];
      readonly log: LogHealth;
    }
  >;
  /** A port to a shard comes with it. */
  readonly connectShard: Call<null, null>;
  /** Removes the rows of a space that is marked as deleted, in chunks between the commits, and then what is left of them in the files. */
  readonly purgeSpace: Call<{ readonly spaceId: number; readonly rewriteBytesMax: number }, Traces>;
  readonly changeSpace: Call<SpaceChange, LogWriteOutcome>;
  /**
   * Answers as soon as timers were scheduled since the last answer, with the time of the earliest; a writer of another generation than
   * the caller knows answers at once.
   */
  readonly timersScheduled: Call<
    { readonly ownerGeneration: number },
    { readonly ownerGeneration: number; readonly dueAt: number }
  >;
  /** Moves a cursor or drops it, parks or unparks, in the next transaction. */
  readonly writeCursor: Call<CursorWrite | ParkWrite, LogWriteOutcome>;
  /** Copies the log into a file, beside the commits. */
  readonly backup: Call<{ readonly file: string }, null, BackupProgress>;
  /** Reports one notice at once, and one behind each transaction that changes what readers see, until it is cancelled. */
  readonly commits: Call<null, null, CommitNotice>;
  readonly stats: Call<null, WriterStats>;
  /** See `ShardCalls.observe`. */
  readonly observe: Call<Observed, null, Measurements>;
  /** Commits what it holds and closes the log; the last call. */
  readonly drain: Call<null, null>;
}

const logReadCalls = {
  readSpace: 0,
  readEntity: 1,
  readAll: 2,
  readEvent: 3,
  findCommands: 4,
  latestEventId: 5,
  spaceHead: 6,
  findSpaceByName: 7,
  findSpaceById: 8,
  listSpaces: 9,
  allCommands: 10,
  readCommands: 11,
  cursors: 12,
  cursor: 13,
  selectEvents: 14,
  timersOf: 15,
  dueTimers: 16,
  importsOf: 17,
  parkedEvents: 18,
  parkedCounts: 19,
};

const appendCalls = { ...logReadCalls, writeCursor: 20, append: 21, openSpace: 22 };

/** Shard to writer: encoded events. */
export const appendLink: LinkSpec<AppendCalls> = {
  name: 'shard-writer',
  codec: appendFrames(appendCalls.append, packedBodies),
  calls: appendCalls,
};

/** Main to writer. */
export const writerLink: LinkSpec<WriterCalls> = {
  name: 'main-writer',
  codec: packedFrames,
  calls: {
    ...logReadCalls,
    writeCursor: 20,
    ready: 21,
    connectShard: 22,
    changeSpace: 23,
    purgeSpace: 24,
    stats: 25,
    drain: 26,
    backup: 27,
    commits: 28,
    timersScheduled: 29,
    observe: 30,
  },
};

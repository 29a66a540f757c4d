import { invalidInput } from './errors.js';
import { checkInteger } from './names.js';

/**
 * Every bound of Ramax, with its reason. A bound over which the caller gets `invalid_input` guards one value;
 * a bound over which it gets `overloaded` guards a queue. All are options of `Ramax.start({ limits })`.
 *
 * Units are in the names: `…BytesMax`, `…Ms`, `…Max` (a count).
 */
export interface Limits {
  /**
   * Commands and reads in flight for one space, from the call to its answer. Over it a call fails with `overloaded`
   * or waits. 4,096 fills many group commits (a commit takes up to `commitCommandsMax`) and keeps one tenant's share of memory small.
   */
  readonly spaceInFlightMax: number;
  /** Calls that may wait for room in one space (`overload: 'wait'`). Over it even a waiting call is `overloaded`. */
  readonly spaceWaitingMax: number;
  /** Calls that may wait for room over all spaces. */
  readonly totalWaitingMax: number;
  /** Bytes of the parameters of calls that wait for room, over all spaces. */
  readonly totalWaitingBytesMax: number;
  /** Calls in flight over all spaces: bounds the memory of the main thread and of all mailboxes together. */
  readonly totalInFlightMax: number;
  /** Bytes of parameters in flight over all spaces, because a count alone does not bound memory. */
  readonly totalInFlightBytesMax: number;
  /** Turns that one space's mailbox holds in its shard; the second fence behind `spaceInFlightMax`. */
  readonly mailboxTurnsMax: number;
  /** How long one mailbox task goes on draining before it yields to the ports and to other spaces. */
  readonly turnBudgetMs: number;
  /** Turns that one space may have decided and not yet seen committed; over it the mailbox pauses. */
  readonly speculativeTurnsMax: number;
  /** Commands in one transaction of the writer: beyond about 1,000 a larger group gains nothing and delays replies. */
  readonly commitCommandsMax: number;
  /** Bytes of event payloads in one transaction of the writer. */
  readonly commitBytesMax: number;
  /** Bytes of one value (parameters, payload, projection value), counted as UTF-8 text, 8 per number, 1 per other leaf. */
  readonly valueBytesMax: number;
  /** Depth of one value: deeper ones overflow the stack of ordinary serialisers. At most 1,000, for the same reason. */
  readonly valueDepthMax: number;
  /** Events that one command may append atomically. */
  readonly eventsPerCommandMax: number;
  /** Encoded payload bytes of all events of one command: a larger group would hold up every other tenant's commit. */
  readonly commandBytesMax: number;
  /** Bytes of answers that one space holds back behind its commits; over it the mailbox pauses. */
  readonly heldBytesMax: number;
  /**
   * Bytes of answers that all spaces of one shard hold back together; over it a mailbox pauses whose space holds one already, so that
   * each space that reads has one at worst.
   */
  readonly shardHeldBytesMax: number;
  /** UTF-8 bytes of an entity id, event type, PState key, command id, causation id, correlation id or tag. */
  readonly idBytesMax: number;
  /** Tags on one event. */
  readonly tagsPerEventMax: number;
  /** UTF-8 bytes of the metadata of an event or a space as JSON. */
  readonly metadataBytesMax: number;
  /** Entries that the caches of one shard hold together, besides those not persisted yet; over it the least recently used go. */
  readonly cacheEntriesMax: number;
  /** Bytes that the caches of one shard hold together, as `valueBytesMax` counts them, with their keys and 64 for each entry. */
  readonly cacheBytesMax: number;
  /** Changed keys of one space that are not persisted yet; reaching it starts a flush. */
  readonly dirtyKeysMax: number;
  /** Changed keys of what is filled from the log before they are written with their checkpoint. */
  readonly fillKeysMax: number;
  /**
   * The longest time a changed key stays unpersisted while its space is open. What changes often is written once in this time: with
   * 1,000 instead of 5,000 a busy shard spends four times as much on it. After a crash so many events are applied again.
   */
  readonly flushDelayMs: number;
  /** Spaces that one shard keeps open; over it the least recently used idle one is flushed and closed. */
  readonly openSpacesMax: number;
  /** How long a space stays open that nobody calls: its memory goes to those that are used. It comes back with the next call. */
  readonly idleSpaceMs: number;
  /** A further view that lags by no more events than these is caught up when its space opens; else it is filled behind. */
  readonly catchUpEventsMax: number;
  /** Spaces of one shard whose views are filled behind at once: the rest waits, so that turns keep their share of the thread. */
  readonly buildsAtOnceMax: number;
  /** Events that a state as of an earlier sequence is folded from at most: it is made anew in memory. */
  readonly historyEventsMax: number;
  /** States as of earlier sequences that one shard keeps; the least recently used goes. */
  readonly historyStatesMax: number;
  /** Entities that one `getResolved` or `preload` goes through: a dense graph could be the whole space. */
  readonly resolvedEntitiesMax: number;
  /** Migrated values that are written back together. */
  readonly migrationBatchMax: number;
  /** The longest time a migrated value waits to be written back. */
  readonly migrationDelayMs: number;
  /** Migrated values of one view that wait to be written back; what comes on top is migrated again at its next read. */
  readonly migrationQueueMax: number;
  /** Watchers of one space that wait for a change. */
  readonly watchersMax: number;
  /** Watchers over all spaces that wait: each keeps its space open, whatever `openSpacesMax` says. */
  readonly totalWatchersMax: number;
  /** Subscriptions of a runtime: each holds a page of events at most. */
  readonly subscriptionsMax: number;
  /** The longest time that an acknowledgement of a named subscription waits to be written. */
  readonly acknowledgeDelayMs: number;
  /** Bytes of the pages that subscriptions at the same position share. */
  readonly tailBytesMax: number;
  /** Handlers of reactors that run at once in one shard: each may hold a connection to the outside world. At most 64. */
  readonly reactionsAtOnceMax: number;
  /** How long one attempt of a handler may take; then its signal is aborted, and the attempt has failed. */
  readonly reactionTimeoutMs: number;
  /** How long a reactor's new position waits to be written: with others, in one commit. After a crash as much is handled again. */
  readonly reactionFlushMs: number;
  /** Events in one read of the log: bounds the time of a read transaction, so that checkpoints are not starved. */
  readonly readEventsMax: number;
  /** Payload bytes in one read of the log. */
  readonly readBytesMax: number;
  /**
   * Events that one filtered read looks at, whether they match or not: it then says how far it has come, and the next one goes on there.
   * 10,000 small events take 40 to 55 ms of a reader's thread, by whatever query.
   */
  readonly scanEventsMax: number;
  /** Items of one event query: each is tried on every event that is looked at. */
  readonly queryItemsMax: number;
  /** Types in one item of an event query, for the same reason. */
  readonly queryTypesMax: number;
  /**
   * Committed events of which an open space keeps type, entity and tags once a conditional command has come, so that conditions on
   * what is new are checked without reading the log: 90 bytes each, and 220 with two tags of its own.
   */
  readonly recentEventsMax: number;
  /** Keys of encrypted spaces that main holds; over it the least recently used is asked for again. 10,000 take some 5 MB. */
  readonly keysHeldMax: number;
  /** How long `encryption.keyOf` may take for one key. */
  readonly keyWaitMs: number;
  /** Rows deleted in one transaction while a space is deleted. */
  readonly purgeRowsMax: number;
  /**
   * Files that are no larger are written anew when a space was deleted, so that nothing of it is left in them. That holds up everybody:
   * 64 MiB take about half a second.
   */
  readonly rewriteBytesMax: number;
  /** Timers of one space that are pending: an open space has them in memory, some 200 bytes each. */
  readonly timersPerSpaceMax: number;
  /** How far ahead a timer may be: ten years, beyond which it is more likely a wrong unit than a plan. */
  readonly timerDelayMsMax: number;
  /** Bytes of the parameters of a scheduled command, or of a scheduled event: it is written twice, and read when it fires. */
  readonly timerParamsBytesMax: number;
  /** Timers that are fired at once: after a long stop, ten thousand that are due must not keep callers from their turns. */
  readonly timersFiringMax: number;
  /** Attempts at what a timer has scheduled before it counts as failed. Trouble that is none of its own does not count. */
  readonly timerAttemptsMax: number;
  /** The pause before the second attempt; each is twice as long as the one before. */
  readonly timerRetryMs: number;
  /** Imports of histories, by name, that one space remembers: an open space has them in memory. */
  readonly importsPerSpaceMax: number;
  /** Spaces that one import of a history has at hand, some 500 bytes each. */
  readonly importSpacesMax: number;
  /** How long a `commandId` is remembered at least. */
  readonly commandRetentionMs: number;
  /** The deadline of a call that gives none. */
  readonly callTimeoutMs: number;
  /** How long main waits for a shard to say whether an aborted command was already decided. */
  readonly cancelGraceMs: number;
  /** The deadline of a rebuild or a deletion that gives none: they go over a whole history. */
  readonly longCallTimeoutMs: number;
  /** How long `close()` waits for work in flight before it stops the threads all the same. */
  readonly drainTimeoutMs: number;
  /** How long a thread may take from its start to its first message. */
  readonly startTimeoutMs: number;
  /**
   * How long the event loop of a shard or of the writer may stand still before the thread is ended and replaced. Longer than
   * anything that it does in one piece by itself: the largest commit, step of a rebuild or flush takes some hundred milliseconds, also
   * on a slow disk. Shorter than `callTimeoutMs`: who waits beside a command that never returns still has an answer from the next shard.
   */
  readonly hangTimeoutMs: number;
  /**
   * Megabytes of the old generation of a shard's heap; over it the shard ends, and its successor goes on. Eight times what its caches
   * may hold. Buffers lie outside of it.
   */
  readonly shardHeapMegabytesMax: number;
  /** Restarts of one thread inside `restartWindowMs`; one more stops the runtime instead of looping. Trouble with the disk that passes does not count. */
  readonly restartsMax: number;
  /** The window in which `restartsMax` counts. */
  readonly restartWindowMs: number;
}

/** What `Ramax.start({ limits })` takes: any of the bounds. */
export type LimitsOptions = Partial<Limits>;

/** The bounds that hold where `Ramax.start({ limits })` says nothing. */
export const defaultLimits: Limits = {
  spaceInFlightMax: 4_096,
  spaceWaitingMax: 65_536,
  totalWaitingMax: 262_144,
  totalWaitingBytesMax: 256 * 1024 * 1024,
  totalInFlightMax: 65_536,
  totalInFlightBytesMax: 256 * 1024 * 1024,
  mailboxTurnsMax: 8_192,
  turnBudgetMs: 2,
  speculativeTurnsMax: 512,
  commitCommandsMax: 1_024,
  commitBytesMax: 16 * 1024 * 1024,
  valueBytesMax: 1024 * 1024,
  valueDepthMax: 64,
  eventsPerCommandMax: 1_000,
  commandBytesMax: 8 * 1024 * 1024,
  heldBytesMax: 32 * 1024 * 1024,
  shardHeldBytesMax: 128 * 1024 * 1024,
  idBytesMax: 512,
  tagsPerEventMax: 16,
  metadataBytesMax: 16 * 1024,
  cacheEntriesMax: 500_000,
  cacheBytesMax: 256 * 1024 * 1024,
  dirtyKeysMax: 1_024,
  fillKeysMax: 8_192,
  flushDelayMs: 5_000,
  openSpacesMax: 10_000,
  idleSpaceMs: 10 * 60 * 1_000,
  catchUpEventsMax: 256,
  buildsAtOnceMax: 2,
  historyEventsMax: 1_000_000,
  historyStatesMax: 4,
  resolvedEntitiesMax: 10_000,
  migrationBatchMax: 256,
  migrationDelayMs: 1_000,
  migrationQueueMax: 8_192,
  watchersMax: 1_024,
  totalWatchersMax: 65_536,
  subscriptionsMax: 4_096,
  acknowledgeDelayMs: 250,
  tailBytesMax: 16 * 1024 * 1024,
  reactionsAtOnceMax: 32,
  reactionTimeoutMs: 30_000,
  reactionFlushMs: 200,
  readEventsMax: 1_000,
  readBytesMax: 4 * 1024 * 1024,
  scanEventsMax: 10_000,
  queryItemsMax: 32,
  queryTypesMax: 64,
  recentEventsMax: 1_024,
  keysHeldMax: 10_000,
  keyWaitMs: 10_000,
  purgeRowsMax: 5_000,
  rewriteBytesMax: 64 * 1024 * 1024,
  timersPerSpaceMax: 10_000,
  timerDelayMsMax: 10 * 365 * 24 * 60 * 60 * 1_000,
  timerParamsBytesMax: 64 * 1024,
  timersFiringMax: 64,
  timerAttemptsMax: 5,
  timerRetryMs: 1_000,
  importsPerSpaceMax: 1_000,
  importSpacesMax: 4_096,
  commandRetentionMs: 7 * 24 * 60 * 60 * 1_000,
  callTimeoutMs: 30_000,
  cancelGraceMs: 1_000,
  longCallTimeoutMs: 60 * 60 * 1_000,
  drainTimeoutMs: 30_000,
  startTimeoutMs: 30_000,
  hangTimeoutMs: 20_000,
  shardHeapMegabytesMax: 2_048,
  restartsMax: 5,
  restartWindowMs: 60_000,
};

/** Bounds that have a bound themselves; the others may be as large as an integer can be. */
const largest: Readonly<Record<string, number>> = {
  // Far below what recursion stands, and below the depths that `core/values.ts` can count.
  valueDepthMax: 1_000,
  // The slots of a shard's vital signs (`core/vitals.ts`).
  reactionsAtOnceMax: 64,
};

/**
 * The bounds with the caller's own in place of the defaults.
 *
 * @throws {RamaxError} `invalid_input` naming the limit that is unknown, no positive integer, or too large
 */
export function resolveLimits(options: LimitsOptions = {}): Limits {
  if (typeof options !== 'object' || options === null) throw invalidInput('limits', 'an object', options);
  for (const [name, value] of Object.entries(options)) {
    if (!Object.hasOwn(defaultLimits, name)) {
      throw invalidInput(`limits.${name}`, `one of ${Object.keys(defaultLimits).join(', ')}`, value);
    }
    if (value !== undefined) checkInteger(value, `limits.${name}`, 1, largest[name]);
  }
  const given = Object.entries(options).filter(([, value]) => value !== undefined);
  return { ...defaultLimits, ...Object.fromEntries(given) };
}

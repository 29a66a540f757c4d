/**
 * Where threads come from. Production starts worker threads (`platform/worker-host.ts`); the testing house runs the
 * same rooms in one thread under a seeded scheduler.
 */

import type { PoisonedEvent } from '../content-store/poisoned-events.js';
import type { ErrorData } from '../core/errors.js';
import type { Limits } from '../core/limits.js';
import type { ReactionVerdicts } from '../core/reaction-verdict.js';
import type { VitalsMemory } from '../core/vitals.js';
import type { LogReader, LookupFiller } from '../event-store/port.js';
import type { EventUpcaster } from '../event-store/upcasting.js';
import type { Port } from '../protocol/port.js';
import type { Verifier } from '../reader/verifier.js';
import type { StorageRef } from '../storage/adapter.js';

/** What a writer's thread is started with. */
export interface WriterThreadConfig {
  readonly storage: StorageRef;
  readonly limits: Limits;
}

/** What a shard's thread is started with. */
export interface ShardThreadConfig {
  /** URL of the app module. */
  readonly app: string;
  readonly storage: StorageRef;
  readonly limits: Limits;
  readonly logId: string;
  /** Larger than that of every shard that has ever opened these projections. */
  readonly fence: number;
  /** Events that no view is given any more, for shards have died of them. */
  readonly poisonedEvents: readonly PoisonedEvent[];
  /** The same for reactions. */
  readonly verdicts: ReactionVerdicts;
}

/** What a verifier's thread works with. */
export interface VerifierConfig {
  readonly app: string;
  readonly storage: StorageRef;
  readonly limits: Limits;
}

/** What the thread of upcasters works with. */
export interface UpcasterConfig {
  readonly app: string;
  readonly limits: Limits;
}

/** A thread that was started. */
export interface Thread {
  /** The link to it. */
  readonly port: Port;
  /** Resolves when it has ended: with the error that ended it, or undefined after a drain. Never rejects. */
  readonly ended: Promise<ErrorData | undefined>;
  /** Its signs of life; a thread without them is not watched. */
  readonly vitals?: VitalsMemory | undefined;
  /** Ends it now. Resolves when it is gone: code in the database or in another native module cannot be interrupted. */
  stop(): Promise<void>;
}

/** See the head of this file. */
export interface ThreadHost {
  startWriter(config: WriterThreadConfig): Thread;
  startShard(config: ShardThreadConfig): Thread;
  /** Two connected ports, to be handed to two threads. */
  channel(): readonly [Port, Port];
  /** Fills the lookups of the log off the hot path, in a thread of its own; only for storage that has any. */
  openLookupFiller(storage: StorageRef): LookupFiller;
  /** Verifies in a thread of its own; only for storage that can be inspected. */
  openVerifier(config: VerifierConfig): Verifier;
  /** Brings events of older shapes to the present ones, in a thread that loads the app when it is first asked. */
  openUpcaster(config: UpcasterConfig): EventUpcaster;
  /** Reads the log off the hot path, beside the writer. */
  openReader(storage: StorageRef): LogReader;
}

/**
 * A storage adapter as a whole: what the module behind a `StorageRef` exports as `adapter`.
 *
 * Functions cannot cross threads, so a user's choice of storage is plain data; each thread imports the module and
 * opens the part that it owns: main the ownership, the writer the log, a shard its partitions and a reader.
 */

import type { Platform } from '../core/clock.js';
import type { LogInspector } from '../event-store/inspector.js';
import type { LogReader, LogStore, LookupFiller } from '../event-store/port.js';
import type { PStateInspector } from '../pstate/inspector.js';
import type { PStateStore } from '../pstate/port.js';
import type { BackupManifest } from './backup-manifest.js';

/** A storage choice as plain data: what `sqlite()` and `memory()` return. */
export interface StorageRef {
  /** URL of a module that exports `adapter: StorageAdapter`. */
  readonly module: string;
  readonly options: Readonly<Record<string, unknown>>;
}

/** What opening a partition of projections needs to know. */
export interface PartitionOptions {
  /** 0 to 15. */
  readonly partition: number;
  /** The log that the projections follow: those of another log are discarded. */
  readonly logId: string;
  /** Grows with every runtime and every restart of a shard; an older one can no longer write. */
  readonly fence: number;
}

/** The right to use a data directory, held until it is released or the process ends. */
export interface Ownership {
  release(): Promise<void>;
}

/** How `acquireOwnership` waits. */
export interface OwnershipOptions {
  /** How long to wait for another owner to let go; 0 fails at once. */
  readonly ownershipWaitMs: number;
  readonly signal?: AbortSignal;
}

/** How to open a log. */
export interface OpenLogOptions {
  /**
   * The log fills its lookups itself, in its writer's thread. Default: false, somebody uses what `openLookupFiller` gives
   * beside it, where the storage has lookups.
   */
  readonly isAlone?: boolean;
}

/** A storage open for verification. */
export interface StorageInspector {
  readonly log: LogInspector;
  /** For folding the events once more. */
  readonly reader: LogReader;
  /** The projections of a space; undefined where there are none, or of another format. */
  pstates(spaceId: number): PStateInspector | undefined;
  close(): Promise<void>;
}

/** A backup that is being made. */
export interface BackupTarget {
  /** Where the log is to be copied to; the file is not there yet. */
  readonly file: string;
  /** The copy is there: adds the manifest, and makes sure that all of it is on disk. */
  finish(): Promise<BackupManifest>;
  /** Removes what was made. */
  discard(): Promise<void>;
}

/** One kind of storage. */
export interface StorageAdapter {
  /** Whether any thread can read the log beside its writer; else reads go through the writer's thread. */
  readonly readsBesideWriter: boolean;
  /** Makes sure that no other runtime uses this storage (`already_owned` with the owner's pid otherwise). */
  acquireOwnership(ref: StorageRef, platform: Platform, options: OwnershipOptions): Promise<Ownership>;
  /** Whether its log has lookups that are filled behind the commits, by the one that `openLookupFiller` gives. */
  readonly hasLookups: boolean;
  /** Opens the log for writing, creating or migrating it. */
  openLog(ref: StorageRef, platform: Platform, options?: OpenLogOptions): Promise<LogStore>;
  /** Opens what fills the lookups beside the writer; only where there are any. It opens no file before its first run. */
  openLookupFiller(ref: StorageRef): Promise<LookupFiller>;
  /** Opens the log for reading beside the writer, or undefined where only the writer's thread can read it. */
  openLogReader(ref: StorageRef, platform: Pick<Platform, 'chainDigest'>): Promise<LogReader | undefined>;
  /** Opens everything for verification, beside all others; only where any thread can look at it. */
  openInspector?(ref: StorageRef, platform: Pick<Platform, 'chainDigest'>): Promise<StorageInspector>;
  /** A place for a backup in a directory that is empty or new. Undefined where there are no files to copy. */
  readonly beginBackup?: (directory: string, platform: Platform) => Promise<BackupTarget>;
  /** Opens one partition of the projections. */
  openPStateStore(ref: StorageRef, options: PartitionOptions): PStateStore;
}

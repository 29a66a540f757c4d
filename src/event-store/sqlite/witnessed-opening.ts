/**
 * What opening a log for writing has to do with its witness: the two are compared, the log is migrated and taken over, and
 * the witness tells of it. Called by `openSqliteLogStore`.
 *
 * Invariants:
 *   - Nothing of the log is changed before it was found to be what the witness knows.
 *   - A log that has held anything has a durable witness before it has a version of which that is demanded, so a kill in
 *     between leaves no log that is refused.
 *   - The opening itself is synced at every durability, and with it whatever an earlier process had left unsynced. So owner
 *     generations never come back, and durability `os` loses nothing that was there when the log was opened.
 */

import { existsSync } from 'node:fs';
import type { Clock, Platform } from '../../core/clock.js';
import { RamaxError } from '../../core/errors.js';
import { type Connection, openConnection } from '../../sqlite/connection.js';
import { checkFormat, type FileFormat, migrate } from '../../sqlite/file-format.js';
import type { LostTail } from '../port.js';
import { genesisHash } from '../seal.js';
import { metaKeys, witnessedFromVersion } from './log-format.js';
import { type LogState, readLogState } from './log-state.js';
import { busyTimeoutMs } from './sqlite-log-reader.js';
import { Witness } from './witness.js';
import { checkWitness } from './witness-check.js';
import {
  diskWitnessFiles,
  type FoundWitness,
  readWitness,
  type WitnessFiles,
  witnessFileOf,
} from './witness-file.js';
import type { WitnessRecord } from './witness-record.js';

/** A log that is what its witness knows. */
export interface ExaminedLog {
  readonly witness: FoundWitness;
  readonly lost: LostTail | undefined;
  /** What the first witness of a log of an older format tells; undefined for any other. */
  readonly firstRecord: WitnessRecord | undefined;
}

/** What both steps of an opening need. */
export interface OpeningOptions {
  readonly format: FileFormat;
  readonly platform: Platform;
  readonly acceptMissingWitness: boolean;
  readonly witnessFiles: WitnessFiles;
}

/**
 * Holds the log in `file` against its witness. It reads, and no more: closing a connection that may write would move what is
 * left of a damaged write-ahead log into the database and remove the rest, from which somebody may still get it back.
 *
 * @throws {RamaxError} `corrupt`, `witness_missing`, `storage_unsuitable`, `format_newer`
 */
export function examineLog(
  file: string,
  { format, platform, acceptMissingWitness }: OpeningOptions,
): ExaminedLog {
  const witness = readWitness(witnessFileOf(file));
  const check = { file, witness, acceptMissing: acceptMissingWitness };
  if (!existsSync(file))
    return { witness, lost: checkWitness({ ...check, log: undefined }), firstRecord: undefined };
  const connection = openConnection({
    file,
    // A kill in the first moments of a log leaves a journal that only a writer can roll back.
    use: existsSync(`${file}-journal`) ? 'durable' : 'reader',
    busyTimeoutMs,
    check: (opened) => checkFormat(opened, format),
  });
  try {
    const log = readLogState(connection);
    const lost = checkWitness({ ...check, log });
    const isOlder = log !== undefined && log.version < witnessedFromVersion;
    return { witness, lost, firstRecord: isOlder ? recordOf(log, platform) : undefined };
  } finally {
    connection.close();
  }
}

/** A log that was taken over. */
export interface TakenLog {
  readonly ownerGeneration: number;
  readonly witness: Witness;
  /** What the witness tells. */
  readonly record: WitnessRecord;
}

/** Migrates a log that was examined, fences its older owners off, and has the witness tell of it. */
export function takeOverLog(
  connection: Connection,
  { witness: found, lost, firstRecord }: ExaminedLog,
  { format, platform, witnessFiles: files }: OpeningOptions,
): TakenLog {
  const path = witnessFileOf(connection.name);
  const needsFirst = firstRecord !== undefined && found.kind !== 'found';
  if (needsFirst) files.make(path, firstRecord).close();
  migrate(connection, format);
  const ownerGeneration = raiseNumbers(connection, found, lost);
  const record = recordOf(stateOf(connection), platform);
  const options = { path, files, clock: platform.clock, record };
  // One that is damaged is replaced as a whole.
  const witness = found.kind === 'found' || needsFirst ? Witness.open(options) : Witness.make(options);
  return { ownerGeneration, witness, record };
}

/** From here on every older owner is fenced off. Of what was lost no id and no number is given again. */
function raiseNumbers(connection: Connection, found: FoundWitness, lost: LostTail | undefined): number {
  const known = found.kind === 'found' && lost !== undefined ? found.record : undefined;
  const raiseTo = connection.prepare<[number, string]>('UPDATE meta SET value = max(value, ?) WHERE key = ?');
  const take = connection.transaction(() => {
    if (known !== undefined) {
      raiseTo.run(known.lastEventId, metaKeys.eventIdMark);
      raiseTo.run(known.lastSpaceId, metaKeys.spaceIdMark);
      raiseTo.run(known.changeNumber, metaKeys.changeNumber);
    }
    abandonDrafts(connection);
    raiseByOne(connection, metaKeys.changeNumber);
    return raiseByOne(connection, metaKeys.ownerGeneration);
  });
  return take.immediate();
}

/** Drafts belong to the writer that began them: what is left of them is purged. */
function abandonDrafts(connection: Connection): void {
  connection.exec(
    'UPDATE spaces SET deleted_at = max(1, created_at) WHERE deleted_at IS NOT NULL AND deleted_at = 0',
  );
}

function raiseByOne(connection: Connection, key: string): number {
  const raise = 'UPDATE meta SET value = value + 1 WHERE key = ? RETURNING value';
  const value = connection.prepare<[string], unknown>(raise).pluck().get(key);
  if (value !== undefined) return Number(value);
  throw new RamaxError('corrupt', `${connection.name} has lost its ${key}`, { details: { key } });
}

/**
 * Makes the witness of a log that nobody has open: of a copy that was verified. One of a format without witnesses gets its first when
 * it is opened.
 */
export function witnessCopy(connection: Connection, clock: Pick<Clock, 'now'>): void {
  const state = stateOf(connection);
  if (state.version < witnessedFromVersion) return;
  diskWitnessFiles.make(witnessFileOf(connection.name), recordOf(state, { clock })).close();
}

function stateOf(connection: Connection): LogState {
  const state = readLogState(connection);
  if (state !== undefined) return state;
  throw new RamaxError('corrupt', `${connection.name} is empty after it was made`);
}

/** All that is there is synced, or will be before anybody is told of it. */
function recordOf(log: LogState, { clock }: { readonly clock: Pick<Clock, 'now'> }): WitnessRecord {
  const { logId, changeNumber, lastEventId, lastSpaceId } = log;
  const lastHash = log.hashOf(lastEventId) ?? genesisHash;
  if (lastHash.length !== genesisHash.length) throw damagedHash(lastEventId);
  return {
    logId,
    changeNumber,
    syncedChangeNumber: changeNumber,
    syncedEventId: lastEventId,
    lastEventId,
    lastHash,
    lastSpaceId,
    writtenAt: Math.trunc(clock.now()),
  };
}

function damagedHash(eventId: number): RamaxError {
  return new RamaxError('corrupt', `the hash of event ${eventId} is damaged`, { details: { eventId } });
}

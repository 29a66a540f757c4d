/**
 * What the witness of a log has to hear of its commits: counts the transactions that show in no event id, and tells how far
 * the log has come. Only the log's store calls it: `begin` and `count` inside each transaction, `committed` behind it.
 *
 * Invariant: each transaction that writes anything raises the last event id or the change number; one that was not
 * committed is never told of. (A transaction that fails is the last one of its store.)
 */

import type { Connection, Statement } from '../../sqlite/connection.js';
import { metaKeys } from './log-format.js';
import type { SqliteTables } from './sqlite-tables.js';
import type { Witness } from './witness.js';
import type { WitnessRecord } from './witness-record.js';

/** What it is made of. */
export interface WitnessedCommitsOptions {
  readonly witness: Witness;
  /** What the witness tells at first. */
  readonly record: WitnessRecord;
  readonly tables: SqliteTables;
  /** Each commit is synced, as opposed to none. */
  readonly isSynced: boolean;
}

/** See the head of this file. */
export class WitnessedCommits {
  readonly #witness: Witness;
  readonly #tables: SqliteTables;
  readonly #isSynced: boolean;
  readonly #totalChanges: Statement<[], number>;
  readonly #setChangeNumber: Statement<[number, string]>;
  /** What the witness was told last. */
  #told: WitnessRecord;
  #changeNumber: number;
  /** Rows that the connection had written before the running transaction. */
  #rows = 0;
  #hasWritten = false;

  constructor(connection: Connection, { witness, record, tables, isSynced }: WitnessedCommitsOptions) {
    this.#witness = witness;
    this.#told = record;
    this.#changeNumber = record.changeNumber;
    this.#tables = tables;
    this.#isSynced = isSynced;
    this.#totalChanges = connection.prepare<[], number>('SELECT total_changes()').pluck();
    this.#setChangeNumber = connection.prepare('UPDATE meta SET value = ? WHERE key = ?');
  }

  /** A transaction has begun. */
  begin(): void {
    this.#rows = this.#rowsWritten();
  }

  /** The transaction is to be committed: it gets a change number when it has written anything but no event. */
  count(): void {
    const hasEvents = this.#tables.lastEventId > this.#told.lastEventId;
    this.#hasWritten = hasEvents || this.#rowsWritten() > this.#rows;
    if (hasEvents || !this.#hasWritten) return;
    this.#changeNumber += 1;
    this.#setChangeNumber.run(this.#changeNumber, metaKeys.changeNumber);
  }

  /** The transaction is committed. */
  committed(): void {
    if (!this.#hasWritten) return;
    this.#told = this.#record();
    this.#witness.tell(this.#told);
  }

  /** All that is committed was synced. */
  synced(): void {
    const { changeNumber, lastEventId } = this.#told;
    this.#told = { ...this.#told, syncedChangeNumber: changeNumber, syncedEventId: lastEventId };
  }

  /** The log is closed. Never fails. */
  close(): Promise<void> {
    return this.#witness.close(this.#told);
  }

  #rowsWritten(): number {
    return this.#totalChanges.get() ?? 0;
  }

  #record(): WitnessRecord {
    const { lastEventId, lastHash, lastSpaceId, now: writtenAt } = this.#tables;
    const [changeNumber, isSynced] = [this.#changeNumber, this.#isSynced];
    return {
      logId: this.#told.logId,
      changeNumber,
      lastEventId,
      syncedChangeNumber: isSynced ? changeNumber : this.#told.syncedChangeNumber,
      syncedEventId: isSynced ? lastEventId : this.#told.syncedEventId,
      lastHash,
      lastSpaceId,
      writtenAt,
    };
  }
}

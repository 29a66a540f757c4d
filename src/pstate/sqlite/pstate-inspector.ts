/** Stored projections in SQLite for verification: a read-only connection beside the shard's. */

import { type Connection, openConnection, type Statement, storageError } from '../../sqlite/connection.js';
import { checkFormat, isCurrent } from '../../sqlite/file-format.js';
import type { InspectedPage, PStateInspector } from '../inspector.js';
import type { KeyRange, StoredBuild, ViewBuild, ViewRef } from '../port.js';
import { type BuildKey, buildKey, ofBuild } from './build-key.js';
import { BuildTable } from './build-table.js';
import { buildSeed, entryChecksum } from './entry-checksum.js';
import { pstateFormat } from './pstate-format.js';
import { SkipTable } from './skip-table.js';

const busyTimeoutMs = 5_000;

interface EntryRow {
  readonly key: string;
  readonly value: Uint8Array;
  readonly checksum: number;
}

/**
 * Opens the projections of one partition for verification, or undefined where they are of another version of the format.
 *
 * @throws {RamaxError} `corrupt`, `storage`
 */
export function openSqlitePStateInspector(file: string): PStateInspector | undefined {
  const connection = openConnection({
    file,
    use: 'reader',
    busyTimeoutMs,
    check: (opened) => checkFormat(opened, pstateFormat),
  });
  if (isCurrent(connection, pstateFormat)) return new SqlitePStateInspector(connection);
  connection.close();
  return undefined;
}

class SqlitePStateInspector implements PStateInspector {
  readonly #connection: Connection;
  readonly #builds: BuildTable;
  readonly #skips: SkipTable;
  readonly #entries: Statement<[...BuildKey, after: string, limit: number], EntryRow>;
  readonly #inSnapshot: (read: () => InspectedPage) => InspectedPage;

  constructor(connection: Connection) {
    this.#connection = connection;
    this.#builds = new BuildTable(connection);
    this.#skips = new SkipTable(connection);
    this.#entries = connection.prepare(
      `SELECT key, value, checksum FROM pstate_entities WHERE ${ofBuild} AND key > ? ORDER BY key LIMIT ?`,
    );
    this.#inSnapshot = connection.transaction((read: () => InspectedPage) => read());
  }

  builds(spaceId: number): readonly StoredBuild[] {
    return this.#run(() => this.#builds.ofSpace(spaceId));
  }

  skips(spaceId: number, view: ViewRef): readonly number[] {
    return this.#run(() => this.#skips.ofView(spaceId, view));
  }

  page(spaceId: number, view: ViewBuild, { after = '', limit }: KeyRange): InspectedPage {
    const seed = buildSeed(spaceId, view);
    const read = (): InspectedPage => ({
      build: this.#builds.ofSpace(spaceId).find((stored) => isSame(stored.view, view)),
      entries: this.#entries
        .all(...buildKey(spaceId, view), after, limit)
        .map(({ key, value, checksum }) => [
          key,
          value instanceof Uint8Array && entryChecksum(seed, key, value) === checksum ? value : undefined,
        ]),
    });
    return this.#run(() => this.#inSnapshot(read));
  }

  structure(): readonly string[] {
    const rows = this.#run(() =>
      this.#connection.prepare('PRAGMA quick_check(20)').pluck().all(),
    ) as string[];
    return rows.filter((row) => row !== 'ok');
  }

  close(): void {
    this.#connection.close();
  }

  #run<Result>(read: () => Result): Result {
    try {
      return read();
    } catch (error) {
      throw storageError(error, 'cannot read the projections');
    }
  }
}

function isSame(left: ViewBuild, right: ViewBuild): boolean {
  return left.name === right.name && left.version === right.version && left.build === right.build;
}

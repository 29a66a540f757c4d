/**
 * The table `pstate_entities`: the entries of all builds of a partition. The store calls it, inside its transactions
 * where something is written.
 *
 * Invariant: every value is stored with a checksum of its place and itself, and verified whenever it is read.
 */

import { RamaxError } from '../../core/errors.js';
import { compareCodePoints } from '../../core/names.js';
import type { Connection, Statement } from '../../sqlite/connection.js';
import type { KeyRange, ViewBuild, ViewFlush } from '../port.js';
import { type BuildKey, buildKey, ofBuild } from './build-key.js';
import { buildSeed, entryChecksum } from './entry-checksum.js';
import { afterPrefix } from './key-range.js';

interface ValueRow {
  readonly value: Uint8Array;
  readonly checksum: number;
}

interface EntryRow extends ValueRow {
  readonly key: string;
}

/** A value and where its key stands among those that were asked for. */
interface PlacedRow extends ValueRow {
  readonly place: number;
}

interface SpacePlace {
  readonly view: string;
  readonly viewVersion: number;
  readonly build: number;
  readonly key: string;
}

/** A stretch of the keys of one build: the bounds that its statement names, then the limit. */
type Scan = Statement<[...BuildKey, ...bounds: string[], limit: number], EntryRow>;

/** Bounds the text that one statement is given: half a MiB with the longest keys. */
const keysPerStatementMax = 1_000;

/** Entries that one statement puts: with 16 an entry takes 1.5 instead of 2.2 µs, and with more it is hardly less. */
const putsTogether = 16;
const putColumns = 8;

type PutValue = string | number | Uint8Array;

function putSql(entries: number): string {
  return `INSERT INTO pstate_entities (space_id, view, view_version, build, key, value, checksum, updated_at)
    VALUES ${new Array(entries).fill('(?, ?, ?, ?, ?, ?, ?, ?)').join()}
    ON CONFLICT DO UPDATE
    SET value = excluded.value, checksum = excluded.checksum, updated_at = excluded.updated_at`;
}

/** See the file's header. Methods that write return the number of rows that they have touched. */
export class EntryTable {
  readonly #get: Statement<[...BuildKey, key: string], ValueRow>;
  readonly #getMany: Statement<[keysJson: string, ...BuildKey], PlacedRow>;
  readonly #scanFrom: Scan;
  readonly #scanFromTo: Scan;
  readonly #scanAfter: Scan;
  readonly #scanAfterTo: Scan;
  readonly #count: Statement<BuildKey, number>;
  readonly #put: Statement<
    [...BuildKey, key: string, value: Uint8Array, checksum: number, updatedAt: number]
  >;
  readonly #putTogether: Statement<PutValue[]>;
  readonly #delete: Statement<[...BuildKey, key: string]>;
  readonly #clear: Statement<BuildKey>;
  readonly #keyAt: Statement<[...BuildKey, offset: number], string>;
  readonly #deleteBefore: Statement<[...BuildKey, key: string]>;
  readonly #placeInSpace: Statement<[spaceId: number, offset: number], SpacePlace>;
  readonly #deleteBeforePlace: Statement<[...BuildKey, key: string]>;
  readonly #deleteSpace: Statement<[spaceId: number]>;

  constructor(connection: Connection) {
    const scan = (bounds: string): Scan =>
      connection.prepare(
        `SELECT key, value, checksum FROM pstate_entities WHERE ${ofBuild} AND ${bounds} ORDER BY key LIMIT ?`,
      );
    this.#get = connection.prepare(
      `SELECT value, checksum FROM pstate_entities WHERE ${ofBuild} AND key = ?`,
    );
    // CROSS JOIN keeps the order of the tables: one search of the primary key for each key that was asked for.
    this.#getMany = connection.prepare(
      `SELECT asked.key AS place, entry.value, checksum FROM json_each(?) AS asked CROSS JOIN pstate_entities AS entry
         WHERE ${ofBuild} AND entry.key = asked.value`,
    );
    this.#scanFrom = scan('key >= ?');
    this.#scanFromTo = scan('key >= ? AND key < ?');
    this.#scanAfter = scan('key > ?');
    this.#scanAfterTo = scan('key > ? AND key < ?');
    this.#count = connection
      .prepare<BuildKey, number>(`SELECT count(*) FROM pstate_entities WHERE ${ofBuild}`)
      .pluck();
    this.#put = connection.prepare(putSql(1));
    this.#putTogether = connection.prepare(putSql(putsTogether));
    this.#delete = connection.prepare(`DELETE FROM pstate_entities WHERE ${ofBuild} AND key = ?`);
    this.#clear = connection.prepare(`DELETE FROM pstate_entities WHERE ${ofBuild}`);
    this.#keyAt = connection
      .prepare<[...BuildKey, number], string>(
        `SELECT key FROM pstate_entities WHERE ${ofBuild} ORDER BY key LIMIT 1 OFFSET ?`,
      )
      .pluck();
    this.#deleteBefore = connection.prepare(`DELETE FROM pstate_entities WHERE ${ofBuild} AND key < ?`);
    this.#placeInSpace = connection.prepare(
      `SELECT view, view_version AS viewVersion, build, key FROM pstate_entities WHERE space_id = ?
         ORDER BY view, view_version, build, key LIMIT 1 OFFSET ?`,
    );
    this.#deleteBeforePlace = connection.prepare(
      'DELETE FROM pstate_entities WHERE space_id = ? AND (view, view_version, build, key) < (?, ?, ?, ?)',
    );
    this.#deleteSpace = connection.prepare('DELETE FROM pstate_entities WHERE space_id = ?');
  }

  get(spaceId: number, view: ViewBuild, key: string): Uint8Array | undefined {
    const row = this.#get.get(...buildKey(spaceId, view), key);
    return row === undefined ? undefined : verified(spaceId, view, key, row, buildSeed(spaceId, view));
  }

  /** No transaction is needed over several statements: only the owner writes, and it is busy reading here. */
  getMany(spaceId: number, view: ViewBuild, keys: readonly string[]): (Uint8Array | undefined)[] {
    const values = new Array<Uint8Array | undefined>(keys.length).fill(undefined);
    const seed = buildSeed(spaceId, view);
    for (let start = 0; start < keys.length; start += keysPerStatementMax) {
      const asked = keys.slice(start, start + keysPerStatementMax);
      for (const row of this.#getMany.all(JSON.stringify(asked), ...buildKey(spaceId, view))) {
        values[start + row.place] = verified(spaceId, view, asked[row.place] as string, row, seed);
      }
    }
    return values;
  }

  scan(spaceId: number, view: ViewBuild, range: KeyRange): (readonly [key: string, value: Uint8Array])[] {
    const rows = this.#rows(buildKey(spaceId, view), range);
    const seed = buildSeed(spaceId, view);
    return rows.map((row) => [row.key, verified(spaceId, view, row.key, row, seed)] as const);
  }

  #rows(build: BuildKey, { prefix, after, limit }: KeyRange): EntryRow[] {
    const end = afterPrefix(prefix);
    // Keys after `after` and keys with the prefix are both ranges; the later of the two beginnings holds.
    if (after !== undefined && compareCodePoints(after, prefix) >= 0) {
      return end === undefined
        ? this.#scanAfter.all(...build, after, limit)
        : this.#scanAfterTo.all(...build, after, end, limit);
    }
    return end === undefined
      ? this.#scanFrom.all(...build, prefix, limit)
      : this.#scanFromTo.all(...build, prefix, end, limit);
  }

  count(spaceId: number, view: ViewBuild): number {
    return this.#count.get(...buildKey(spaceId, view)) ?? 0;
  }

  write(spaceId: number, { view, clear, deletes, puts }: ViewFlush, updatedAt: number): number {
    const build = buildKey(spaceId, view);
    const cleared = clear ? this.#clear.run(...build).changes : 0;
    for (const key of deletes) this.#delete.run(...build, key);
    this.#putAll(build, buildSeed(spaceId, view), puts, updatedAt);
    return cleared + deletes.length + puts.length;
  }

  #putAll(build: BuildKey, seed: number, puts: ViewFlush['puts'], updatedAt: number): void {
    const together = puts.length - (puts.length % putsTogether);
    const values: PutValue[] = [];
    for (const [index, [key, value]] of puts.entries()) {
      const checksum = entryChecksum(seed, key, value);
      if (index >= together) this.#put.run(...build, key, value, checksum, updatedAt);
      else if (values.push(...build, key, value, checksum, updatedAt) === putsTogether * putColumns)
        this.#putTogether.run(...values.splice(0));
    }
  }

  deleteSome(spaceId: number, view: ViewBuild, rowsMax: number): number {
    const build = buildKey(spaceId, view);
    const end = this.#keyAt.get(...build, rowsMax);
    const { changes } = end === undefined ? this.#clear.run(...build) : this.#deleteBefore.run(...build, end);
    return changes;
  }

  deleteSomeOfSpace(spaceId: number, rowsMax: number): number {
    const end = this.#placeInSpace.get(spaceId, rowsMax);
    if (end === undefined) return this.#deleteSpace.run(spaceId).changes;
    return this.#deleteBeforePlace.run(spaceId, end.view, end.viewVersion, end.build, end.key).changes;
  }
}

function verified(
  spaceId: number,
  { name, version, build }: ViewBuild,
  key: string,
  row: ValueRow,
  seed: number,
): Uint8Array {
  const { value, checksum } = row;
  if (value instanceof Uint8Array && entryChecksum(seed, key, value) === checksum) return value;
  throw new RamaxError(
    'corrupt',
    `space ${spaceId}, view ${name} version ${version} build ${build}: the value at ${JSON.stringify(key)} fails its checksum`,
    { details: { spaceId, view: name, viewVersion: version, build, key } },
  );
}

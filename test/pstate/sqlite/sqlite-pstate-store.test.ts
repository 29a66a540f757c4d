import { readFileSync, statSync, writeFileSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { BuildTable } from '../../../src/pstate/sqlite/build-table.js';
import { EntryTable } from '../../../src/pstate/sqlite/entry-table.js';
import { SkipTable } from '../../../src/pstate/sqlite/skip-table.js';
import { openSqlitePStateStore } from '../../../src/pstate/sqlite/sqlite-pstate-store.js';
import { type Connection, openConnection } from '../../../src/sqlite/connection.js';
import { flushOf, pstateStoreContract } from '../pstate-store.contract.js';
import { sqliteBed } from '../store-bed.js';

const main = { name: 'main', version: 1, build: 1 };
const everything = { prefix: '', after: undefined, limit: 10 };

describe('the projection store in SQLite', () => {
  pstateStoreContract(sqliteBed);

  let bed: ReturnType<typeof sqliteBed>;
  beforeEach(() => {
    bed = sqliteBed();
  });
  afterEach(() => bed.remove());

  /** Does something to the file behind the store's back, while no store is open. */
  function tamper(change: (connection: Connection) => void): void {
    const connection = openConnection({ file: bed.file, use: 'cache', busyTimeoutMs: 0 });
    change(connection);
    connection.close();
  }

  it('refuses a value whose bytes have changed, and names space, view and key', () => {
    const store = bed.open();
    store.flush(7, [flushOf({ puts: { good: 'value', bad: 'value' } })]);
    store.close();
    tamper((connection) =>
      connection.exec("UPDATE pstate_entities SET value = x'76616c7566' WHERE key = 'bad'"),
    );
    const damaged = bed.open();
    const corrupt = expect.objectContaining({
      code: 'corrupt',
      message: 'space 7, view main version 1 build 1: the value at "bad" fails its checksum',
      details: { spaceId: 7, view: 'main', viewVersion: 1, build: 1, key: 'bad' },
    });
    expect(() => damaged.get(7, main, 'bad')).toThrow(corrupt);
    expect(() => damaged.getMany(7, main, ['good', 'bad'])).toThrow(corrupt);
    expect(() => damaged.scan(7, main, everything)).toThrow(corrupt);
    expect(damaged.get(7, main, 'good')).toBeDefined();
  });

  it('refuses a file of a newer format and changes nothing of it', () => {
    bed.open().close();
    tamper((connection) => connection.pragma('user_version = 4'));
    const before = readFileSync(bed.file);
    expect(() => bed.open()).toThrow(expect.objectContaining({ code: 'format_newer' }));
    expect(readFileSync(bed.file).equals(before)).toBe(true);
  });

  it("refuses another program's database and a file that is none", () => {
    tamper((connection) => connection.exec('CREATE TABLE theirs (id INTEGER)'));
    expect(() => bed.open()).toThrow(expect.objectContaining({ code: 'storage_unsuitable' }));
    const noDatabase = `${bed.file}.txt`;
    writeFileSync(
      noDatabase,
      'This is a text and no database, long enough to be taken for a header. '.repeat(20),
    );
    const open = () => openSqlitePStateStore({ file: noDatabase, logId: 'log-a', fence: 1 });
    expect(open).toThrow(expect.objectContaining({ code: 'corrupt' }));
  });

  it('writes all views of a flush or none', () => {
    const store = bed.open();
    const bad = { ...flushOf({ puts: { a: '1' } }), puts: [['a', null as unknown as Uint8Array]] as const };
    const good = flushOf({ view: { ...main, name: 'other' }, puts: { a: '1' } });
    expect(() => store.flush(1, [good, bad])).toThrow(expect.objectContaining({ code: 'storage' }));
    expect(store.count(1, good.view)).toBe(0);
    expect(store.builds(1)).toEqual([]);
  });

  it('keeps the write-ahead log within its bound, and leaves none behind', () => {
    const store = bed.open();
    const wal = `${bed.file}-wal`;
    for (let sequence = 1; sequence <= 60; sequence++) {
      const value = String(sequence % 10).repeat(1024 * 1024);
      store.flush(1, [flushOf({ puts: { [`key ${sequence % 7}`]: value }, sequence })]);
    }
    expect(statSync(wal).size).toBeLessThan(20 * 1024 * 1024);
    store.close();
    expect(statSync(wal, { throwIfNoEntry: false })).toBeUndefined();
    expect(bed.open().builds(1)[0]?.checkpoint.lastSpaceSequence).toBe(60);
  });

  it('counts what every write adds to the write-ahead log', () => {
    const store = bed.open();
    const rows = Array.from({ length: 6_000 }, (_, index) => [`key ${index}`, ''] as const);
    const wal = `${bed.file}-wal`;
    store.flush(1, [flushOf({ puts: rows })]);
    store.retire(1, [main]);
    for (let row = 0; row <= 6_000; row++) store.sweep(1, 1);
    expect(store.builds(1)).toEqual([]);
    expect(statSync(wal).size).toBeLessThan(20 * 1024 * 1024);
    for (let sequence = 1; sequence <= 6_000; sequence++) store.skip(2, main, sequence);
    expect(statSync(wal).size).toBeLessThan(20 * 1024 * 1024);
    for (let build = 1; build <= 2_000; build++) {
      const view = { ...main, build };
      store.flush(3, [flushOf({ view, state: 'building' })]);
      store.swap(3, [view]);
      store.retire(3, [view]);
    }
    expect(statSync(wal).size).toBeLessThan(20 * 1024 * 1024);
  });

  it('keeps two live builds of a view name, and states that there are not, out of the file itself', () => {
    bed.open().flush(1, [flushOf({}), flushOf({ view: { ...main, build: 2 }, state: 'building' })]);
    const change = (state: string) => () =>
      tamper((connection) => connection.exec(`UPDATE projection_checkpoints SET state = '${state}'`));
    expect(change('live')).toThrow('UNIQUE');
    expect(change('ready')).toThrow('CHECK');
  });

  it('has strict tables whose rows stand in the order of their keys', () => {
    bed.open();
    tamper((connection) => {
      const tables = connection.pragma('table_list') as { name: string; strict: number; wr: number }[];
      const ours = tables.filter(({ name }) => !name.startsWith('sqlite_'));
      expect(ours.map(({ name }) => name).sort()).toEqual([
        'projection_checkpoints',
        'projection_skips',
        'pstate_entities',
        'pstate_meta',
      ]);
      for (const { name, strict, wr } of ours) {
        expect([name, strict, wr]).toEqual([name, 1, name === 'pstate_meta' ? 0 : 1]);
      }
    });
  });

  it('finds the rows of every statement by a key, and sorts nothing', () => {
    bed.open();
    tamper((connection) => {
      const texts: string[] = [];
      const recording = {
        prepare(text: string) {
          texts.push(text);
          return connection.prepare(text);
        },
      } as unknown as Connection;
      for (const Table of [EntryTable, BuildTable, SkipTable]) new Table(recording);
      const steps = texts.flatMap((text) => {
        const parameters = Array(text.split('?').length - 1).fill(null);
        const plan = connection.prepare(`EXPLAIN QUERY PLAN ${text}`).all(...parameters);
        return plan.map((row) => `${(row as { detail: string }).detail} <- ${text}`);
      });
      expect(steps.length).toBeGreaterThan(20);
      const byKey = /^SEARCH \w+ USING (PRIMARY KEY|(COVERING )?INDEX) /;
      const ofList = /^(SCAN asked VIRTUAL TABLE|SCAN 16-ROW VALUES CLAUSE|LIST SUBQUERY)/;
      expect(steps.filter((step) => !byKey.test(step) && !ofList.test(step))).toEqual([]);
      // What is of one build is searched by the whole place of the build, not by its space alone.
      const ofBuild = steps.filter((step) =>
        /SEARCH .*WHERE space_id = \? AND view = \? .* build = \?/s.test(step),
      );
      expect(ofBuild.length).toBeGreaterThan(10);
      for (const step of ofBuild) {
        expect(step).toMatch(/^[^<]*\(space_id=\? AND view=\? AND view_version=\? AND build=\?/);
      }
    });
  });
});

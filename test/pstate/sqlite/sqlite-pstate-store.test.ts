import { readFileSync, statSync, writeFileSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openSqlitePStateStore } from '../../../src/pstate/sqlite/sqlite-pstate-store.js';
import { type Connection, openConnection } from '../../../src/sqlite/connection.js';
import { flushOf, pstateStoreContract } from '../pstate-store.contract.js';
import { sqliteBed } from '../store-bed.js';

const main = { name: 'main', version: 1 };
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
      message: 'space 7, view main version 1: the value at "bad" fails its checksum',
      details: { spaceId: 7, view: 'main', viewVersion: 1, key: 'bad' },
    });
    expect(() => damaged.get(7, main, 'bad')).toThrow(corrupt);
    expect(() => damaged.scan(7, main, everything)).toThrow(corrupt);
    expect(damaged.get(7, main, 'good')).toBeDefined();
  });

  it('refuses a file of a newer format and changes nothing of it', () => {
    bed.open().close();
    tamper((connection) => connection.pragma('user_version = 2'));
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
    const good = flushOf({ view: { name: 'other', version: 1 }, puts: { a: '1' } });
    expect(() => store.flush(1, [good, bad])).toThrow(expect.objectContaining({ code: 'storage' }));
    expect(store.count(1, good.view)).toBe(0);
    expect(store.checkpoint(1, good.view)).toBeUndefined();
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
    expect(bed.open().checkpoint(1, main)?.lastSpaceSequence).toBe(60);
  });
});

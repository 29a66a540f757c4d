/** Files of older versions become files of this one. What an older version wrote is written here by its own SQL. */

import { statSync } from 'node:fs';
import { crc32 } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { PStateStore, ViewBuild } from '../../../src/pstate/port.js';
import { type Connection, openConnection } from '../../../src/sqlite/connection.js';
import { sqliteBed } from '../store-bed.js';

const versionOne = `
  PRAGMA application_id = 0x524d5850;
  PRAGMA user_version = 1;
  CREATE TABLE pstate_meta (
    id INTEGER PRIMARY KEY CHECK (id = 1), log_id TEXT NOT NULL, fence INTEGER NOT NULL
  ) STRICT;
  CREATE TABLE pstate_entities (
    space_id INTEGER NOT NULL, view TEXT NOT NULL, view_version INTEGER NOT NULL, key TEXT NOT NULL,
    value BLOB NOT NULL, checksum INTEGER NOT NULL, updated_at INTEGER NOT NULL,
    PRIMARY KEY (space_id, view, view_version, key)
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE projection_checkpoints (
    space_id INTEGER NOT NULL, view TEXT NOT NULL, view_version INTEGER NOT NULL,
    last_event_id INTEGER NOT NULL, last_space_sequence INTEGER NOT NULL, fingerprint TEXT,
    updated_at INTEGER NOT NULL, PRIMARY KEY (space_id, view, view_version)
  ) STRICT, WITHOUT ROWID;
  INSERT INTO pstate_meta VALUES (1, 'log-a', 1);
`;

describe('a projection file of version 1', () => {
  let bed: ReturnType<typeof sqliteBed>;
  let file: Connection;
  beforeEach(() => {
    bed = sqliteBed();
    file = openConnection({ file: bed.file, use: 'cache', busyTimeoutMs: 0 });
    file.exec(versionOne);
  });
  afterEach(() => {
    file.close();
    bed.remove();
  });

  function checkpoint(spaceId: number, view: string, version: number, sequence: number): void {
    file
      .prepare('INSERT INTO projection_checkpoints VALUES (?, ?, ?, ?, ?, NULL, 5)')
      .run(spaceId, view, version, sequence * 10, sequence);
  }

  function entry(spaceId: number, view: string, version: number, key: string): void {
    const value = Buffer.from(`${spaceId} ${view} ${version} ${key}`);
    file
      .prepare('INSERT INTO pstate_entities VALUES (?, ?, ?, ?, ?, ?, 5)')
      .run(spaceId, view, version, key, value, crc32(value));
  }

  it('keeps its entries and checkpoints, as live builds with the number 1', () => {
    for (const spaceId of [1, 17]) {
      for (const view of ['main', 'byEmail']) {
        checkpoint(spaceId, view, 3, spaceId + 4);
        for (const key of ['a', 'b', '\uffff', '\u{1f600}']) entry(spaceId, view, 3, key);
      }
    }
    file.close();
    for (const store of [bed.open(), bed.open()]) {
      for (const spaceId of [1, 17]) {
        expect(store.builds(spaceId)).toEqual([
          live('byEmail', 3, spaceId + 4),
          live('main', 3, spaceId + 4),
        ]);
        expect(textsOf(store, spaceId, { name: 'main', version: 3, build: 1 })).toEqual(
          ['a', 'b', '\uffff', '\u{1f600}'].map((key) => `${spaceId} main 3 ${key}`),
        );
      }
      expect(store.listSpaces(0, 10)).toEqual([1, 17]);
      expect(store.skips(1, { name: 'main', version: 3 })).toEqual([]);
    }
  });

  it('loses what a rebuild of the former kind has left behind', () => {
    checkpoint(1, 'main', 1, 9);
    for (const view of ['main~rebuild', '~rebuild']) {
      checkpoint(1, view, 1, 4);
      entry(1, view, 1, 'a');
    }
    checkpoint(1, 'main~rebuilding', 1, 4);
    file.close();
    const store = bed.open();
    expect(store.builds(1)).toEqual([live('main', 1, 9), live('main~rebuilding', 1, 4)]);
    expect(store.count(1, { name: 'main~rebuild', version: 1, build: 1 })).toBe(0);
  });

  it('makes one version of a view live, the one that has come furthest, and retires the others', () => {
    checkpoint(1, 'main', 1, 4);
    checkpoint(1, 'main', 2, 9);
    checkpoint(1, 'main', 3, 8);
    checkpoint(1, 'byEmail', 1, 9);
    checkpoint(1, 'byEmail', 2, 9);
    checkpoint(2, 'main', 1, 1);
    entry(1, 'main', 1, 'a');
    file.close();
    const store = bed.open();
    expect(store.builds(1)).toEqual([
      { ...live('byEmail', 1, 9), state: 'retired' },
      live('byEmail', 2, 9),
      { ...live('main', 1, 4), state: 'retired' },
      live('main', 2, 9),
      { ...live('main', 3, 8), state: 'retired' },
    ]);
    expect(store.builds(2)).toEqual([live('main', 1, 1)]);
    expect(store.sweep(1, 100)).toEqual({ done: true });
    expect(store.count(1, { name: 'main', version: 1, build: 1 })).toBe(0);
  });

  it('lets the deletion of a space go on that was interrupted', () => {
    entry(1, 'main', 1, 'a');
    file.close();
    const store = bed.open();
    expect(store.count(1, { name: 'main', version: 1, build: 1 })).toBe(1);
    expect(store.dropSpace(1, 1)).toEqual({ done: true });
  });

  it('does not leave in the write-ahead log what its migration has written', () => {
    const insert = file.prepare('INSERT INTO pstate_entities VALUES (1, ?, 1, ?, zeroblob(4000), 0, 5)');
    file.transaction(() => {
      for (let number = 0; number < 4_200; number++) insert.run('main', `key ${number}`);
    })();
    file.close();
    const before = statSync(bed.file).size;
    const store = bed.open();
    expect(statSync(bed.file).size).toBe(before);
    store.skip(1, { name: 'main', version: 1 }, 1);
    expect(statSync(bed.file).size).toBeGreaterThan(1.9 * before);
  });

  it('stays as it was when it cannot become one of this version', () => {
    checkpoint(1, 'main', 1, 9);
    entry(1, 'main', 1, 'a');
    file.exec('CREATE TABLE projection_skips (in_the_way INTEGER)');
    file.close();
    expect(() => bed.open()).toThrow(expect.objectContaining({ code: 'storage' }));
    file = openConnection({ file: bed.file, use: 'cache', busyTimeoutMs: 0 });
    expect(file.pragma('user_version', { simple: true })).toBe(1);
    const count = 'SELECT count(*) FROM pstate_entities WHERE key IS NOT NULL';
    expect(file.prepare(count).pluck().get()).toBe(1);
    expect(file.prepare('SELECT last_space_sequence FROM projection_checkpoints').pluck().all()).toEqual([9]);
  });
});

function live(name: string, version: number, sequence: number) {
  return {
    view: { name, version, build: 1 },
    state: 'live',
    checkpoint: { lastEventId: sequence * 10, lastSpaceSequence: sequence },
    fingerprint: undefined,
  };
}

function textsOf(store: PStateStore, spaceId: number, view: ViewBuild): string[] {
  const entries = store.scan(spaceId, view, { prefix: '', after: undefined, limit: 100 });
  return entries.map(([, bytes]) => new TextDecoder().decode(bytes));
}

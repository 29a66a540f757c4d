import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Connection, openConnection, scrub } from '../../src/sqlite/connection.js';
import { SeededRandom } from '../../src/testing/random.js';

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'ramax-scrub-'));
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

const word = 'PLANTED';

/** Entries of several owners in one ordered table, put, replaced and taken away at random; then those of one owner are deleted. */
function deletedIn(file: string, seed: number): Connection {
  const connection = openConnection({ file, use: 'cache', busyTimeoutMs: 0 });
  connection.exec(`CREATE TABLE entries (owner INTEGER, key TEXT, value BLOB, PRIMARY KEY (owner, key))
    STRICT, WITHOUT ROWID`);
  const put = connection.prepare('INSERT OR REPLACE INTO entries VALUES (?, ?, ?)');
  const take = connection.prepare('DELETE FROM entries WHERE owner = ? AND key = ?');
  const random = new SeededRandom(seed);
  connection.transaction(() => {
    for (let step = 0; step < 6_000; step++) {
      const owner = random.below(7);
      const text = owner === 3 ? word : 'public';
      const key = `${text} ${random.below(401)}`;
      if (random.below(10) === 0) take.run(owner, key);
      else put.run(owner, key, Buffer.from(text.repeat(1 + random.below(30))));
    }
  })();
  connection.prepare('DELETE FROM entries WHERE owner = 3').run();
  return connection;
}

/** How often the word stands in the files of the directory. */
function traces(): number {
  let count = 0;
  for (const name of readdirSync(directory)) {
    const bytes = readFileSync(join(directory, name));
    for (let at = bytes.indexOf(word); at !== -1; at = bytes.indexOf(word, at + 1)) count++;
  }
  return count;
}

function tracesAfter(seed: number, rewriteBytesMax: number): number {
  const connection = deletedIn(join(directory, `${seed}.db`), seed);
  try {
    scrub(connection, rewriteBytesMax);
    return traces();
  } finally {
    connection.close();
    for (const name of readdirSync(directory)) rmSync(join(directory, name));
  }
}

describe('clearing a file of what was deleted', () => {
  const seeds = [1, 2, 3, 4, 5, 6, 7, 8];

  it('leaves nothing of it, whatever the history', () => {
    for (const seed of seeds) expect(tracesAfter(seed, Number.MAX_SAFE_INTEGER)).toBe(0);
  });

  it('leaves stale copies in some histories where the file is not written anew: that is why it is', () => {
    const left = seeds.map((seed) => tracesAfter(seed, 0));
    expect(left.some((count) => count > 0)).toBe(true);
  });

  it('says so when a reader keeps the write-ahead log', () => {
    const file = join(directory, 'read.db');
    const connection = deletedIn(file, 1);
    const reader = openConnection({ file, use: 'reader', busyTimeoutMs: 0 });
    reader.exec('BEGIN; SELECT count(*) FROM entries');
    reader.prepare('SELECT count(*) FROM entries').get();
    connection.prepare('INSERT INTO entries VALUES (9, ?, ?)').run('k', Buffer.alloc(1));
    expect(() => scrub(connection, 0)).toThrow(/a reader keeps/);
    reader.close();
    scrub(connection, 0);
    connection.close();
  });
});

import { statSync } from 'node:fs';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { LogReader, StoredEvent } from '../../src/event-store/port.js';
import { openSqliteLogReader } from '../../src/event-store/sqlite/sqlite-log-reader.js';
import { openSqliteLogStore, type SqliteLogStore } from '../../src/event-store/sqlite/sqlite-log-store.js';
import { streamPages } from '../../src/event-store/stream-pages.js';
import { readSources } from '../house/read-sources.js';
import { append, codeOf, createSpace, plainEvent, platformAt } from './log-fixture.js';
import { temporaryDirectory } from './sqlite-fixture.js';

/** Two pages of payloads are more than one read may take. */
const bounds = { limit: 10, bytesMax: 4_000 };
const eventBytes = 1_000;

let directory: Awaited<ReturnType<typeof temporaryDirectory>>;
let file: string;
let log: SqliteLogStore;
let reader: LogReader;
let spaceId: number;
let sequence: number;

beforeEach(async () => {
  directory = await temporaryDirectory();
  file = join(directory.path, 'ramax.db');
  log = openSqliteLogStore(file, platformAt(1));
  ({ spaceId } = await createSpace(log, 'a'));
  sequence = 0;
  await write(30);
  reader = openSqliteLogReader(file, platformAt(1));
});

afterEach(async () => {
  await reader.close();
  await log.close();
  await directory.remove();
});

async function write(events: number): Promise<void> {
  for (let n = 0; n < events; n++) {
    const outcomes = await log.commit([append(spaceId, sequence, [plainEvent('x', 'e1', eventBytes)])]);
    expect(outcomes.map(codeOf)).toEqual(['appended']);
    sequence++;
  }
}

/** Moves all of the write-ahead log and cuts it, which any open read transaction prevents; says whether one did. */
function isHeldUp(): boolean {
  const database = new Database(file);
  const [{ busy }] = database.pragma('wal_checkpoint(TRUNCATE)') as [{ busy: number }];
  database.close();
  return busy !== 0 || statSync(`${file}-wal`).size > 0;
}

const reads: Readonly<Record<string, (after: number) => Promise<readonly StoredEvent[]>>> = {
  'of a space': (after) => reader.readSpace(spaceId, after, bounds),
  'of an entity': (after) => reader.readEntity(spaceId, 'e1', after, bounds),
  'of all spaces': (after) => reader.readAll(after, bounds),
};

describe('a stream whose consumer pauses for ever', () => {
  it.each(Object.entries(reads))('%s keeps the write-ahead log from nothing', async (_, readAfter) => {
    const positionOf = (event: StoredEvent) => event.eventId;
    const events = streamPages({ readAfter, positionOf, open: positionOf, from: 0 });
    for (const place of [1, 2, 3, 4, 5, 6]) {
      expect((await events.next()).value).toBe(place);
      await write(5);
      expect(isHeldUp()).toBe(false);
    }
    // It goes on where it was, with what has come meanwhile.
    for (let place = 7; place <= sequence; place++) expect((await events.next()).value).toBe(place);
    expect((await events.next()).done).toBe(true);
  });

  it('would be noticed if it held a transaction', () => {
    const other = new Database(file);
    other.exec('BEGIN');
    other.prepare('SELECT count(*) FROM events').get();
    const held = new Database(file);
    held.prepare('UPDATE meta SET value = value').run();
    held.close();
    const checkpoint = new Database(file, { timeout: 0 });
    expect(checkpoint.pragma('wal_checkpoint(TRUNCATE)')).toMatchObject([{ busy: 1 }]);
    checkpoint.close();
    other.close();
  });

  it('has no statement of ours open: rows are gone through one by one in two places alone, which end them in the same breath', () => {
    const files = [...readSources('src', 'workers')].filter(([, text]) => text.includes('.iterate('));
    expect(files.map(([name]) => name).sort()).toEqual([
      'src/event-store/sqlite/log-inspector.ts',
      'src/event-store/sqlite/log-queries.ts',
    ]);
  });
});

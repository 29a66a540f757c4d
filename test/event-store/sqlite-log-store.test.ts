import { readdirSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { readSql } from '../../src/event-store/sqlite/read-sql.js';
import { openSqliteLogReader } from '../../src/event-store/sqlite/sqlite-log-reader.js';
import { openSqliteLogStore, type SqliteLogStore } from '../../src/event-store/sqlite/sqlite-log-store.js';
import { SqliteLookupFiller } from '../../src/event-store/sqlite/sqlite-lookup-filler.js';
import { witnessFileOf } from '../../src/event-store/sqlite/witness-file.js';
import { openConnection } from '../../src/sqlite/connection.js';
import { describeDrafts } from './drafts.contract.js';
import {
  append,
  codeOf,
  commandNamed,
  createSpace,
  plainEvent,
  platformAt,
  rejectionCode,
  wide,
} from './log-fixture.js';
import { describeLogStore } from './log-store.contract.js';
import { describeLogStoreModel } from './log-store.model.js';
import { createSqliteFixture, temporaryDirectory } from './sqlite-fixture.js';

describeLogStore('the SQLite adapter', createSqliteFixture);
describeLogStoreModel('the SQLite adapter', createSqliteFixture);
describeDrafts('the SQLite adapter', createSqliteFixture);

describe('the SQLite log', () => {
  const platform = platformAt(1_750_000_000_000);
  let directory: Awaited<ReturnType<typeof temporaryDirectory>>;
  let file: string;

  beforeEach(async () => {
    directory = await temporaryDirectory();
    file = join(directory.path, 'ramax.db');
  });

  afterEach(() => directory.remove());

  const open = () => openSqliteLogStore(file, platform);

  /** Runs `change` on the file with a connection of its own. */
  function tamper(change: (database: Database.Database) => void): void {
    const database = new Database(file);
    change(database);
    database.close();
  }

  /** Opens the log with `openLog` and gives the error's code. */
  function openingCode(openLog: () => unknown): Promise<string> {
    return rejectionCode(Promise.resolve().then(openLog));
  }

  describe('plans', () => {
    function planOf(sql: string, ...parameters: readonly (string | number)[]): readonly string[] {
      const database = new Database(file, { readonly: true });
      const rows = database.prepare(`EXPLAIN QUERY PLAN ${sql}`).all(...parameters) as { detail: string }[];
      database.close();
      return rows.map((row) => row.detail).filter((detail) => /^(SEARCH|SCAN|USE TEMP)/.test(detail));
    }

    beforeEach(() => open().close());

    it('read one space through its own index, and nothing of any other space', () => {
      expect(planOf(readSql.space, 1, 0, 1, 10)).toEqual([
        'SEARCH events USING INDEX events_by_space_sequence (space_id=? AND space_sequence>?)',
        'SEARCH spaces USING INTEGER PRIMARY KEY (rowid=?)',
      ]);
    });

    it('write pages over the same ways', () => {
      const page = (...query: Parameters<typeof planOf>): string[] =>
        planOf(...query).filter((detail) => !detail.includes('subquery'));
      expect(page(readSql.spacePage, 100, 1, 0, 1, 10)).toEqual(planOf(readSql.space, 1, 0, 1, 10));
      expect(page(readSql.allPage, 100, 0, 10)).toEqual(planOf(readSql.all, 0, 10));
    });

    it('find the head of a space at the end of its index', () => {
      const head = [
        'SEARCH spaces USING INTEGER PRIMARY KEY (rowid=?)',
        'SEARCH last USING INTEGER PRIMARY KEY (rowid=?) LEFT-JOIN',
        'SEARCH events USING COVERING INDEX events_by_space_sequence (space_id=?)',
      ];
      expect(planOf(readSql.head, 1)).toEqual(head);
      expect(planOf('SELECT * FROM space_sequences WHERE space_id = ?', 1)).toEqual([
        head[0],
        'SEARCH events USING INTEGER PRIMARY KEY (rowid=?)',
        'SEARCH newest USING COVERING INDEX events_by_space_sequence (space_id=?)',
      ]);
    });

    it('find places of a space over its index alone, and the sequence of an event by its key', () => {
      expect(planOf(readSql.placeUpTo, 1, 1)).toEqual([
        'SEARCH events USING COVERING INDEX events_by_space_sequence (space_id=? AND space_sequence<?)',
      ]);
      expect(planOf(readSql.sequenceOf, 1, 1)).toEqual(['SEARCH events USING INTEGER PRIMARY KEY (rowid=?)']);
    });

    it('find the event before another in its space, and that of an entry, by their keys', () => {
      expect(planOf(readSql.linkAt, 1, 1)).toEqual([
        'SEARCH events USING INDEX events_by_space_sequence (space_id=? AND space_sequence=?)',
      ]);
      expect(planOf(readSql.entryEvent, 1)).toEqual(['SEARCH events USING INTEGER PRIMARY KEY (rowid=?)']);
    });

    it('read the whole log in its own order, and the deleted spaces from the index of only these', () => {
      expect(planOf(readSql.all, 0, 10)).toEqual([
        'SEARCH events USING INTEGER PRIMARY KEY (rowid>? AND rowid<?)',
        'SEARCH spaces USING INDEX spaces_deleted',
        'SEARCH first USING COVERING INDEX events_by_space_sequence (space_id=? AND space_sequence=?)',
        'SCAN spaces USING INDEX spaces_deleted',
      ]);
    });

    it('look up each wanted command in the index', () => {
      expect(planOf(readSql.commands, '[]', 1, 1)).toEqual([
        'SCAN wanted VIRTUAL TABLE INDEX 1:',
        'SEARCH spaces USING INTEGER PRIMARY KEY (rowid=?)',
        'SEARCH commands USING INDEX commands_by_id (space_id=? AND command_id=?)',
      ]);
    });
  });

  it('syncs every commit, and never leaves checkpoints to COMMIT, which would not report their errors', () => {
    const connection = openConnection({ file, use: 'durable', busyTimeoutMs: 0 });
    connection.exec('CREATE TABLE t (x)');
    expect(connection.pragma('synchronous', { simple: true })).toBe(2);
    expect(connection.pragma('journal_mode', { simple: true })).toBe('wal');
    expect(connection.pragma('wal_autocheckpoint', { simple: true })).toBe(0);
    connection.close();
  });

  it('leaves the database and its witness behind when it is closed', async () => {
    const log = open();
    await createSpace(log, 'a');
    expect(readdirSync(directory.path).sort()).toEqual([
      'ramax.db',
      'ramax.db-shm',
      'ramax.db-wal',
      'ramax.witness',
    ]);
    await log.close();
    expect(readdirSync(directory.path).sort()).toEqual(['ramax.db', 'ramax.witness']);
  });

  it('keeps of an append the hash alone, and not the message that brought it', async () => {
    const log = openSqliteLogStore(file, platform);
    const { spaceId } = await createSpace(log, 'a');
    const message = new Uint8Array(100_000);
    const event = { ...plainEvent('a1'), hash: message.subarray(50, 66) };
    await log.commit([append(spaceId, 0, [event])]);
    expect((await log.spaceHead(spaceId))?.lastHash.buffer.byteLength).toBe(16);
    await log.close();
  });

  describe('moves the write-ahead log into the database before it grows without bound', () => {
    const batchBytes = 10_000_000;
    const batchEvents = 10;

    /** Commits batches of events of a megabyte each. */
    async function commitLarge(
      log: SqliteLogStore,
      batches: number,
      afterEach: () => Promise<unknown> = async () => {},
    ): Promise<void> {
      const { spaceId } = await createSpace(log, 'a');
      const large = Array.from({ length: batchEvents }, (_, n) =>
        plainEvent(`a${n}`, 'e1', batchBytes / batchEvents),
      );
      for (let n = 0; n < batches; n++) {
        await log.commit([append(spaceId, n * batchEvents, large)]);
        await afterEach();
      }
    }

    it('itself, when it is alone', async () => {
      const log = openSqliteLogStore(file, platform, { isAlone: true });
      await commitLarge(log, 6);
      expect(statSync(file).size).toBeGreaterThan(2 * batchBytes);
      expect(statSync(`${file}-wal`).size).toBeLessThan(4 * batchBytes);
      await log.close();
    });

    it('in the thread that fills the lookups, and begins it again when that has moved nearly all', async () => {
      const log = open();
      const filler = new SqliteLookupFiller(file);
      const other = new Database(file, { readonly: true });
      const { spaceId } = await createSpace(log, 'small');
      let sequence = 0;
      const commitSmall = () => log.commit([append(spaceId, sequence++, [plainEvent('s')])]);
      await commitLarge(log, 12, async () => {
        // Pages of a commit that came after the snapshot of a reader are not moved, as those of one that comes meanwhile.
        other.exec('BEGIN; SELECT count(*) FROM spaces');
        await commitSmall();
        await filler.fillLookups(100);
        other.exec('COMMIT');
        await commitSmall();
      });
      other.close();
      expect(statSync(file).size).toBeGreaterThan(8 * batchBytes);
      expect(statSync(`${file}-wal`).size).toBeLessThan(6 * batchBytes);
      await filler.close();
      await log.close();
    });

    it('itself, when that thread does not', async () => {
      const log = open();
      await commitLarge(log, 10);
      expect(statSync(file).size).toBeGreaterThan(4 * batchBytes);
      expect(statSync(`${file}-wal`).size).toBeLessThan(9 * batchBytes);
      await log.close();
    });
  });

  it('reads while the writer goes on, and holds no transaction between reads', async () => {
    const log = open();
    const { spaceId } = await createSpace(log, 'a');
    await log.commit([append(spaceId, 0, [plainEvent('a1'), plainEvent('a2'), plainEvent('a3')])]);
    const reader = openSqliteLogReader(file, platform);
    expect(await reader.readSpace(spaceId, 0, { limit: 3, bytesMax: 1 })).toHaveLength(1);
    await log.commit([append(spaceId, 3, [plainEvent('a4')])]);
    await log.close();
    expect(statSync(`${file}-wal`).size).toBe(0);
    await reader.close();
  });

  describe('opening', () => {
    it('creates all tables in one transaction: with half of it there is nothing', async () => {
      await open().close();
      const tables = new Database(file, { readonly: true });
      const names = tables
        .prepare("SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name")
        .pluck();
      expect(names.all()).toEqual([
        'commands',
        'cursors',
        'events',
        'imports',
        'meta',
        'parked_events',
        'purged_spaces',
        'spaces',
        'timers',
      ]);
      tables.close();
      rmSync(file);
      rmSync(witnessFileOf(file));
      const failing = { ...platform, ids: { newId: () => undefined as unknown as string } };
      expect(await openingCode(() => openSqliteLogStore(file, failing))).toBe('storage');
      const empty = new Database(file, { readonly: true });
      expect(empty.prepare('SELECT count(*) FROM sqlite_schema').pluck().get()).toBe(0);
      empty.close();
      await open().close();
    });

    it('refuses a newer format and names both versions', async () => {
      await open().close();
      tamper((database) => database.pragma('user_version = 7'));
      expect(open).toThrow(/version 7 .* up to 4/);
      for (const opening of [open, () => openSqliteLogReader(file, platform)]) {
        expect(await openingCode(opening)).toBe('format_newer');
      }
    });

    it('refuses the database of something else and changes nothing of it', async () => {
      tamper((database) => database.exec('CREATE TABLE theirs (x)'));
      for (const opening of [open, () => openSqliteLogReader(file, platform)]) {
        expect(await openingCode(opening)).toBe('storage_unsuitable');
      }
      tamper((database) => expect(database.pragma('journal_mode', { simple: true })).toBe('delete'));
      tamper((database) => database.pragma('application_id = 5'));
      expect(await openingCode(open)).toBe('storage_unsuitable');
    });

    it('keeps settings that it does not know, and takes unreadable ones for damage', async () => {
      const log = open();
      const { spaceId } = await createSpace(log, 'a');
      await log.close();
      const settings = (text: string): void =>
        tamper((database) => database.prepare('UPDATE spaces SET settings = ?').run(text));
      settings('{"later":{"x":1}}');
      const again = open();
      await again.commit([{ kind: 'updateSpace', spaceId, settings: { limits: { inFlightMax: 1 } } }]);
      expect((await again.findSpaceById(spaceId))?.settings).toEqual({
        later: { x: 1 },
        limits: { inFlightMax: 1 },
      });
      for (const text of ['{"suspended":', '7', '[]', 'null']) {
        settings(text);
        expect(await rejectionCode(again.findSpaceById(spaceId))).toBe('corrupt');
      }
      await again.close();
    });

    it('refuses a file that is no database as corrupt', async () => {
      writeFileSync(file, 'this is a text and not a database, however long it may go on');
      expect(await openingCode(open)).toBe('corrupt');
    });

    it('for reading needs a log that a writer has made', async () => {
      expect(await openingCode(() => openSqliteLogReader(file, platform))).toBe('storage');
      new Database(file).exec('VACUUM').close();
      expect(await openingCode(() => openSqliteLogReader(file, platform))).toBe('storage');
    });
  });

  describe('after a commit that failed', () => {
    it('serves nothing more until it is opened again, and then has none or all of the batch', async () => {
      const log = open();
      const { spaceId } = await createSpace(log, 'a');
      await log.commit([append(spaceId, 0, [plainEvent('a1')])]);
      const broken = { ...plainEvent('broken'), timestamp: 'no number' as unknown as number };
      const batch = [append(spaceId, 1, [plainEvent('a2')], commandNamed('c')), append(spaceId, 2, [broken])];
      expect(await rejectionCode(log.commit(batch))).toBe('storage');
      for (const call of [
        () => log.commit([append(spaceId, 1, [plainEvent('a2')])]),
        () => log.findCommands(spaceId, ['c']),
        () => log.spaceHead(spaceId),
        () => log.latestEventId(),
        () => log.purgeSpace(spaceId, 1),
        () => log.pruneCommands(0, 1),
      ]) {
        expect(await rejectionCode(call())).toBe('storage');
      }
      await log.close();
      const again = open();
      expect(await again.readSpace(spaceId, 0, wide)).toHaveLength(1);
      expect(await again.findCommands(spaceId, ['c'])).toEqual([]);
      expect((await again.commit([append(spaceId, 1, [plainEvent('a2')])])).map(codeOf)).toEqual([
        'appended',
      ]);
      await again.close();
    });

    it('does not acknowledge into a file that was deleted or replaced', async () => {
      for (const lost of [file, `${file}-wal`]) {
        const log = open();
        const { spaceId } = await createSpace(log, lost);
        renameSync(lost, `${lost}.away`);
        const work = log.commit([append(spaceId, 0, [plainEvent('a1')])]);
        await expect(work).rejects.toThrow(/deleted or replaced/);
        expect(await rejectionCode(log.commit([]))).toBe('storage');
        await log.close();
        for (const name of readdirSync(directory.path)) rmSync(join(directory.path, name));
      }
    });
  });

  it('has every index in step with its table after random use', async () => {
    const log = open();
    for (let n = 1; n <= 5; n++) {
      const { spaceId } = await createSpace(log, `s${n}`);
      await log.commit([append(spaceId, 0, [plainEvent('x'), plainEvent('y', 'e2')], commandNamed('c'))]);
      if (n % 2 === 0) await log.commit([{ kind: 'markSpaceDeleted', spaceId }]);
      if (n === 4) await log.purgeSpace(spaceId, 100);
    }
    await log.close();
    tamper((database) => expect(database.pragma('integrity_check', { simple: true })).toBe('ok'));
  });
});

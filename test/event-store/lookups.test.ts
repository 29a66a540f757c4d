import { copyFileSync, existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { LogReader, LogStore } from '../../src/event-store/port.js';
import { SqliteLogInspector } from '../../src/event-store/sqlite/log-inspector.js';
import { lookupSql } from '../../src/event-store/sqlite/lookup-reader.js';
import { openSqliteLogReader } from '../../src/event-store/sqlite/sqlite-log-reader.js';
import {
  openSqliteLogStore,
  type SqliteLogStoreOptions,
} from '../../src/event-store/sqlite/sqlite-log-store.js';
import { SqliteLookupFiller } from '../../src/event-store/sqlite/sqlite-lookup-filler.js';
import { witnessFileOf } from '../../src/event-store/sqlite/witness-file.js';
import { append, createSpace, plainEvent, platformAt, rejectionCode, wide } from './log-fixture.js';
import { putLogBack, temporaryDirectory } from './sqlite-fixture.js';

describe('the lookups of the SQLite log', () => {
  const platform = platformAt(1);
  let directory: Awaited<ReturnType<typeof temporaryDirectory>>;
  let file: string;
  let lookupFile: string;
  let log: LogStore;
  let reader: LogReader;
  let filler: SqliteLookupFiller;
  let space: number;

  beforeEach(async () => {
    directory = await temporaryDirectory();
    file = join(directory.path, 'ramax.db');
    lookupFile = join(directory.path, 'lookups.db');
    open();
    space = (await createSpace(log, 'a')).spaceId;
  });

  afterEach(async () => {
    await close();
    await directory.remove();
  });

  function open(options: SqliteLogStoreOptions = {}): void {
    log = openSqliteLogStore(file, platform, options);
    reader = openSqliteLogReader(file, platform);
    filler = new SqliteLookupFiller(file, { markEventsApart: 10 });
  }

  async function close(): Promise<void> {
    await filler.close();
    await reader.close();
    await log.close();
  }

  /** Appends one event of each of these entities; their labels are their places in the space. */
  async function write(after: number, entityIds: string, spaceId = space): Promise<void> {
    const events = [...entityIds].map((entityId, index) =>
      plainEvent(`${spaceId}.${after + 1 + index}`, entityId),
    );
    const [outcome] = await log.commit([append(spaceId, after, events)]);
    expect(outcome?.kind).toBe('appended');
  }

  /** Appends one event with each of these lists of tags. */
  async function writeTagged(
    after: number,
    tagsOfEach: readonly (readonly string[])[],
    spaceId = space,
  ): Promise<void> {
    const events = tagsOfEach.map((tags, index) => ({
      ...plainEvent(`${spaceId}.${after + 1 + index}`),
      tags: tags.length === 0 ? null : JSON.stringify(tags),
    }));
    const [outcome] = await log.commit([append(spaceId, after, events)]);
    expect(outcome?.kind).toBe('appended');
  }

  async function sequencesOf(entityId: string, spaceId = space): Promise<readonly number[]> {
    return (await reader.readEntity(spaceId, entityId, 0, wide)).map(({ spaceSequence }) => spaceSequence);
  }

  /** What a statement finds in the lookups. */
  function inLookups(sql: string): readonly unknown[] {
    const database = new Database(lookupFile, { readonly: true });
    const rows = database.prepare(sql).raw().all().flat();
    database.close();
    return rows;
  }

  async function fillAll(rowsMax = 100): Promise<void> {
    while (!(await filler.fillLookups(rowsMax)).done);
  }

  async function deleteSpace(spaceId: number): Promise<void> {
    await log.commit([{ kind: 'markSpaceDeleted', spaceId }]);
    expect(await log.purgeSpace(spaceId, 100)).toEqual({ done: true });
  }

  it('are filled in bounded runs, and are done at the end of the log', async () => {
    await write(0, 'xyxyx');
    expect(await filler.fillLookups(2)).toEqual({ done: false });
    expect(inLookups('SELECT event_id FROM entity_events ORDER BY 1')).toEqual([1, 2]);
    expect(await sequencesOf('x')).toEqual([1, 3, 5]);
    expect(await filler.fillLookups(2)).toEqual({ done: false });
    expect(await filler.fillLookups(2)).toEqual({ done: true });
    expect(await filler.fillLookups(2)).toEqual({ done: true });
    expect(inLookups('SELECT entity_id, event_id FROM entity_events')).toEqual([
      'x',
      1,
      'x',
      3,
      'x',
      5,
      'y',
      2,
      'y',
      4,
    ]);
    expect(await sequencesOf('x')).toEqual([1, 3, 5]);
  });

  it('are read through their key, from where the page begins', async () => {
    await filler.fillLookups(1);
    const database = new Database(lookupFile, { readonly: true });
    const planOf = (sql: string) =>
      database
        .prepare(`EXPLAIN QUERY PLAN ${sql}`)
        .all(1, 'x', 0, 9, 10)
        .map((row) => (row as { detail: string }).detail);
    const bounds = 'event_id>? AND event_id<?';
    for (const sql of [lookupSql.entityEvents, lookupSql.entityEventsBack]) {
      expect(planOf(sql)).toEqual([
        `SEARCH entity_events USING PRIMARY KEY (space_id=? AND entity_id=? AND ${bounds})`,
      ]);
    }
    for (const sql of [lookupSql.tagEvents, lookupSql.tagEventsBack]) {
      expect(planOf(sql)).toEqual([
        `SEARCH tag_events USING PRIMARY KEY (space_id=? AND tag=? AND ${bounds})`,
      ]);
    }
    database.close();
  });

  it('have an entry for each tag of an event, one where it has a tag twice, and none for an event without tags', async () => {
    const odd = ['tag "quoted"', 'été \\ \u0001', '["x"]'];
    await writeTagged(0, [['b', 'a'], [], ['b', 'b'], odd]);
    await fillAll(3);
    expect(
      inLookups('SELECT tag, event_id FROM tag_events WHERE event_id < 4 ORDER BY tag, event_id'),
    ).toEqual(['a', 1, 'b', 1, 'b', 3]);
    expect(new Set(inLookups('SELECT tag FROM tag_events WHERE event_id = 4'))).toEqual(new Set(odd));
    await write(4, 'xyz');
    await fillAll();
    expect(inLookups('SELECT count(*) FROM tag_events')).toEqual([6]);
  });

  it.each(['no JSON', '["a"', '"a"', '{"a":"b"}', '[1, null, ["a"]]'])(
    'are filled past tags that are damaged: %s',
    async (text) => {
      await writeTagged(0, [['a'], ['a'], ['a']]);
      const damaged = new Database(file);
      damaged.prepare('UPDATE events SET tags = ? WHERE event_id = 2').run(text);
      damaged.close();
      expect(await filler.fillLookups(10)).toEqual({ done: true });
      expect(inLookups("SELECT event_id FROM tag_events WHERE tag = 'a'")).toEqual(
        expect.arrayContaining([1, 3]),
      );
    },
  );

  it('of version 1, which have no tags, are filled once more from the beginning', async () => {
    await writeTagged(0, [['a'], ['b']]);
    await fillAll();
    await close();
    const old = new Database(lookupFile);
    old.exec('DROP TABLE tag_events; PRAGMA user_version = 1');
    old.close();
    open();
    expect(await sequencesOf('e1')).toEqual([1, 2]);
    await filler.fillLookups(1);
    expect(inLookups('SELECT event_id FROM marks')).toEqual([1]);
    await fillAll();
    expect(inLookups('SELECT tag, event_id FROM tag_events')).toEqual(['a', 1, 'b', 2]);
    expect(inLookups('SELECT event_id FROM entity_events')).toEqual([1, 2]);
    expect(await sequencesOf('e1')).toEqual([1, 2]);
  });

  it('let go of the tags of a purged space in bounded runs, and of no other, and leave none in their files', async () => {
    const doomed = (await createSpace(log, 'b')).spaceId;
    await writeTagged(0, [['kept-tag']]);
    await writeTagged(0, [['secret-tag', 'other'], ['secret-tag'], []], doomed);
    await fillAll();
    await deleteSpace(doomed);
    for (const left of [3, 3, 3, 2, 1]) {
      expect(await filler.fillLookups(1)).toEqual({ done: false });
      expect(inLookups('SELECT count(*) FROM tag_events WHERE space_id = 2')).toEqual([left]);
      expect(inLookups('SELECT space_id FROM swept_spaces')).toEqual([doomed]);
    }
    await fillAll(1);
    expect(inLookups('SELECT space_id, tag FROM tag_events')).toEqual([space, 'kept-tag']);
    await filler.scrub();
    for (const suffix of ['', '-wal']) {
      expect(readFileSync(`${lookupFile}${suffix}`).includes('secret-tag')).toBe(false);
    }
  });

  it('are found to lack an entry of an event, by its entity or by any of its tags', async () => {
    await writeTagged(0, [['a', 'b'], [], ['a', 'b']]);
    await fillAll();
    await writeTagged(3, [['a']]);
    const stored = await log.readSpace(space, 0, wide);
    const inspector = new SqliteLogInspector(file);
    expect(await inspector.notInLookups(space, stored)).toEqual([]);
    const changed = new Database(lookupFile);
    changed.exec(`DELETE FROM tag_events WHERE tag = 'b' AND event_id = 3;
      DELETE FROM entity_events WHERE event_id = 2`);
    changed.close();
    expect(await inspector.notInLookups(space, stored)).toEqual([2, 3]);
    await inspector.close();
  });

  it('take no lock of the log that a commit holds or waits for', async () => {
    await write(0, 'x');
    const other = new Database(file, { timeout: 0 });
    other.exec('BEGIN IMMEDIATE');
    expect(await filler.fillLookups(10)).toEqual({ done: true });
    other.exec('ROLLBACK');
    other.close();
  });

  it('keep a mark for every so many events, and the newest', async () => {
    for (let n = 0; n < 25; n++) {
      await write(n, 'x');
      await filler.fillLookups(100);
    }
    expect(inLookups('SELECT event_id FROM marks')).toEqual([10, 20, 25]);
  });

  it('go on from an older mark when the event of the newest was purged', async () => {
    const doomed = (await createSpace(log, 'b')).spaceId;
    for (let n = 0; n < 11; n++) {
      await write(n, 'x');
      await filler.fillLookups(100);
    }
    await write(0, 'y', doomed);
    await write(11, 'x');
    await filler.fillLookups(2);
    await write(1, 'y', doomed);
    await filler.fillLookups(1);
    await deleteSpace(doomed);
    expect(await sequencesOf('x')).toHaveLength(12);
    expect(await filler.fillLookups(1)).toEqual({ done: false });
    expect(inLookups('SELECT max(event_id) FROM marks')).toEqual([11]);
    await fillAll();
    expect(await sequencesOf('x')).toHaveLength(12);
    expect(inLookups('SELECT count(*) FROM entity_events WHERE space_id = 2')).toEqual([0]);
  });

  it('let go of a purged space in bounded runs, and of no other', async () => {
    const doomed = (await createSpace(log, 'b')).spaceId;
    await write(0, 'xx');
    await write(0, 'xyxyx', doomed);
    await fillAll();
    await log.commit([{ kind: 'markSpaceDeleted', spaceId: doomed }]);
    expect(await filler.fillLookups(2)).toEqual({ done: true });
    expect(inLookups('SELECT count(*) FROM entity_events')).toEqual([7]);
    await log.purgeSpace(doomed, 100);
    expect(await filler.fillLookups(2)).toEqual({ done: false });
    expect(inLookups('SELECT count(*) FROM entity_events')).toEqual([5]);
    await fillAll(2);
    expect(inLookups('SELECT space_id FROM entity_events')).toEqual([space, space]);
    expect(inLookups('SELECT space_id FROM swept_spaces')).toEqual([doomed]);
  });

  it.each([
    ['wholly', 100],
    ['in part', 1],
  ])(
    'are not relied on for a space that they let go of %s and an older copy of the log has',
    async (_how, rowsMax) => {
      const back = (await createSpace(log, 'b')).spaceId;
      await write(0, 'xyx', back);
      await write(0, 'z');
      await fillAll();
      await close();
      copyFileSync(file, `${file}.copy`);
      open();
      await deleteSpace(back);
      await filler.fillLookups(rowsMax);
      await close();
      putLogBack(`${file}.copy`, file);
      open({ acceptMissingWitness: true });
      expect(await sequencesOf('x', back)).toEqual([1, 3]);
      await fillAll();
      expect(inLookups('SELECT space_id FROM swept_spaces')).toEqual([]);
      expect(inLookups('SELECT count(*) FROM entity_events')).toEqual([4]);
      expect(await sequencesOf('x', back)).toEqual([1, 3]);
    },
  );

  it('are not relied on when an older copy of the log has grown past their mark', async () => {
    await write(0, 'x');
    await close();
    copyFileSync(file, `${file}.copy`);
    open();
    await write(1, 'yyy');
    await fillAll();
    await close();
    putLogBack(`${file}.copy`, file);
    open({ acceptMissingWitness: true });
    const events = ['x', 'x', 'x', 'x'].map((entityId, n) => plainEvent(`another past ${n}`, entityId));
    await log.commit([append(space, 1, events)]);
    expect(await sequencesOf('x')).toEqual([1, 2, 3, 4, 5]);
    await fillAll();
    expect(await sequencesOf('x')).toEqual([1, 2, 3, 4, 5]);
    expect(await sequencesOf('y')).toEqual([]);
  });

  it('of another log are thrown away', async () => {
    await write(0, 'xy');
    await fillAll();
    await close();
    rmSync(file);
    rmSync(witnessFileOf(file));
    open();
    space = (await createSpace(log, 'other')).spaceId;
    await write(0, 'yxx');
    expect(await sequencesOf('x')).toEqual([2, 3]);
    await fillAll();
    expect(await sequencesOf('x')).toEqual([2, 3]);
    expect(inLookups('SELECT count(*) FROM entity_events')).toEqual([3]);
  });

  it.each([
    ['damaged', () => writeFileSync(lookupFile, 'no database, however long this text may go on and on')],
    ['of a newer format', () => new Database(lookupFile).exec('PRAGMA user_version = 9').close()],
    ['away', () => rmSync(lookupFile)],
  ])('that are %s are done without, and made again', async (_what, change) => {
    await write(0, 'xyx');
    await fillAll();
    await close();
    change();
    open();
    expect(await sequencesOf('x')).toEqual([1, 3]);
    await fillAll();
    expect(inLookups('SELECT count(*) FROM entity_events')).toEqual([3]);
    expect(await sequencesOf('x')).toEqual([1, 3]);
  });

  it('are made again when they are removed while they are in use', async () => {
    await write(0, 'xyx');
    await fillAll();
    expect(await sequencesOf('x')).toEqual([1, 3]);
    for (const suffix of ['', '-wal', '-shm']) rmSync(`${lookupFile}${suffix}`, { force: true });
    expect(await sequencesOf('x')).toEqual([1, 3]);
    await write(3, 'x');
    await fillAll();
    expect(inLookups('SELECT count(*) FROM entity_events')).toEqual([4]);
    expect(await sequencesOf('x')).toEqual([1, 3, 4]);
  });

  it('are left alone where the file is the database of something else', async () => {
    new Database(lookupFile).exec('CREATE TABLE theirs (x)').close();
    await write(0, 'xyx');
    expect(await rejectionCode(filler.fillLookups(10))).toBe('storage_unsuitable');
    expect(await sequencesOf('x')).toEqual([1, 3]);
    expect(inLookups('SELECT name FROM sqlite_schema')).toEqual(['theirs']);
  });

  it('cannot be filled without a log, or after they were closed', async () => {
    const elsewhere = new SqliteLookupFiller(join(directory.path, 'nothing', 'ramax.db'));
    expect(await rejectionCode(elsewhere.fillLookups(10))).toBe('storage');
    const noLog = new SqliteLookupFiller(join(directory.path, 'no.db'));
    expect(await rejectionCode(noLog.fillLookups(10))).toBe('storage');
    expect(existsSync(join(directory.path, 'no.db'))).toBe(false);
    await filler.close();
    expect(await rejectionCode(filler.fillLookups(10))).toBe('closed');
  });

  describe('of a store that fills them itself', () => {
    const batch = 1_000;
    /** Batches of one run. */
    const batches = 20;

    async function writeBatch(from: number): Promise<void> {
      await write(from, 'x'.repeat(batch));
    }

    beforeEach(async () => {
      await log.close();
      log = openSqliteLogStore(file, platform, { isAlone: true });
    });

    it('are filled by the commit with which a run is full', async () => {
      for (let n = 0; n < batches - 1; n++) await writeBatch(n * batch);
      expect(existsSync(lookupFile)).toBe(false);
      await writeBatch((batches - 1) * batch);
      expect(inLookups('SELECT event_id FROM marks')).toEqual([batches * batch]);
      await write(batches * batch, 'x');
      expect(inLookups('SELECT event_id FROM marks')).toEqual([batches * batch]);
      await deleteSpace2();
      expect(inLookups('SELECT count(*) FROM entity_events')).toEqual([0]);
    });

    /** In chunks that one call takes. */
    async function deleteSpace2(): Promise<void> {
      await log.commit([{ kind: 'markSpaceDeleted', spaceId: space }]);
      expect(await log.purgeSpace(space, 100_000)).toEqual({ done: true });
    }

    it('fail no commit when they cannot be filled', async () => {
      new Database(lookupFile).exec('CREATE TABLE theirs (x)').close();
      for (let n = 0; n < batches; n++) await writeBatch(n * batch);
      expect(await log.latestEventId()).toBe(batches * batch);
    });
  });
});

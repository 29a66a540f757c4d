import { rmSync } from 'node:fs';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { genesisHash } from '../../src/event-store/seal.js';
import { openSqliteLogReader } from '../../src/event-store/sqlite/sqlite-log-reader.js';
import { openSqliteLogStore } from '../../src/event-store/sqlite/sqlite-log-store.js';
import { witnessFileOf } from '../../src/event-store/sqlite/witness-file.js';
import { append, codeOf, hashOf, plainEvent, platformAt, rejectionCode, wide } from './log-fixture.js';
import { temporaryDirectory } from './sqlite-fixture.js';

/** The tables of version 1, as it made them. */
const versionOne = `
  CREATE TABLE meta (key TEXT PRIMARY KEY, value ANY NOT NULL) STRICT, WITHOUT ROWID;
  CREATE TABLE spaces (space_id INTEGER PRIMARY KEY, space_name TEXT NOT NULL, created_at INTEGER NOT NULL,
    metadata TEXT NOT NULL, deleted_at INTEGER) STRICT;
  CREATE UNIQUE INDEX spaces_by_live_name ON spaces (space_name) WHERE deleted_at IS NULL;
  CREATE INDEX spaces_deleted ON spaces (space_id) WHERE deleted_at IS NOT NULL;
  CREATE TABLE space_sequences (space_id INTEGER PRIMARY KEY, last_sequence INTEGER NOT NULL,
    last_event_id INTEGER NOT NULL, last_hash BLOB NOT NULL) STRICT;
  CREATE TABLE events (event_id INTEGER PRIMARY KEY, space_id INTEGER NOT NULL, space_sequence INTEGER NOT NULL,
    entity_id TEXT NOT NULL, event_type TEXT NOT NULL, event_version INTEGER NOT NULL, timestamp INTEGER NOT NULL,
    created_at INTEGER NOT NULL, causation_id TEXT, correlation_id TEXT, tags TEXT, metadata TEXT,
    invocation_id BLOB NOT NULL, hash BLOB NOT NULL, payload BLOB NOT NULL) STRICT;
  CREATE UNIQUE INDEX events_by_space_sequence ON events (space_id, space_sequence);
  CREATE INDEX events_by_entity ON events (space_id, entity_id, event_id);
  CREATE TABLE commands (command_number INTEGER PRIMARY KEY, space_id INTEGER NOT NULL, command_id TEXT NOT NULL,
    command_name TEXT NOT NULL, params_hash TEXT NOT NULL, invocation_id BLOB NOT NULL,
    first_event_id INTEGER NOT NULL, event_count INTEGER NOT NULL, space_sequence INTEGER NOT NULL,
    accepted_at INTEGER NOT NULL) STRICT;
  CREATE UNIQUE INDEX commands_by_id ON commands (space_id, command_id);
  INSERT INTO meta VALUES ('log_id', 'the log'), ('owner_generation', 7), ('event_id_high_water', 9),
    ('space_id_high_water', 4);
  INSERT INTO spaces VALUES (1, 'lives', 1, '{}', NULL), (2, 'is being deleted', 1, '{}', 5), (3, 'is new', 1, '{}', NULL);
  INSERT INTO commands VALUES (1, 1, 'c1', 'do', '${'f'.repeat(32)}', zeroblob(16), 3, 1, 2, 1);
  INSERT INTO space_sequences VALUES (1, 2, 3, zeroblob(16)), (2, 2, 4, zeroblob(16));
`;

const insertEvent = `INSERT INTO events VALUES (?, ?, ?, ?, ?, 1, 1, 1, NULL, NULL, NULL, NULL,
  zeroblob(16), ?, x'01')`;

describe('a log of version 1', () => {
  let directory: Awaited<ReturnType<typeof temporaryDirectory>>;
  let file: string;

  beforeEach(async () => {
    directory = await temporaryDirectory();
    file = join(directory.path, 'ramax.db');
    const database = new Database(file);
    database.pragma('journal_mode = WAL');
    database.exec(versionOne);
    const insert = database.prepare(insertEvent);
    insert.run(1, 1, 1, 'x', 'type.1.1', hashOf('1.1'));
    insert.run(3, 1, 2, 'x', 'type.1.2', hashOf('1.2'));
    // The first event of the space that is being deleted has gone already.
    insert.run(4, 2, 2, 'x', 'type.2.2', hashOf('2.2'));
    database.pragma(`application_id = ${0x524d584c}`);
    database.pragma('user_version = 1');
    database.close();
  });

  afterEach(() => directory.remove());

  it('is brought to version 4 when a writer opens it, and keeps what it holds', async () => {
    expect(await rejectionCode(Promise.resolve().then(() => openSqliteLogReader(file, platformAt(1))))).toBe(
      'storage',
    );
    const log = openSqliteLogStore(file, platformAt(1));
    expect([log.logId, log.ownerGeneration]).toEqual(['the log', 8]);
    expect((await log.listSpaces(0, 10)).map(({ settings }) => settings)).toEqual([{}, {}]);
    expect(await log.spaceHead(1)).toEqual({
      lastSpaceSequence: 2,
      lastEventId: 3,
      lastHash: hashOf('1.2'),
    });
    expect(await log.spaceHead(2)).toBeUndefined();
    expect(await log.spaceHead(3)).toEqual({ lastSpaceSequence: 0, lastEventId: 0, lastHash: genesisHash });
    expect((await log.readEntity(1, 'x', 0, wide)).map(({ eventId }) => eventId)).toEqual([1, 3]);
    expect(await log.findCommands(1, ['c1'])).toMatchObject([{ firstEventId: 3, spaceSequence: 2 }]);
    const outcomes = await log.commit([append(1, 2, [plainEvent('new')])]);
    expect(outcomes).toEqual([{ kind: 'appended', firstEventId: 10, spaceSequence: 3 }]);
    expect(await log.deletedSpaces()).toEqual([2]);
    expect(await log.purgeSpace(2, 10)).toEqual({ done: true });
    await log.close();
  });

  it('shows where its spaces end in a view of the same name and columns', async () => {
    const log = openSqliteLogStore(file, platformAt(1));
    expect((await log.commit([append(1, 2, [plainEvent('new')])])).map(codeOf)).toEqual(['appended']);
    await log.close();
    const database = new Database(file, { readonly: true });
    expect(database.pragma('user_version', { simple: true })).toBe(4);
    expect(database.prepare('SELECT * FROM space_sequences').all()).toEqual([
      { space_id: 1, last_sequence: 3, last_event_id: 10, last_hash: Buffer.from(hashOf('new')) },
    ]);
    const indexes = database
      .prepare("SELECT name FROM sqlite_schema WHERE type = 'index' AND sql IS NOT NULL ORDER BY name")
      .pluck();
    expect(indexes.all()).toEqual([
      'commands_by_id',
      'cursors_by_space',
      'events_by_space_sequence',
      'spaces_by_live_name',
      'spaces_deleted',
      'timers_by_due',
    ]);
    expect(database.pragma('integrity_check', { simple: true })).toBe('ok');
    database.close();
  });

  it('is brought to version 4 from version 2, too', async () => {
    await openSqliteLogStore(file, platformAt(1)).close();
    const database = new Database(file);
    database.exec(
      "DROP TABLE cursors; DROP TABLE timers; DROP TABLE imports; DROP TABLE parked_events; ALTER TABLE spaces DROP COLUMN settings; DELETE FROM meta WHERE key = 'change_number'",
    );
    database.pragma('user_version = 2');
    database.close();
    rmSync(witnessFileOf(file));
    const log = openSqliteLogStore(file, platformAt(1));
    await log.commit([{ kind: 'updateSpace', spaceId: 3, settings: { suspended: { at: 5 } } }]);
    expect((await log.listSpaces(0, 10)).map(({ settings }) => settings)).toEqual([
      {},
      { suspended: { at: 5 } },
    ]);
    await log.close();
  });

  it('is brought to version 4 from version 3, too, and has cursors from then on', async () => {
    await openSqliteLogStore(file, platformAt(1)).close();
    const database = new Database(file);
    database.exec('DROP TABLE cursors; DROP TABLE timers; DROP TABLE imports; DROP TABLE parked_events');
    database.pragma('user_version = 3');
    database.close();
    expect(await rejectionCode(Promise.resolve().then(() => openSqliteLogReader(file, platformAt(1))))).toBe(
      'storage',
    );
    const log = openSqliteLogStore(file, platformAt(1));
    expect((await log.readEntity(1, 'x', 0, wide)).map(({ eventId }) => eventId)).toEqual([1, 3]);
    expect(await log.cursors('subscription', { limit: 10 })).toEqual([]);
    const cursor = { kind: 'subscription', name: 'mailer', spaceId: 1, position: 2 } as const;
    expect((await log.commit([{ kind: 'moveCursor', cursor }])).map(codeOf)).toEqual(['moved']);
    expect(await log.cursor('subscription', 'mailer', 1)).toEqual({ ...cursor, updatedAt: 1 });
    await log.close();
  });

  it('is of version 1 when the migration does not come to its end', () => {
    const database = new Database(file);
    // The last step of the migration finds its column there already.
    database.exec('ALTER TABLE spaces ADD COLUMN settings TEXT');
    database.close();
    expect(() => openSqliteLogStore(file, platformAt(1))).toThrow('settings');
    const after = new Database(file);
    expect(after.pragma('user_version', { simple: true })).toBe(1);
    expect(after.prepare('SELECT count(*) FROM space_sequences').pluck().get()).toBe(2);
    after.close();
  });
});

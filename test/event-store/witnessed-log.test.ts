import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { RamaxError } from '../../src/core/errors.js';
import type { LogStore } from '../../src/event-store/port.js';
import { logFormat } from '../../src/event-store/sqlite/log-format.js';
import { openSqliteLogReader } from '../../src/event-store/sqlite/sqlite-log-reader.js';
import {
  openSqliteLogStore,
  type SqliteLogStore,
  type SqliteLogStoreOptions,
} from '../../src/event-store/sqlite/sqlite-log-store.js';
import { SqliteLookupFiller } from '../../src/event-store/sqlite/sqlite-lookup-filler.js';
import {
  diskWitnessFiles,
  readWitness,
  type WitnessFiles,
  witnessFileOf,
} from '../../src/event-store/sqlite/witness-file.js';
import { examineLog } from '../../src/event-store/sqlite/witnessed-opening.js';
import { append, commandNamed, createSpace, plainEvent, platformAt, wide } from './log-fixture.js';
import { temporaryDirectory } from './sqlite-fixture.js';

const platform = platformAt(1_750_000_000_000);
let directory: Awaited<ReturnType<typeof temporaryDirectory>>;
let file: string;

beforeEach(async () => {
  directory = await temporaryDirectory();
  file = join(directory.path, 'ramax.db');
});

afterEach(() => directory.remove());

const open = (options: SqliteLogStoreOptions = {}, logFile = file): SqliteLogStore =>
  openSqliteLogStore(logFile, platform, options);

/** The error of an opening that is refused; undefined when it is not. */
async function refusal(options: SqliteLogStoreOptions = {}, logFile = file): Promise<RamaxError | undefined> {
  try {
    await open(options, logFile).close();
    return undefined;
  } catch (error) {
    if (error instanceof RamaxError) return error;
    throw error;
  }
}

const codeOfOpening = async (options: SqliteLogStoreOptions = {}): Promise<string> =>
  (await refusal(options))?.code ?? 'opened';

/** The files of the log, without what SQLite makes again. */
const logFiles = (): string[] =>
  [file, `${file}-wal`, witnessFileOf(file)].filter((name) => existsSync(name));

/**
 * Copies the files of an open log, as a kill would leave them. By another process: one that closes a database file lets go
 * of the locks that SQLite holds on it.
 */
function copyTo(name: string): string {
  const target = join(directory.path, name);
  mkdirSync(target);
  execFileSync('cp', ['-p', ...logFiles(), target]);
  return join(target, 'ramax.db');
}

/** Puts the log of a copy, without its witness, in the place of another copy's log. */
function putLogOf(copy: string, place: string): void {
  for (const suffix of ['', '-wal', '-shm']) rmSync(`${place}${suffix}`, { force: true });
  for (const suffix of ['', '-wal'])
    if (existsSync(`${copy}${suffix}`)) writeFileSync(`${place}${suffix}`, readFileSync(`${copy}${suffix}`));
}

async function write(log: LogStore, spaceId: number, after: number, count = 1): Promise<void> {
  const events = Array.from({ length: count }, (_, n) => plainEvent(`${spaceId} ${after + n + 1}`));
  const [outcome] = await log.commit([append(spaceId, after, events)]);
  expect(outcome?.kind).toBe('appended');
}

/** A closed log with two events, and one with four: the same log later. */
async function olderAndNewer(): Promise<{ older: string; newer: string }> {
  const log = open();
  const { spaceId } = await createSpace(log, 'a');
  await write(log, spaceId, 0, 2);
  const older = copyTo('older');
  await write(log, spaceId, 2, 2);
  await log.close();
  return { older, newer: copyTo('newer') };
}

describe('the witness at the opening of a log', () => {
  it('is there from the first opening on, tells of each commit at once, and its log opens after any kill', async () => {
    const log = open();
    const copies = [copyTo('0')];
    const { spaceId } = await createSpace(log, 'a');
    copies.push(copyTo('1'));
    await write(log, spaceId, 0);
    const found = readWitness(witnessFileOf(file));
    expect(found).toMatchObject({
      record: { logId: log.logId, lastEventId: 1, syncedEventId: 1, lastSpaceId: 1, changeNumber: 2 },
    });
    copies.push(copyTo('2'));
    await log.close();
    copies.push(copyTo('3'));
    for (const copy of copies) expect(await refusal({}, copy)).toBeUndefined();
  });

  it('is no further than the log when nothing was written, and such a transaction writes nothing', async () => {
    const log = open();
    const { spaceId } = await createSpace(log, 'a');
    await write(log, spaceId, 0);
    const before = [statSync(`${file}-wal`).size, readWitness(witnessFileOf(file))];
    const outcomes = await log.commit([append(spaceId, 7, [plainEvent('x')])]);
    expect(outcomes[0]?.kind).toBe('refused');
    await log.purgeSpace(99, 10);
    await log.pruneCommands(0, 10);
    expect([statSync(`${file}-wal`).size, readWitness(witnessFileOf(file))]).toEqual(before);
    await log.close();
  });

  it('is told behind the commit, and not of one that failed', async () => {
    const { prototype } = Database;
    const { prepare } = prototype;
    const toldAtCommits: unknown[] = [];
    let isFailing = false;
    /** A COMMIT that looks at the witness first, and may fail. */
    prototype.prepare = function (this: Database.Database, sql: string) {
      const statement = Reflect.apply(prepare, this, [sql]) as Database.Statement;
      if (sql !== 'COMMIT') return statement;
      const run = statement.run.bind(statement);
      statement.run = () => {
        toldAtCommits.push(told(file));
        if (isFailing) throw new Error('the disk is gone');
        return run();
      };
      return statement;
    } as typeof prepare;
    try {
      const log = open();
      const { spaceId } = await createSpace(log, 'a');
      await write(log, spaceId, 0);
      isFailing = true;
      await expect(write(log, spaceId, 1)).rejects.toThrow('the disk is gone');
      expect(toldAtCommits).toEqual(['1.0', '2.0', '2.1']);
      expect(told(file)).toBe('2.1');
      await log.close();
      expect(told(file)).toBe('2.1');
    } finally {
      prototype.prepare = prepare;
    }
    expect(await codeOfOpening()).toBe('opened');
  });

  it('does not tell of what a transaction that failed has moved in memory', async () => {
    const log = open();
    const { spaceId } = await createSpace(log, 'a');
    const broken = { ...plainEvent('broken'), timestamp: 'no number' as unknown as number };
    await log.commit([append(spaceId, 0, [plainEvent('x'), broken])]).catch(() => {});
    await log.close();
    expect(await codeOfOpening()).toBe('opened');
  });

  it('refuses a log that has lost its end, says what both know, and changes nothing', async () => {
    const { older, newer } = await olderAndNewer();
    putLogOf(older, newer);
    const before = readFileSync(`${newer}-wal`);
    const error = await refusal({}, newer);
    expect(error).toMatchObject({
      code: 'corrupt',
      retryable: false,
      message: expect.stringContaining('has lost its end: the witness knows event 4 and change 2'),
      details: {
        witness: { lastEventId: 4, lastHash: expect.stringMatching(/^[0-9a-f]{32}$/) },
        log: { lastEventId: 2, hashOfWitnessedEvent: null },
      },
    });
    expect(readFileSync(`${newer}-wal`)).toEqual(before);
    // What it had must come back for it to be opened, or somebody must say that it may be without.
    expect((await refusal({ acceptMissingWitness: true }, newer))?.code).toBe('corrupt');
    rmSync(witnessFileOf(newer));
    expect((await refusal({}, newer))?.code).toBe('witness_missing');
    expect(await refusal({ acceptMissingWitness: true }, newer)).toBeUndefined();
    expect(await refusal({}, newer)).toBeUndefined();
  });

  it('refuses a log that has lost its end and has grown on past it', async () => {
    const { older, newer } = await olderAndNewer();
    rmSync(witnessFileOf(older));
    const log = open({ acceptMissingWitness: true }, older);
    await log.commit([
      append(
        1,
        2,
        ['another', 'past', 'than', 'before'].map((label) => plainEvent(label)),
      ),
    ]);
    for (const plan of ['a', 'b'])
      await log.commit([{ kind: 'updateSpace', spaceId: 1, metadata: { plan } }]);
    await log.close();
    putLogOf(older, newer);
    expect(await refusal({}, newer)).toMatchObject({
      code: 'corrupt',
      message: expect.stringContaining('is not the log that its witness knows'),
      details: { log: { lastEventId: 6, hashOfWitnessedEvent: expect.any(String) } },
    });
  });

  it('refuses a log whose event that it knows is another one, or gone without its space', async () => {
    const { newer } = await olderAndNewer();
    const knowing = readFileSync(witnessFileOf(newer));
    const change = (sql: string): void => {
      const database = new Database(newer);
      database.exec(sql);
      database.close();
      writeFileSync(witnessFileOf(newer), knowing);
    };
    const log = open({}, newer);
    await write(log, 1, 4);
    await log.close();
    writeFileSync(witnessFileOf(newer), knowing);
    expect(await refusal({}, newer)).toBeUndefined();
    change('UPDATE events SET hash = zeroblob(16) WHERE event_id = 4');
    expect((await refusal({}, newer))?.code).toBe('corrupt');
    change('DELETE FROM events WHERE event_id = 4');
    expect((await refusal({}, newer))?.code).toBe('corrupt');
  });

  it('does not mind that the events it knows are gone with their space', async () => {
    const log = open();
    const kept = await createSpace(log, 'kept');
    const { spaceId } = await createSpace(log, 'doomed');
    await write(log, kept.spaceId, 0, 2);
    await write(log, spaceId, 0, 3);
    const knowing = readFileSync(witnessFileOf(file));
    await log.commit([{ kind: 'markSpaceDeleted', spaceId }]);
    const copies: string[] = [];
    while (!(await log.purgeSpace(spaceId, 2)).done) copies.push(copyTo(`${copies.length}`));
    copies.push(copyTo('purged'));
    await log.close();
    copies.push(copyTo('closed'));
    for (const copy of copies) {
      expect(await refusal({}, copy)).toBeUndefined();
      // And when what it was told since was not written.
      writeFileSync(witnessFileOf(copy), knowing);
      expect(await refusal({}, copy)).toBeUndefined();
    }
  });

  it('refuses another log, an empty one, and none, and makes no log in its place', async () => {
    await open().close();
    const other = join(directory.path, 'other');
    mkdirSync(other);
    const log = open({}, join(other, 'ramax.db'));
    await createSpace(log, 'a');
    await log.close();
    writeFileSync(file, readFileSync(join(other, 'ramax.db')));
    expect(await refusal()).toMatchObject({
      code: 'corrupt',
      message: expect.stringContaining('another log'),
    });
    writeFileSync(file, '');
    expect(await refusal()).toMatchObject({ code: 'corrupt', message: expect.stringContaining('is gone') });
    expect(statSync(file).size).toBe(0);
    for (const name of [file, `${file}-wal`, `${file}-shm`]) rmSync(name);
    expect(await refusal()).toMatchObject({ code: 'corrupt', message: expect.stringContaining('is gone') });
    expect(readdirSync(directory.path).sort()).toEqual(['other', 'ramax.witness']);
  });

  it('that is missing or damaged is an error of its own, unless the log has held nothing, or somebody accepts it', async () => {
    await open().close();
    rmSync(witnessFileOf(file));
    expect(await codeOfOpening()).toBe('opened');
    const again = open();
    await createSpace(again, 'a');
    await again.close();
    const bytes = readFileSync(witnessFileOf(file));
    for (const [what, lose] of [
      ['missing', () => rmSync(witnessFileOf(file))],
      [
        'damaged',
        () =>
          writeFileSync(
            witnessFileOf(file),
            bytes.map((byte) => byte ^ 1),
          ),
      ],
      ['damaged', () => writeFileSync(witnessFileOf(file), '')],
    ] as const) {
      lose();
      for (let tries = 0; tries < 2; tries++) {
        expect(await refusal()).toMatchObject({
          code: 'witness_missing',
          retryable: false,
          details: { file, witness: what },
          message: expect.stringContaining('acceptMissingWitness'),
        });
      }
      expect(await codeOfOpening({ acceptMissingWitness: true })).toBe('opened');
      expect(await codeOfOpening()).toBe('opened');
    }
  });

  it('is nothing that a reader asks for', async () => {
    await open().close();
    rmSync(witnessFileOf(file));
    await openSqliteLogReader(file, platform).close();
    expect(existsSync(witnessFileOf(file))).toBe(false);
  });

  it('that is deleted while the log is open is there again when it is closed', async () => {
    const log = open();
    await createSpace(log, 'a');
    rmSync(witnessFileOf(file));
    await write(log, 1, 0);
    await log.close();
    expect(await codeOfOpening()).toBe('opened');
  });

  it('does not mind a journal that a kill in the first moments of the log has left', async () => {
    const database = new Database(file);
    database.exec('CREATE TABLE t (x); DROP TABLE t; VACUUM');
    database.close();
    writeFileSync(`${file}-journal`, '');
    expect(await codeOfOpening()).toBe('opened');
  });
});

describe('a log of an older format', () => {
  beforeEach(() => {
    const database = new Database(file);
    database.pragma('journal_mode = WAL');
    for (const step of logFormat('the log').migrations.slice(0, 2)) step(database);
    database.exec(`INSERT INTO spaces VALUES (1, 'a', 1, '{}', NULL);
      INSERT INTO events VALUES (1, 1, 1, 'e', 't', 1, 1, 1, NULL, NULL, NULL, NULL, zeroblob(16), zeroblob(16), x'01')`);
    database.pragma(`application_id = ${logFormat('').applicationId}`);
    database.pragma('user_version = 2');
    database.close();
  });

  it('has no witness and is accepted once', async () => {
    expect(await codeOfOpening()).toBe('opened');
    expect(await codeOfOpening()).toBe('opened');
    rmSync(witnessFileOf(file));
    expect(await codeOfOpening()).toBe('witness_missing');
  });

  it('has its witness before it is migrated, so that a kill in between leaves one that opens', async () => {
    const database = new Database(file);
    database.exec("INSERT INTO meta VALUES ('change_number', 0)");
    database.close();
    expect(await codeOfOpening()).toBe('storage');
    expect(readWitness(witnessFileOf(file))).toMatchObject({ record: { changeNumber: 0, lastEventId: 1 } });
    const mended = new Database(file);
    mended.exec("DELETE FROM meta WHERE key = 'change_number'");
    mended.close();
    expect(await codeOfOpening()).toBe('opened');
  });

  it('is refused in place of the log that was migrated: it is a copy from before', async () => {
    const older = copyTo('older');
    const log = open();
    await log.close();
    const newer = copyTo('newer');
    putLogOf(older, newer);
    expect((await refusal({}, newer))?.code).toBe('corrupt');
  });
});

describe('one damaged bit in the write-ahead log', () => {
  it('is noticed, wherever it is: what lies behind it would be dropped in silence', async () => {
    const log = open();
    const { spaceId } = await createSpace(log, 'a');
    for (let n = 0; n < 6; n++) await write(log, spaceId, n);
    const copy = copyTo('killed');
    await log.close();
    const whole = readFileSync(`${copy}-wal`);
    const witness = readFileSync(witnessFileOf(copy));
    const database = readFileSync(copy);
    expect(whole.length).toBeGreaterThan(20_000);
    const step = Math.floor((whole.length * 8) / 90);
    for (let bit = 3; bit < whole.length * 8; bit += step) {
      const damaged = Buffer.from(whole);
      damaged.writeUInt8(damaged.readUInt8(bit >> 3) ^ (1 << (bit & 7)), bit >> 3);
      rmSync(`${copy}-shm`, { force: true });
      writeFileSync(copy, database);
      writeFileSync(`${copy}-wal`, damaged);
      writeFileSync(witnessFileOf(copy), witness);
      expect((await refusal({}, copy))?.code, `bit ${bit}`).toBe('corrupt');
    }
    writeFileSync(`${copy}-wal`, whole);
    expect(await refusal({}, copy)).toBeUndefined();
  });
});

describe('durability', () => {
  const synchronous = (): number[] => {
    const levels: number[] = [];
    const { prototype } = Database;
    const { pragma } = prototype;
    prototype.pragma = function (this: Database.Database, source: string, options?: Database.PragmaOptions) {
      const result: unknown = Reflect.apply(pragma, this, [source, options]);
      if (/synchronous$/.test(source)) levels.push(Number(result));
      return result;
    };
    restore = () => {
      prototype.pragma = pragma;
    };
    return levels;
  };
  let restore = (): void => {};
  afterEach(() => restore());

  it('`synced` is what a log has by itself, and each level is read back after a statement', async () => {
    const levels = synchronous();
    const synced = open();
    expect([synced.health.durability, levels]).toEqual(['synced', [2]]);
    await synced.close();
    levels.length = 0;
    const os = open({ durability: 'os' });
    // The opening is synced at either level.
    expect([os.health.durability, levels]).toEqual(['os', [2, 1]]);
    await os.close();
  });

  it('is read back where the filler of the lookups attaches the log, whose checkpoints it makes, too', async () => {
    const log = open();
    await createSpace(log, 'a');
    const levels = synchronous();
    const filler = new SqliteLookupFiller(file);
    await filler.fillLookups(10);
    expect(levels).toEqual([1, 2]);
    await filler.close();
    await log.close();
  });

  /** A log of this durability that is killed with the machine, which keeps the first two of its six events. */
  async function afterPowerCut(durability: 'synced' | 'os'): Promise<void> {
    const first = open();
    const { spaceId } = await createSpace(first, 'a');
    await first.close();
    const log = open({ durability });
    await write(log, spaceId, 0, 2);
    const onDisk = copyTo(`on disk ${durability}`);
    await write(log, spaceId, 2, 4);
    await log.commit([{ kind: 'updateSpace', spaceId, metadata: { plan: 'pro' } }]);
    const killed = copyTo(`killed ${durability}`);
    await log.close();
    putLogOf(onDisk, killed);
    file = killed;
  }

  it('`os` loses commits with the machine: the log is taken as it is, and says what it has lost', async () => {
    await afterPowerCut('os');
    const log = open();
    expect(log.health).toEqual({
      durability: 'synced',
      lost: { events: 4, changes: 1, lastEventId: 2 },
      witnessFailure: undefined,
    });
    expect(await log.readSpace(1, 0, wide)).toHaveLength(2);
    // No event id and no change number of what was lost is given again.
    const [outcome] = await log.commit([append(1, 2, [plainEvent('next')])]);
    expect(outcome).toMatchObject({ kind: 'appended', firstEventId: 7 });
    await log.close();
    const again = open();
    expect(again.health.lost).toBeUndefined();
    await again.close();
  });

  it('`synced` loses nothing with the machine: the same log is refused', async () => {
    await afterPowerCut('synced');
    expect(await codeOfOpening({ durability: 'os' })).toBe('corrupt');
  });

  it('`os` loses nothing that was there when the log was opened, or closed', async () => {
    const log = open();
    const { spaceId } = await createSpace(log, 'a');
    await write(log, spaceId, 0);
    const before = copyTo('before');
    await log.commit([{ kind: 'updateSpace', spaceId, metadata: {} }]);
    await log.close();
    const os = open({ durability: 'os' });
    await write(os, spaceId, 1);
    const killed = copyTo('killed');
    putLogOf(before, killed);
    expect((await refusal({}, killed))?.code).toBe('corrupt');
    const opened = copyTo('opened');
    await os.close();
    const closed = copyTo('closed');
    putLogOf(opened, closed);
    rmSync(`${closed}-wal`, { force: true });
    expect((await refusal({}, closed))?.code).toBe('corrupt');
  });
});

describe('a witness that cannot be written', () => {
  it('fails no commit, shows in the health of the log, and leaves a log that opens', async () => {
    let isFailing = false;
    const failing: WitnessFiles = {
      ...diskWitnessFiles,
      make(path, record) {
        const made = diskWitnessFiles.make(path, record);
        return {
          write(next) {
            if (isFailing) throw Object.assign(new Error('EIO: i/o error, write'), { code: 'EIO' });
            made.write(next);
          },
          sync: () => made.sync(),
          syncNow: () => made.syncNow(),
          isInPlace: () => made.isInPlace(),
          close: () => made.close(),
        };
      },
    };
    const log = open({ witnessFiles: failing });
    const { spaceId } = await createSpace(log, 'a');
    isFailing = true;
    await write(log, spaceId, 0);
    await write(log, spaceId, 1);
    expect(log.health.witnessFailure).toMatchObject({
      code: 'storage',
      message: expect.stringContaining('EIO'),
    });
    const killed = copyTo('killed');
    await log.close();
    expect(await refusal({}, killed)).toBeUndefined();
    expect(await codeOfOpening()).toBe('opened');
  });
});

type Step =
  | { readonly kind: 'append'; readonly space: number; readonly events: number; readonly command: boolean }
  | { readonly kind: 'update' | 'delete' | 'purge'; readonly space: number }
  | { readonly kind: 'create' | 'prune' | 'reopen' };

type SpaceStep = Extract<Step, { readonly space: number }>;

const space = fc.nat(3);
const steps = fc.array(
  fc.oneof<fc.WeightedArbitrary<Step>[]>(
    { weight: 2, arbitrary: fc.constant({ kind: 'create' }) },
    {
      weight: 6,
      arbitrary: fc.record({
        kind: fc.constant('append'),
        space,
        events: fc.nat(3),
        command: fc.boolean(),
      }),
    },
    {
      weight: 6,
      arbitrary: fc.record({ kind: fc.constantFrom('update', 'delete', 'purge', 'purge'), space }),
    },
    { weight: 3, arbitrary: fc.record({ kind: fc.constantFrom('prune', 'reopen') }) },
  ),
  { minLength: 6, maxLength: 10 },
);

/** A log that lives through random steps, and is copied between them as a kill would leave it. */
class History {
  readonly #home: string;
  readonly #durability: 'synced' | 'os';
  /** The copies of the log's files, in order. Two are the same state when nothing was written in between. */
  readonly copies: string[] = [];
  #log: SqliteLogStore;
  #live: number[] = [];
  #doomed: number[] = [];
  readonly #sequences = new Map<number, number>();
  #names = 0;

  constructor(home: string, durability: 'synced' | 'os') {
    this.#home = home;
    this.#durability = durability;
    file = join(home, 'ramax.db');
    this.#log = open({ durability });
  }

  async take(step: Step): Promise<void> {
    await this.#take(step);
    this.copies.push(copyTo(join(this.#home.split('/').at(-1) ?? '', `${this.copies.length}`)));
  }

  close(): Promise<void> {
    return this.#log.close();
  }

  async #take(step: Step): Promise<void> {
    if ('space' in step) {
      if (step.kind === 'purge') return this.#purge(step.space);
      const spaceId = this.#live[step.space];
      return spaceId === undefined ? undefined : this.#change(step, spaceId);
    }
    if (step.kind === 'create') {
      this.#live.push((await createSpace(this.#log, `s${this.#names++}`)).spaceId);
    } else if (step.kind === 'prune') {
      await this.#log.pruneCommands(platform.clock.now() + 1, 2);
    } else {
      await this.#log.close();
      this.#log = open({ durability: this.#durability });
    }
  }

  async #change(step: SpaceStep, spaceId: number): Promise<void> {
    if (step.kind === 'append') {
      const after = this.#sequences.get(spaceId) ?? 0;
      const events = Array.from({ length: step.events }, () => plainEvent(`e${this.#names++}`));
      const command = step.command || events.length === 0 ? commandNamed(`c${this.#names++}`) : null;
      const [outcome] = await this.#log.commit([append(spaceId, after, events, command)]);
      expect(outcome?.kind).toBe('appended');
      this.#sequences.set(spaceId, after + events.length);
    } else if (step.kind === 'update') {
      await this.#log.commit([{ kind: 'updateSpace', spaceId, metadata: { n: this.#names++ } }]);
    } else if (step.kind === 'delete') {
      await this.#log.commit([{ kind: 'markSpaceDeleted', spaceId }]);
      this.#live = this.#live.filter((live) => live !== spaceId);
      this.#doomed.push(spaceId);
    }
  }

  async #purge(index: number): Promise<void> {
    const spaceId = this.#doomed[index % Math.max(1, this.#doomed.length)];
    if (spaceId === undefined) return;
    const { done } = await this.#log.purgeSpace(spaceId, 2);
    if (done) this.#doomed = this.#doomed.filter((doomed) => doomed !== spaceId);
  }
}

/** What the check says of the log of one copy with the witness of another. */
function verdict(log: string, witnessOf: string): string {
  const bytes = readFileSync(witnessFileOf(witnessOf));
  const own = readFileSync(witnessFileOf(log));
  try {
    writeFileSync(witnessFileOf(log), bytes);
    const { lost } = examineLog(log, {
      format: logFormat(''),
      platform,
      acceptMissingWitness: false,
      witnessFiles: diskWitnessFiles,
    });
    return lost === undefined ? 'whole' : 'lost';
  } catch (error) {
    return error instanceof RamaxError ? error.code : String(error);
  } finally {
    writeFileSync(witnessFileOf(log), own);
  }
}

/** All that a log holds, but for the number that counts its changes. */
function contentOf(logFile: string): string {
  const database = new Database(logFile, { readonly: true });
  try {
    return JSON.stringify([
      database.prepare("SELECT * FROM meta WHERE key <> 'change_number'").all(),
      database.prepare('SELECT event_id, hex(hash) FROM events').all(),
      ...['spaces', 'commands', 'purged_spaces'].map((table) =>
        database.prepare(`SELECT * FROM ${table}`).all(),
      ),
    ]);
  } finally {
    database.close();
  }
}

/** The numbers that the witness of a copy tells. */
function told(copy: string): string {
  const found = readWitness(witnessFileOf(copy));
  return found.kind === 'found' ? `${found.record.changeNumber}.${found.record.lastEventId}` : found.kind;
}

describe('whatever was written, deleted and opened again', () => {
  it.each(['synced', 'os'] as const)(
    'durability %s: a log as far as its witness or further is whole, and any that has lost its end is noticed',
    async (durability) => {
      let [runs, shortened] = [0, 0];
      await fc.assert(
        fc.asyncProperty(steps, async (history) => {
          const home = join(directory.path, `${durability} ${runs++}`);
          mkdirSync(home);
          const world = new History(home, durability);
          for (const step of history) await world.take(step);
          await world.close();
          const contents = world.copies.map(contentOf);
          for (const [index, witness] of world.copies.entries()) {
            for (const [at, log] of world.copies.entries()) {
              const isShort = at < index && new Set(contents.slice(at, index + 1)).size > 1;
              if (isShort) shortened++;
              const expected = isShort
                ? durability === 'os'
                  ? ['lost', 'corrupt']
                  : ['corrupt']
                : ['whole'];
              expect(expected, `log ${at} with witness ${index}`).toContain(verdict(log, witness));
            }
          }
          for (const copy of world.copies.slice(-2)) {
            expect(await refusal({ durability }, copy)).toBeUndefined();
          }
          rmSync(home, { recursive: true });
        }),
        { numRuns: 6 },
      );
      expect(shortened).toBeGreaterThan(30);
    },
    120_000,
  );
});

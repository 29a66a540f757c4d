import { readdirSync, writeFileSync } from 'node:fs';
import Database from 'better-sqlite3';
import fc from 'fast-check';
import type { Ramax, VerifyProblem, VerifyReport } from 'ramax';
import { memory } from 'ramax/storage/memory';
import { sqlite } from 'ramax/storage/sqlite';
import { afterEach, describe, expect, it } from 'vitest';
import type { ItemsApp } from '../fixtures/items.app.mjs';
import { codeOf, errorOf, fixture, logFile, partitionFiles, RuntimeBed, range } from './runtime-bed.js';

const bed = new RuntimeBed();
afterEach(() => bed.clear());

const spaceNames = ['a', 'b', 'c'];
const eventsOfSpace = 24;

/** A directory with three spaces whose projections and lookups are stored; nothing has it open. */
async function filled(): Promise<string> {
  const directory = await bed.directory();
  const ramax = await bed.start({ storage: sqlite({ directory }) });
  for (const name of spaceNames) {
    const space = await ramax.spaces.getOrCreate(name);
    await Promise.all(
      range(eventsOfSpace).map((n) =>
        space.execute('set', { id: `k${n % 10}`, value: n }, { commandId: `c${n}` }),
      ),
    );
  }
  // The lookups are filled when nothing was committed for a second.
  await expect.poll(async () => (await ramax.health()).lookups.unfilledEvents, { timeout: 10_000 }).toBe(0);
  await ramax.close();
  return directory;
}

async function verified(directory: string): Promise<VerifyReport> {
  const ramax = await bed.start({ storage: sqlite({ directory }) });
  const report = await ramax.verify();
  await ramax.close();
  return report;
}

function change(file: string, sql: string): void {
  const database = new Database(file);
  const { changes } = database.prepare(sql).run();
  expect(changes).toBeGreaterThan(0);
  database.close();
}

/** The partition of a space. */
function partitionOf(directory: string, spaceId: number): string {
  const file = partitionFiles(directory).find((name) => name.endsWith(`-0${spaceId}.db`));
  if (file === undefined) throw new Error(`space ${spaceId} has no partition`);
  return file;
}

type Place = Partial<VerifyProblem>;

/** Damage to the event at `at` of space 1, and what verification has to say of it. */
const eventDamages: readonly (readonly [sql: (at: number) => string, found: (at: number) => Place])[] = [
  [
    (at) => `UPDATE events SET payload = CAST(payload || x'01' AS BLOB) WHERE ${place(at)}`,
    (at) => ({ kind: 'event_changed', spaceSequence: at }),
  ],
  [
    (at) => `UPDATE events SET event_type = event_type || 'x' WHERE ${place(at)}`,
    (at) => ({ kind: 'event_changed', spaceSequence: at }),
  ],
  [
    (at) => `UPDATE events SET timestamp = timestamp + 1 WHERE ${place(at)}`,
    (at) => ({ kind: 'event_changed', spaceSequence: at }),
  ],
  [
    (at) => `UPDATE events SET hash = zeroblob(16) WHERE ${place(at)}`,
    (at) => ({ kind: at === eventsOfSpace ? 'event_changed' : 'hash_changed', spaceSequence: at }),
  ],
  [
    (at) => `UPDATE events SET event_id = event_id + 500 WHERE ${place(at)}`,
    (at) =>
      at === eventsOfSpace
        ? { kind: 'command_wrong', commandId: `c${at}` }
        : { kind: 'event_order', spaceSequence: at + 1 },
  ],
  [
    (at) =>
      `UPDATE commands SET first_event_id = first_event_id + 1 WHERE space_id = 1 AND command_id = 'c${at}'`,
    (at) => ({ kind: 'command_wrong', commandId: `c${at}` }),
  ],
  [
    (at) => `UPDATE commands SET event_count = event_count + 1 WHERE space_id = 1 AND command_id = 'c${at}'`,
    (at) => ({ kind: 'command_wrong', commandId: `c${at}` }),
  ],
  [
    (at) => `UPDATE commands SET invocation_id = zeroblob(16) WHERE space_id = 1 AND command_id = 'c${at}'`,
    (at) => ({ kind: 'command_wrong', commandId: `c${at}` }),
  ],
];

function place(at: number): string {
  return `space_id = 1 AND space_sequence = ${at}`;
}

describe('verification', () => {
  it('finds nothing wrong where nothing is, and says how much it has looked at', async () => {
    const directory = await filled();
    const ramax = await bed.start({ storage: sqlite({ directory }) });
    const told: number[] = [];
    const report = await ramax.verify({ pages: true, onProgress: ({ spacesDone }) => told.push(spacesDone) });
    expect(report).toEqual({
      isSound: true,
      spaces: 3,
      events: 3 * eventsOfSpace,
      commands: 3 * eventsOfSpace,
      entries: report.entries,
      problems: [],
      problemsNotShown: 0,
      notCompared: [],
    });
    expect(report.entries).toBeGreaterThanOrEqual(3 * 10);
    expect(told.at(-1)).toBe(3);
    const space = await ramax.spaces.getOrCreate('b');
    expect(await space.verify()).toMatchObject({ isSound: true, spaces: 1, events: eventsOfSpace });
    expect(await ramax.verify({ spaces: [1, 3], views: false })).toMatchObject({ spaces: 2, entries: 0 });
  });

  it('names every damage of an event or a record with its place', async () => {
    const directory = await filled();
    const ramax = await bed.start({ storage: sqlite({ directory }) });
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom(...eventDamages),
        fc.integer({ min: 2, max: eventsOfSpace }),
        async ([sql, found], at) => {
          const database = new Database(logFile(directory));
          database.exec('BEGIN');
          const before = database.prepare(`SELECT * FROM events WHERE ${place(at)}`).get() as Record<
            string,
            unknown
          >;
          const command = database
            .prepare(`SELECT * FROM commands WHERE space_id = 1 AND command_id = 'c${at}'`)
            .get() as Record<string, unknown>;
          database.exec('COMMIT');
          database.close();
          change(logFile(directory), sql(at));
          const { problems, isSound } = await ramax.verify();
          expect(isSound).toBe(false);
          expect(problems[0]).toMatchObject({ spaceId: 1, spaceName: 'a' });
          expect(problems).toContainEqual(expect.objectContaining({ spaceId: 1, ...found(at) }));
          expect(problems.every(({ spaceId }) => spaceId === 1)).toBe(true);
          put(directory, 'events', before);
          put(directory, 'commands', command);
        },
      ),
      { numRuns: 16, examples: eventDamages.map((damage) => [damage, 7]) },
    );
    expect((await ramax.verify()).isSound).toBe(true);
  });

  it('names events that are gone or have changed places, and records that are gone', async () => {
    const directory = await filled();
    change(logFile(directory), `DELETE FROM events WHERE ${place(9)}`);
    change(logFile(directory), "DELETE FROM commands WHERE space_id = 2 AND command_id = 'c5'");
    const database = new Database(logFile(directory));
    database.exec(`UPDATE events SET space_sequence = 1000 WHERE space_id = 3 AND space_sequence = 4;
      UPDATE events SET space_sequence = 4 WHERE space_id = 3 AND space_sequence = 5;
      UPDATE events SET space_sequence = 5 WHERE space_id = 3 AND space_sequence = 1000`);
    database.close();
    const { problems } = await verified(directory);
    expect(problems).toContainEqual(
      expect.objectContaining({ kind: 'event_missing', spaceId: 1, spaceSequence: 9 }),
    );
    expect(problems).toContainEqual(expect.objectContaining({ kind: 'command_missing' }));
    expect(problems).toContainEqual(
      expect.objectContaining({ kind: 'event_changed', spaceId: 3, spaceSequence: 4 }),
    );
    expect(problems).toContainEqual(
      expect.objectContaining({ kind: 'event_order', spaceId: 3, spaceSequence: 5 }),
    );
  });

  it('names events of no space, names that are none, and entries that the lookups have lost', async () => {
    const directory = await filled();
    change(logFile(directory), `UPDATE events SET space_id = 77 WHERE ${place(24)}`);
    change(logFile(directory), "UPDATE spaces SET metadata = '[' WHERE space_id = 2");
    const lookups = logFile(directory).replace('ramax.db', 'lookups.db');
    change(
      lookups,
      'DELETE FROM entity_events WHERE space_id = 3 AND event_id = (SELECT min(event_id) FROM entity_events WHERE space_id = 3)',
    );
    const database = new Database(logFile(directory), { readonly: true });
    const lost = database.prepare('SELECT min(event_id) FROM events WHERE space_id = 3').pluck().get();
    database.close();
    // A space whose row cannot be read keeps others from nothing.
    const ramax = await bed.start({ storage: sqlite({ directory }) });
    const { problems } = await ramax.verify({ spaces: [3] });
    expect(problems).toEqual([
      expect.objectContaining({ kind: 'lookup_missing', spaceId: 3, eventId: lost }),
    ]);
    await ramax.close();
    change(logFile(directory), "UPDATE spaces SET metadata = '{}' WHERE space_id = 2");
    const all = (await verified(directory)).problems;
    expect(all).toContainEqual(
      expect.objectContaining({ kind: 'event_astray', spaceId: 77, spaceSequence: 24 }),
    );
  });

  it('names every entry of a view that is not what its events make of it, and a checkpoint that is not theirs', async () => {
    const directory = await filled();
    const ramax = await bed.start({ storage: sqlite({ directory }) });
    const file = partitionOf(directory, 1);
    const key = String(
      new Database(file, { readonly: true })
        .prepare("SELECT key FROM pstate_entities WHERE space_id = 1 AND view = 'main' LIMIT 1")
        .pluck()
        .get(),
    );
    const at = `space_id = 1 AND view = 'main' AND key = '${key}'`;
    const found = async (): Promise<readonly unknown[]> =>
      (await ramax.verify({ spaces: [1] })).problems.map((problem) => [
        problem.kind,
        problem.view,
        problem.key,
      ]);
    change(file, `UPDATE pstate_entities SET value = x'05' WHERE ${at}`);
    expect(await found()).toEqual([['entry_damaged', 'main', key]]);
    change(file, `DELETE FROM pstate_entities WHERE ${at}`);
    expect(await found()).toEqual([['entry_missing', 'main', key]]);
    change(
      file,
      `INSERT INTO pstate_entities SELECT space_id, view, view_version, build, 'zz', value, checksum, 1 FROM pstate_entities WHERE space_id = 1 AND view = 'main' LIMIT 1`,
    );
    expect(await found()).toContainEqual(['entry_damaged', 'main', 'zz']);
    change(
      file,
      "UPDATE projection_checkpoints SET last_event_id = last_event_id + 1 WHERE space_id = 1 AND view = 'main'",
    );
    expect(await found()).toContainEqual(['checkpoint_wrong', 'main', undefined]);
    change(
      file,
      "UPDATE projection_checkpoints SET last_space_sequence = 3, last_event_id = 3 WHERE space_id = 1 AND view = 'main'",
    );
    expect(await found()).toContainEqual(['entry_extra', 'main', 'item:k4']);
    change(
      file,
      "UPDATE projection_checkpoints SET last_space_sequence = 1000 WHERE space_id = 1 AND view = 'main'",
    );
    expect(await found()).toContainEqual(['checkpoint_wrong', 'main', undefined]);
  });

  it('gives no false alarm while commands run, views are rebuilt and spaces come and go', async () => {
    const directory = await bed.directory();
    const ramax = await bed.start({
      storage: sqlite({ directory }),
      limits: { flushDelayMs: 5, dirtyKeysMax: 8, readEventsMax: 50 },
    });
    let isOver = false;
    const load = async (name: string): Promise<void> => {
      const space = await ramax.spaces.getOrCreate(name);
      for (let n = 0; !isOver; n += 20) {
        await Promise.all(
          range(20, n).map((m) =>
            space.execute('set', { id: `k${m % 700}`, value: m }, { commandId: `c${m}` }),
          ),
        );
        if (n % 400 === 0) await space.rebuild();
      }
    };
    const comingAndGoing = async (): Promise<void> => {
      for (let n = 0; !isOver; n++) {
        const space = await ramax.spaces.getOrCreate(`gone ${n}`);
        await Promise.all(
          range(30).map((m) => space.execute('set', { id: `k${m}`, value: m }, { commandId: `c${m}` })),
        );
        await ramax.spaces.delete(`gone ${n}`);
      }
    };
    const loads = [load('x'), load('y'), comingAndGoing()];
    const reports: VerifyReport[] = [];
    for (const _round of range(6)) reports.push(await ramax.verify());
    isOver = true;
    await Promise.all(loads);
    reports.push(await ramax.verify());
    for (const report of reports) expect(report.problems).toEqual([]);
    expect(reports.at(-1)?.entries).toBeGreaterThan(100);
  });

  it('ends when it is told to, and with the runtime', async () => {
    const directory = await filled();
    const ramax: Ramax<ItemsApp> = await bed.start({ storage: sqlite({ directory }) });
    const abort = new AbortController();
    const aborted = ramax.verify({ signal: abort.signal });
    abort.abort();
    expect(await codeOf(aborted)).toBe('aborted');
    expect(await codeOf(ramax.verify({ spaces: [99] }))).toBe('not_found');
    expect(await codeOf(ramax.verify({ spaces: ['a'] as unknown as number[] }))).toBe('invalid_input');
    const closed = codeOf(ramax.verify());
    await ramax.close();
    expect(['closed', 'ok']).toContain(await closed);
    expect(await codeOf(ramax.verify())).toBe('closed');
  });

  it('is not needed for nothing wrong to be served: a space with a damaged log fails, and others go on', async () => {
    const directory = await filled();
    change(
      logFile(directory),
      `UPDATE events SET payload = CAST(payload || x'01' AS BLOB) WHERE ${place(9)}`,
    );
    change(
      logFile(directory),
      'UPDATE events SET hash = zeroblob(16) WHERE space_id = 2 AND space_sequence = 24',
    );
    const ramax = await bed.start({ storage: sqlite({ directory }) });
    const [a, b, c] = await Promise.all(spaceNames.map((name) => ramax.spaces.getOrCreate(name)));
    const read: number[] = [];
    const streamed = async (): Promise<void> => {
      for await (const { spaceSequence } of a?.streamEvents() ?? []) read.push(spaceSequence);
    };
    const error = await errorOf(streamed());
    expect([error.code, error.details]).toEqual(['corrupt', { spaceId: 1, spaceSequence: 9, eventId: 9 }]);
    expect(await codeOf(a?.rebuild() ?? Promise.resolve())).toBe('corrupt');
    const refused = await errorOf(b?.execute('set', { id: 'k1', value: 0 }) ?? Promise.resolve());
    expect([refused.code, refused.details['spaceSequence']]).toEqual(['corrupt', 24]);
    expect((await c?.execute('set', { id: 'k1', value: 0 }))?.spaceSequence).toBe(25);
    expect((await c?.rebuild())?.eventsApplied).toBe(25);
    expect((await ramax.health()).status).toBe('ok');
    expect((await ramax.stats()).restarts).toEqual({ writer: 0, shards: [0, 0] });
  });

  it('is not needed for a damaged file of projections either: it is made again, and health tells of it', async () => {
    const directory = await filled();
    const file = partitionOf(directory, 1);
    writeFileSync(file, 'no database at all. '.repeat(500));
    const ramax = await bed.start({ storage: sqlite({ directory }) });
    const a = await ramax.spaces.getOrCreate('a');
    expect(await a.fetch('item:k4')).toMatchObject({ value: 24 });
    expect((await ramax.health()).repairs.files).toBe(1);
    expect(readdirSync(directory).some((name) => name.startsWith('pstate-01.db.damaged-'))).toBe(true);
    await a.checkpoint();
    expect((await ramax.verify()).isSound).toBe(true);
  });

  it('goes over a log in memory, too', async () => {
    const ramax = await bed.start({ storage: memory(), app: fixture('items.app.mjs') });
    const space = await ramax.spaces.getOrCreate('a');
    for (const n of range(5)) await space.execute('set', { id: `k${n}`, value: n }, { commandId: `c${n}` });
    expect(await ramax.verify()).toMatchObject({
      isSound: true,
      spaces: 1,
      events: 5,
      commands: 5,
      entries: 0,
    });
  });
});

function put(directory: string, table: 'events' | 'commands', row: Record<string, unknown>): void {
  const database = new Database(logFile(directory));
  const key =
    table === 'events'
      ? 'space_id = @space_id AND space_sequence = @space_sequence'
      : 'command_number = @command_number';
  database.prepare(`DELETE FROM ${table} WHERE ${key}`).run(row);
  const columns = Object.keys(row);
  database
    .prepare(`INSERT INTO ${table} (${columns.join()}) VALUES (${columns.map((name) => `@${name}`).join()})`)
    .run(row);
  database.close();
}

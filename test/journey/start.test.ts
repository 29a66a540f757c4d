import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdir, readdir, writeFile } from 'node:fs/promises';
import { availableParallelism, hostname } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import Database from 'better-sqlite3';
import { Ramax, type RamaxOptions, type StorageRef } from 'ramax';
import { memory } from 'ramax/storage/memory';
import { sqlite } from 'ramax/storage/sqlite';
import { afterEach, describe, expect, it } from 'vitest';
import { codeOf, errorOf, fixture, logFile, RuntimeBed, range } from './runtime-bed.js';

const bed = new RuntimeBed();
afterEach(() => bed.clear());

const isRoot = process.getuid?.() === 0;
const app = fixture('items.app.mjs');

describe('the options of Ramax.start', () => {
  const sound = { app, storage: memory() };
  const bad: readonly (readonly [field: string, options: unknown])[] = [
    ['options', undefined],
    ['options', null],
    ['options', 'crm'],
    ['app', { storage: memory() }],
    ['app', { ...sound, app: './crm.app.js' }],
    ['app', { ...sound, app: 7 }],
    ['app', { ...sound, app: { href: 'file:///x.js' } }],
    ['storage', { app }],
    ['storage', { ...sound, storage: null }],
    ['storage', { ...sound, storage: './data' }],
    ['storage', { ...sound, storage: {} }],
    ['storage', { ...sound, storage: { module: 7, options: {} } }],
    ['storage', { ...sound, storage: { module: memory().module } }],
    ['storage', { ...sound, storage: { module: fixture('items.app.mjs').href, options: {} } }],
    ['storage', { ...sound, storage: { module: 'file:///no/such/adapter.js', options: {} } }],
    ['shards', { ...sound, shards: 0 }],
    ['shards', { ...sound, shards: 17 }],
    ['shards', { ...sound, shards: -1 }],
    ['shards', { ...sound, shards: 1.5 }],
    ['shards', { ...sound, shards: '2' }],
    ['shards', { ...sound, shards: null }],
    ['ownershipWaitMs', { ...sound, ownershipWaitMs: -1 }],
    ['ownershipWaitMs', { ...sound, ownershipWaitMs: '5' }],
    ['overload', { ...sound, overload: 'queue' }],
    ['limits', { ...sound, limits: null }],
    ['limits', { ...sound, limits: 7 }],
    ['limits.spaceInFlight', { ...sound, limits: { spaceInFlight: 7 } }],
    ['limits.spaceInFlightMax', { ...sound, limits: { spaceInFlightMax: 0 } }],
    ['limits.flushDelayMs', { ...sound, limits: { flushDelayMs: '5' } }],
    ['options.shard', { ...sound, shard: 2 }],
  ];

  it.each(bad.map(([field, options]) => [field, JSON.stringify(options) ?? 'undefined', options]))(
    'are refused by the name of what is wrong: %s in %s',
    async (field, _shown, options) => {
      const error = await errorOf(Ramax.start(options as RamaxOptions));
      expect(error).toMatchObject({ code: 'invalid_input', details: { field } });
    },
  );

  it.each([
    ['options', undefined],
    ['options', null],
    ['directory', {}],
    ['directory', { directory: '' }],
    ['directory', { directory: 7 }],
    ['directory', { directory: 'a\u0000b' }],
    ['allowNetworkFileSystem', { directory: 'x', allowNetworkFileSystem: 'yes' }],
    ['durability', { directory: 'x', durability: 'none' }],
    ['acceptMissingWitness', { directory: 'x', acceptMissingWitness: 'yes' }],
    ['options.folder', { folder: 'x', directory: 'x' }],
  ])('sqlite() refuses bad options by name: %s', async (field, options) => {
    expect(await errorOf((async () => sqlite(options as { directory: string }))())).toMatchObject({
      code: 'invalid_input',
      details: { field },
    });
  });

  it('shards is one for each core but one when it is not there', async () => {
    const ramax = await Ramax.start({ app, storage: memory() });
    const expected = Math.min(16, Math.max(1, availableParallelism() - 1));
    expect((await ramax.stats()).shards).toHaveLength(expected);
    await ramax.close();
  });

  it('an app may be named by a URL as text', async () => {
    const ramax = await bed.start({ app: app.href, storage: memory() });
    expect(await ramax.spaces.list()).toEqual([]);
  });
});

describe('an app module that cannot be used ends the start with invalid_app', () => {
  async function startError(module: string | URL) {
    const directory = await bed.directory();
    const options = { app: module, storage: sqlite({ directory }), shards: 2 };
    const error = await errorOf(Ramax.start(options));
    // Nothing is left of the attempt: the directory can be used.
    const ramax = await bed.start({ storage: options.storage });
    await ramax.close();
    return error;
  }

  it('that is missing', async () => {
    const error = await startError(new URL('file:///no/such/crm.app.js'));
    expect(error).toMatchObject({
      code: 'invalid_app',
      details: { field: 'app', module: 'file:///no/such/crm.app.js' },
    });
    expect(error.message).toMatch(/does not load.*crm\.app\.js/);
  });

  it('that is no JavaScript', async () => {
    const file = join(await bed.directory(), 'broken.app.mjs');
    await writeFile(file, 'export default {');
    expect(await startError(new URL(`file://${file}`))).toMatchObject({ code: 'invalid_app' });
  });

  it('that throws', async () => {
    const error = await startError(fixture('misshapen.app.mjs?shape=throws'));
    expect(error).toMatchObject({ code: 'invalid_app' });
    expect(error.message).toContain('the module fell over');
  });

  it('that has no default export', async () => {
    const error = await startError(fixture('no-default.app.mjs'));
    expect(error).toMatchObject({ code: 'invalid_app', details: { field: 'the default export' } });
  });

  it.each([
    ['null', 'the default export'],
    ['no name', 'name'],
    ['no commands', 'commands'],
    ['command that is no function', 'commands.wrong'],
    ['no projections', 'projections'],
    ['version 0', 'version'],
    ['view named main', 'views.main'],
    ['query that is no function', 'queries.all'],
  ])('that has the wrong shape: %s', async (shape, field) => {
    const module = fixture(`misshapen.app.mjs?shape=${encodeURIComponent(shape)}`);
    const options = { app: module, storage: memory(), shards: 1 };
    expect(await errorOf(Ramax.start(options))).toMatchObject({
      code: 'invalid_app',
      retryable: false,
      details: { field },
    });
  });
});

it('an app module that never loads ends the start after startTimeoutMs, and the directory is free', async () => {
  const storage = sqlite({ directory: await bed.directory() });
  const hanging = { app: fixture('hanging.app.mjs'), storage, shards: 2, limits: { startTimeoutMs: 700 } };
  expect(await errorOf(Ramax.start(hanging))).toMatchObject({
    code: 'unavailable',
    message: expect.stringContaining('did not start within 700 ms'),
  });
  expect(await (await bed.start({ storage })).spaces.list()).toEqual([]);
});

describe('a data directory', () => {
  it('is created, with its parents, when it is missing', async () => {
    const directory = join(await bed.directory(), 'deep', 'data');
    const ramax = await bed.start({ storage: sqlite({ directory }) });
    await (await ramax.spaces.getOrCreate('acme')).execute('line', 1);
    expect(await readdir(directory)).toEqual(
      expect.arrayContaining(['ramax.db', 'ramax.witness', 'owner.lock', 'owner.json']),
    );
  });

  it('that is a file, or below one, is storage_unsuitable', async () => {
    const file = join(await bed.directory(), 'file');
    await writeFile(file, '');
    for (const directory of [file, join(file, 'below')]) {
      const error = await errorOf(bed.start({ storage: sqlite({ directory }) }));
      expect(error).toMatchObject({ code: 'storage_unsuitable', retryable: false, details: { directory } });
    }
  });

  it.runIf(process.platform === 'linux')('that nobody may create is storage_unsuitable', async () => {
    const directory = '/sys/kernel/ramax';
    expect(await errorOf(bed.start({ storage: sqlite({ directory }) }))).toMatchObject({
      code: 'storage_unsuitable',
      details: { directory },
    });
  });

  it.skipIf(isRoot)(
    `that cannot be written to is storage_unsuitable (SKIPPED AS ROOT, who may write all)`,
    async () => {
      const directory = join(await bed.directory(), 'locked');
      await mkdir(directory);
      await chmod(directory, 0o500);
      expect(await codeOf(bed.start({ storage: sqlite({ directory }) }))).toBe('storage_unsuitable');
    },
  );

  it('whose log is no database is corrupt, and is left as it is', async () => {
    const directory = await bed.directory();
    await writeFile(logFile(directory), 'not a database, but long enough to be read as one'.repeat(40));
    const error = await errorOf(bed.start({ storage: sqlite({ directory }) }));
    expect(error).toMatchObject({ code: 'corrupt', retryable: false });
    expect(await codeOf(bed.start({ storage: sqlite({ directory }) }))).toBe('corrupt');
  });

  it('that a newer version of the format has written is refused as format_newer', async () => {
    const directory = await bed.directory();
    await (await bed.start({ storage: sqlite({ directory }) })).close();
    const database = new Database(logFile(directory));
    database.pragma('user_version = 1000');
    database.close();
    expect(await errorOf(bed.start({ storage: sqlite({ directory }) }))).toMatchObject({
      code: 'format_newer',
      retryable: false,
    });
  });
});

describe('one owner', () => {
  it('a second runtime on a directory is already_owned, with the pid of the first', async () => {
    const storage = sqlite({ directory: await bed.directory() });
    const first = await bed.start({ storage });
    const space = await first.spaces.getOrCreate('acme');
    const error = await errorOf(bed.start({ storage }));
    expect(error).toMatchObject({ code: 'already_owned', retryable: true, details: { pid: process.pid } });
    await space.execute('line', 1);
    expect(await space.query('lines')).toEqual([1]);
  });

  it('a runtime with ownershipWaitMs waits until the first has closed, and finds all that it acknowledged', async () => {
    const storage = sqlite({ directory: await bed.directory() });
    const first = await bed.start({ storage });
    const acme = await first.spaces.getOrCreate('acme');
    const second = bed.start({ storage, ownershipWaitMs: 30_000 });
    const lines = Promise.all(range(100).map((n) => acme.execute('line', n)));
    await first.close();
    await lines;
    const space = await (await second).spaces.getOrCreate('acme');
    expect(await space.query('lines')).toEqual(range(100));
  });

  it('a directory is owned beyond its process, and free when that is killed', async () => {
    const directory = await bed.directory();
    const program = fileURLToPath(fixture('owning-program.mjs'));
    const before = Date.now();
    const owner = spawn(process.execPath, [program, directory], { stdio: ['pipe', 'pipe', 'inherit'] });
    await once(owner.stdout, 'data');
    const error = await errorOf(bed.start({ storage: sqlite({ directory }) }));
    expect(error).toMatchObject({ code: 'already_owned', details: { pid: owner.pid, host: hostname() } });
    const startedAt = Number(error.details['startedAt']);
    expect(startedAt).toBeGreaterThanOrEqual(before);
    expect(startedAt).toBeLessThanOrEqual(Date.now());
    expect(error.message).toContain(`process ${owner.pid}`);
    expect(error.message).toContain(new Date(startedAt).toISOString());
    const gone = once(owner, 'exit');
    owner.kill('SIGKILL');
    await gone;
    const ramax = await bed.start({ storage: sqlite({ directory }) });
    expect(await ramax.spaces.list()).toEqual([]);
  });

  it('two runtimes on two directories know nothing of each other', async () => {
    const [one, other] = [await bed.start(), await bed.start()];
    await (await one.spaces.getOrCreate('acme')).execute('line', 1);
    expect(await other.spaces.list()).toEqual([]);
    expect(await (await other.spaces.getOrCreate('acme')).query('lines')).toEqual([]);
  });
});

it('a storage reference is plain data, so that it can cross threads', () => {
  for (const ref of [memory(), sqlite({ directory: './data' })] satisfies StorageRef[]) {
    expect(structuredClone(ref)).toEqual(ref);
    expect(JSON.parse(JSON.stringify(ref))).toEqual(ref);
  }
});

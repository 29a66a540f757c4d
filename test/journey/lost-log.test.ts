import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Ramax, SpaceHandle } from 'ramax';
import { memory } from 'ramax/storage/memory';
import { sqlite } from 'ramax/storage/sqlite';
import { afterEach, describe, expect, it } from 'vitest';
import type { ItemsApp } from '../fixtures/items.app.mjs';
import { until } from './gate.js';
import { codeOf, errorOf, logFile, RuntimeBed, range } from './runtime-bed.js';

const bed = new RuntimeBed();
afterEach(() => bed.clear());

const witnessFile = (directory: string): string => join(directory, 'ramax.witness');

function removeLog(directory: string): void {
  for (const suffix of ['', '-wal', '-shm']) rmSync(`${logFile(directory)}${suffix}`, { force: true });
}

/** Starts a runtime on the directory and writes lines into its one space. */
async function startAndWrite(directory: string, lines: readonly number[]): Promise<Ramax<ItemsApp>> {
  const ramax = await bed.start({ storage: sqlite({ directory }) });
  const space = await ramax.spaces.getOrCreate('acme');
  for (const n of lines) await space.execute('line', n);
  return ramax;
}

/** A closed directory with a copy of its log from before its last lines. */
async function withOlderCopy(): Promise<{ directory: string; older: string }> {
  const directory = await bed.directory();
  const older = join(directory, 'older.db');
  await (await startAndWrite(directory, range(3))).close();
  execFileSync('cp', ['-p', logFile(directory), older]);
  await (await startAndWrite(directory, range(3, 4))).close();
  return { directory, older };
}

/** The runtime notices with the next command, gives up with this code after one restart of its writer, and says so to everybody. */
async function expectEnd(
  ramax: Ramax<ItemsApp>,
  space: SpaceHandle<ItemsApp>,
  message: string,
): Promise<void> {
  expect(await codeOf(space.execute('line', 100))).toBe('outcome_unknown');
  await until(() => ramax.failure !== undefined, 'the runtime has failed');
  expect(ramax.failure).toMatchObject({ code: 'corrupt', message: expect.stringContaining(message) });
  expect(await codeOf(space.execute('line', 101))).toBe('corrupt');
  expect(await ramax.health()).toMatchObject({
    status: 'failed',
    failure: { code: 'corrupt' },
    writer: { restarts: 1 },
  });
}

describe('a log that is lost while it is in use ends the runtime, and nothing is acknowledged into nowhere', () => {
  it('when it is taken away', async () => {
    const directory = await bed.directory();
    const ramax = await startAndWrite(directory, [1]);
    const space = await ramax.spaces.getOrCreate('acme');
    removeLog(directory);
    await expectEnd(ramax, space, 'is gone');
    expect(existsSync(logFile(directory))).toBe(false);
    await ramax.close();
    expect(await codeOf(bed.start({ storage: sqlite({ directory }) }))).toBe('corrupt');
  });

  it('when an older copy takes its place', async () => {
    const { directory, older } = await withOlderCopy();
    const ramax = await startAndWrite(directory, [7]);
    const space = await ramax.spaces.getOrCreate('acme');
    removeLog(directory);
    renameSync(older, logFile(directory));
    await expectEnd(ramax, space, 'has lost its end');
  });

  it('when another log takes its place', async () => {
    const [directory, other] = [await bed.directory(), await bed.directory()];
    await (await startAndWrite(other, range(9))).close();
    const ramax = await startAndWrite(directory, [1]);
    const space = await ramax.spaces.getOrCreate('acme');
    removeLog(directory);
    renameSync(logFile(other), logFile(directory));
    await expectEnd(ramax, space, 'is another log');
  });
});

describe('a log that has lost its end while nothing ran', () => {
  it('is refused as corrupt, as often as it is tried, and its writer makes no loop of it', async () => {
    const { directory, older } = await withOlderCopy();
    removeLog(directory);
    renameSync(older, logFile(directory));
    const before = readFileSync(logFile(directory));
    for (let tries = 0; tries < 2; tries++) {
      expect(await errorOf(bed.start({ storage: sqlite({ directory }) }))).toMatchObject({
        code: 'corrupt',
        retryable: false,
        details: { witness: { lastEventId: 6 }, log: { lastEventId: 3 } },
      });
    }
    expect(readFileSync(logFile(directory))).toEqual(before);
  });

  it('is taken when somebody removes the witness and says so; its projections follow', async () => {
    const { directory, older } = await withOlderCopy();
    removeLog(directory);
    renameSync(older, logFile(directory));
    rmSync(witnessFile(directory));
    // What was made from the longer log has fences ahead of the older one.
    for (const name of range(16, 0)) {
      for (const suffix of ['', '-wal', '-shm'])
        rmSync(join(directory, `pstate-${String(name).padStart(2, '0')}.db${suffix}`), { force: true });
    }
    expect(await codeOf(bed.start({ storage: sqlite({ directory }) }))).toBe('witness_missing');
    const ramax = await bed.start({ storage: sqlite({ directory, acceptMissingWitness: true }) });
    expect(await (await ramax.spaces.getOrCreate('acme')).query('lines')).toEqual(range(3));
    await ramax.close();
    const again = await bed.start({ storage: sqlite({ directory }) });
    expect((await again.health()).log).toMatchObject({ durability: 'synced', lost: undefined });
  });

  it('because of one bit in its write-ahead log is refused after a kill', async () => {
    const directory = await bed.directory();
    const killed = await bed.directory();
    const ramax = await startAndWrite(directory, range(20));
    const files = ['', '-wal'].map((suffix) => `${logFile(directory)}${suffix}`);
    execFileSync('cp', ['-p', ...files, witnessFile(directory), killed]);
    await ramax.close();
    const wal = readFileSync(`${logFile(killed)}-wal`);
    const middle = Math.floor(wal.length / 2);
    const damaged = Buffer.from(wal);
    damaged.writeUInt8(wal.readUInt8(middle) ^ 16, middle);
    writeFileSync(`${logFile(killed)}-wal`, damaged);
    expect(await codeOf(bed.start({ storage: sqlite({ directory: killed }) }))).toBe('corrupt');
    // Nothing was moved or cut: with the bit as it was, all is there.
    writeFileSync(`${logFile(killed)}-wal`, wal);
    const again = await bed.start({ storage: sqlite({ directory: killed }) });
    expect(await (await again.spaces.getOrCreate('acme')).query('lines')).toEqual(range(20));
  });
});

describe('the witness of a running log', () => {
  it('is made again when it is deleted', async () => {
    const directory = await bed.directory();
    const ramax = await startAndWrite(directory, [1]);
    rmSync(witnessFile(directory));
    const space = await ramax.spaces.getOrCreate('acme');
    await space.execute('line', 2);
    await until(() => existsSync(witnessFile(directory)), 'the witness is there again');
    expect(await space.query('lines')).toEqual([1, 2]);
    await ramax.close();
    expect(await codeOf(bed.start({ storage: sqlite({ directory }) }))).toBe('ok');
  });
});

describe('the durability of a runtime', () => {
  it('is seen in its health and its figures', async () => {
    const directory = await bed.directory();
    for (const [storage, durability] of [
      [sqlite({ directory, durability: 'os' }), 'os'],
      [sqlite({ directory }), 'synced'],
      [memory(), 'memory'],
    ] as const) {
      const ramax = await bed.start({ storage });
      const { log } = await ramax.health();
      expect(log).toEqual({ durability, lost: undefined, witnessFailure: undefined });
      expect((await ramax.stats()).writer.log.durability).toBe(durability);
      await ramax.close();
    }
  });

  it('`os` survives the process: what was acknowledged is there after a kill', async () => {
    const [directory, killed] = [await bed.directory(), await bed.directory()];
    const ramax = await bed.start({ storage: sqlite({ directory, durability: 'os' }) });
    const space = await ramax.spaces.getOrCreate('acme');
    await Promise.all(range(50).map((n) => space.execute('line', n)));
    const files = ['', '-wal'].map((suffix) => `${logFile(directory)}${suffix}`);
    execFileSync('cp', ['-p', ...files, witnessFile(directory), killed]);
    await ramax.close();
    const again = await bed.start({ storage: sqlite({ directory: killed, durability: 'os' }) });
    expect(await (await again.spaces.getOrCreate('acme')).query('lines')).toEqual(range(50));
    expect((await again.health()).log.lost).toBeUndefined();
  });

  it('`os` loses commands with the machine, and says so as long as the runtime lives', async () => {
    const [directory, cut] = [await bed.directory(), await bed.directory()];
    const ramax = await bed.start({ storage: sqlite({ directory, durability: 'os' }) });
    const space = await ramax.spaces.getOrCreate('acme');
    await space.execute('line', 1);
    const files = ['', '-wal'].map((suffix) => `${logFile(directory)}${suffix}`);
    execFileSync('cp', ['-p', ...files, cut]);
    for (const n of range(4, 2)) await space.execute('line', n);
    execFileSync('cp', ['-p', witnessFile(directory), cut]);
    await ramax.close();
    const again = await bed.start({ storage: sqlite({ directory: cut, durability: 'os' }) });
    const acme = await again.spaces.getOrCreate('acme');
    expect(await acme.query('lines')).toEqual([1]);
    expect(await again.health()).toMatchObject({
      status: 'ok',
      log: { durability: 'os', lost: { events: 4, changes: 0, lastEventId: 1 } },
    });
    expect(await acme.execute('line', 'next')).toEqual({ eventIds: [6], spaceSequence: 2 });
  });
});

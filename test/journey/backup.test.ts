/** Backups of a runtime under load, what is restored of them, and what a kill in the middle of a copy leaves: nothing. */

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createWriteStream, existsSync, readdirSync } from 'node:fs';
import { appendFile, mkdir, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { fileURLToPath } from 'node:url';
import Database from 'better-sqlite3';
import type { Ramax } from 'ramax';
import { memory } from 'ramax/storage/memory';
import { restoreBackup, sqlite, verifyBackup } from 'ramax/storage/sqlite';
import { afterEach, describe, expect, it } from 'vitest';
import type { ItemsApp } from '../fixtures/items.app.mjs';
import { noRows, rowsOf } from './data-files.js';
import { codeOf, errorOf, fixture, RuntimeBed, range } from './runtime-bed.js';

const bed = new RuntimeBed();
afterEach(() => bed.clear());

/** Enough for a copy of several steps. */
const text = 'x'.repeat(2_000);

async function fill(ramax: Ramax<ItemsApp>, spaceName: string, events: number): Promise<void> {
  const space = await ramax.spaces.getOrCreate(spaceName);
  for (let from = 0; from < events; from += 500) {
    await Promise.all(
      range(Math.min(500, events - from), from).map((n) =>
        space.execute('remark', `${n} ${text}`, { commandId: `remark ${n}` }),
      ),
    );
  }
}

const logOf = (directory: string): string => join(directory, 'ramax.db');

function metaOf(directory: string): Record<string, unknown> {
  const database = new Database(logOf(directory), { readonly: true });
  const rows = database.prepare('SELECT key, value FROM meta').raw().all() as [string, unknown][];
  database.close();
  return Object.fromEntries(rows);
}

describe('a backup', () => {
  it('of a runtime under load has every command that was acknowledged before it was asked for', async () => {
    const [directory, target] = [await bed.directory(), join(await bed.directory(), 'a', 'backup')];
    const ramax = await bed.start({ storage: sqlite({ directory }) });
    await fill(ramax, 'acme', 3_000);
    const acme = await ramax.spaces.getOrCreate('acme');
    const other = await ramax.spaces.getOrCreate('other');
    let isDone = false;
    let written = 0;
    const load = Promise.all(
      range(16).map(async (lane) => {
        for (let n = 0; !isDone; n++) {
          await other.execute('add', { id: `${lane}.${n}` }, { commandId: `${lane}.${n}` });
          written += 1;
        }
      }),
    );
    while (written < 100) await acme.fetch('lines');
    const acknowledged = written;
    const steps: number[] = [];
    const manifest = await ramax.backup({
      directory: target,
      onProgress: ({ pagesCopied, pagesTotal }) => {
        expect(pagesCopied).toBeLessThanOrEqual(pagesTotal);
        steps.push(pagesCopied);
      },
    });
    isDone = true;
    await load;
    expect(steps.length).toBeGreaterThan(3);
    expect(steps).toEqual([...steps].sort((left, right) => left - right));
    expect(written).toBeGreaterThan(acknowledged);
    expect(readdirSync(target).sort()).toEqual(['backup.json', 'log.db']);
    expect(JSON.parse(await readFile(join(target, 'backup.json'), 'utf8'))).toEqual(manifest);
    expect(manifest).toMatchObject({ format: 'ramax-backup', version: 1, spaces: 2 });
    expect(await verifyBackup({ from: target })).toEqual(manifest);

    const restored = join(await bed.directory(), 'restored');
    await restoreBackup({ from: target, to: restored });
    expect(readdirSync(restored)).toEqual(['ramax.db', 'ramax.witness']);
    const again = await bed.start({ storage: sqlite({ directory: restored }) });
    expect(await again.latestEventId()).toBe(manifest.lastEventId);
    const items = (await (await again.spaces.getOrCreate('other')).query('items')) as unknown[];
    expect(items.length).toBeGreaterThanOrEqual(acknowledged);
    expect(items.length).toBe(manifest.lastEventId - 3_000);
    const acmeAgain = await again.spaces.getOrCreate('acme');
    expect(await acmeAgain.latestSequence()).toBe(3_000);
    // Once, after the move, too.
    await acmeAgain.execute('remark', `1 ${text}`, { commandId: 'remark 1' });
    expect(await acmeAgain.latestSequence()).toBe(3_000);
  });

  it('is another log once it is restored, so that no projection of the first one counts', async () => {
    const [directory, target] = [await bed.directory(), join(await bed.directory(), 'backup')];
    const ramax = await bed.start({ storage: sqlite({ directory }) });
    const acme = await ramax.spaces.getOrCreate('acme');
    await acme.execute('line', 1);
    const manifest = await ramax.backup({ directory: target });
    await acme.execute('line', 2);
    await acme.checkpoint();
    await ramax.close();
    // The log goes back, and the projections, which are ahead of it, stay where they are.
    const restored = await bed.directory();
    await restoreBackup({ from: target, to: restored });
    expect(metaOf(restored)['log_id']).not.toBe(manifest.logId);
    expect(JSON.parse(String(metaOf(restored)['restored_from']))).toEqual({
      logId: manifest.logId,
      lastEventId: 1,
      madeAt: manifest.madeAt,
    });
    for (const name of readdirSync(directory)) {
      if (name.startsWith('pstate-') || name.startsWith('lookups')) {
        await writeFile(join(restored, name), await readFile(join(directory, name)));
      }
    }
    const again = await bed.start({ storage: sqlite({ directory: restored }) });
    const there = await again.spaces.getOrCreate('acme');
    expect(await there.query('lines')).toEqual([1]);
    await there.execute('line', 3);
    expect(await there.query('lines')).toEqual([1, 3]);
  });

  it('is refused where something is, and leaves that alone; one at a time', async () => {
    const [directory, target] = [await bed.directory(), await bed.directory()];
    const ramax = await bed.start({ storage: sqlite({ directory }) });
    await fill(ramax, 'acme', 1_000);
    expect(await codeOf(ramax.backup({ directory }))).toBe('invalid_input');
    expect(await codeOf(ramax.backup({ directory: '' }))).toBe('invalid_input');
    expect(await codeOf(ramax.backup({ directory: join(logOf(directory), 'inside') }))).toBe('storage');
    const targets = [target, await bed.directory()];
    const codes = await Promise.all(targets.map((path) => codeOf(ramax.backup({ directory: path }))));
    expect([...codes].sort()).toEqual(['ok', 'overloaded']);
    for (const [index, path] of targets.entries()) {
      expect(readdirSync(path).length).toBe(codes[index] === 'ok' ? 2 : 0);
    }
    const made = targets[codes.indexOf('ok')] ?? '';
    expect(await codeOf(restoreBackup({ from: made, to: directory }))).toBe('invalid_input');
    expect(await codeOf(restoreBackup({ from: directory, to: `${target}-restored` }))).toBe('not_found');
    await ramax.spaces.getOrCreate('still there');
  });

  it('that is aborted leaves nothing, and commits go on', async () => {
    const parent = await bed.directory();
    const ramax = await bed.start();
    await fill(ramax, 'acme', 2_000);
    const aborting = new AbortController();
    const aborted = ramax.backup({
      directory: join(parent, 'a', 'b'),
      signal: aborting.signal,
      onProgress: () => aborting.abort(),
    });
    expect(await codeOf(aborted)).toBe('aborted');
    expect(readdirSync(parent)).toEqual([]);
    const closing = ramax.backup({ directory: join(parent, 'c'), onProgress: () => void ramax.close() });
    expect(await codeOf(closing)).toBe('closed');
    await ramax.close();
    expect(readdirSync(parent)).toEqual([]);
  });

  it('is not to be had of storage in memory', async () => {
    const ramax = await bed.start({ storage: memory() });
    expect(await errorOf(ramax.backup({ directory: await bed.directory() }))).toMatchObject({
      code: 'unsupported',
      retryable: false,
    });
  });

  describe('is verified before it is used', () => {
    async function made(): Promise<string> {
      const target = join(await bed.directory(), 'backup');
      const ramax = await bed.start();
      await fill(ramax, 'acme', 50);
      await ramax.backup({ directory: target });
      await ramax.close();
      return target;
    }

    const spoil: Readonly<Record<string, (target: string) => Promise<void>>> = {
      'a byte of the log was changed': async (target) => {
        const file = join(target, 'log.db');
        const bytes = await readFile(file);
        bytes[bytes.length >> 1] = (bytes[bytes.length >> 1] ?? 0) ^ 1;
        await writeFile(file, bytes);
      },
      'the log is shorter': (target) => truncate(join(target, 'log.db'), 4_096),
      'the log is longer': (target) => appendFile(join(target, 'log.db'), 'more'),
      'the log is missing': (target) => rm(join(target, 'log.db')),
      'the manifest is cut off': (target) => truncate(join(target, 'backup.json'), 40),
      'the manifest tells of another event': async (target) => {
        const file = join(target, 'backup.json');
        await writeFile(
          file,
          (await readFile(file, 'utf8')).replace('"lastEventId": 50', '"lastEventId": 51'),
        );
      },
    };

    it.each(Object.keys(spoil))('corrupt when %s', async (what) => {
      const target = await made();
      await spoil[what]?.(target);
      const to = join(await bed.directory(), 'restored');
      expect(await codeOf(verifyBackup({ from: target }))).toBe('corrupt');
      expect(await codeOf(restoreBackup({ from: target, to }))).toBe('corrupt');
      expect(existsSync(to)).toBe(false);
      expect(readdirSync(join(to, '..'))).toEqual([]);
    });

    it('not found without a manifest, which is written last; newer than this Ramax, refused', async () => {
      const target = await made();
      const manifest = join(target, 'backup.json');
      const whole = await readFile(manifest, 'utf8');
      await rm(manifest);
      expect(await codeOf(verifyBackup({ from: target }))).toBe('not_found');
      await writeFile(manifest, whole.replace('"version": 1', '"version": 2'));
      expect(await codeOf(verifyBackup({ from: target }))).toBe('format_newer');
    });

    it('an event that does not fit its chain is found although the checksums were made to fit', async () => {
      const target = await made();
      const file = join(target, 'log.db');
      const database = new Database(file);
      database.exec("UPDATE events SET event_type = 'forged' WHERE space_sequence = 7");
      database.close();
      const { createHash } = await import('node:crypto');
      const sha256 = createHash('sha256')
        .update(await readFile(file))
        .digest('hex');
      const manifest = join(target, 'backup.json');
      await writeFile(
        manifest,
        (await readFile(manifest, 'utf8')).replace(/"sha256": "\w+"/, `"sha256": "${sha256}"`),
      );
      expect(await errorOf(verifyBackup({ from: target }))).toMatchObject({
        code: 'corrupt',
        details: { spaceId: 1, spaceSequence: 7 },
      });
    });
  });
});

describe('kill -9 in the middle', () => {
  async function killed(directory: string, what: string, file = ''): Promise<string> {
    const program = fileURLToPath(fixture('copying-program.mjs'));
    const child = spawn(process.execPath, [program, directory, what, file], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const exited = once(child, 'exit');
    const [said] = (await once(child.stdout, 'data')) as [Buffer];
    child.kill('SIGKILL');
    await exited;
    return said.toString();
  }

  it.each(['import', 'clone', 'restore'])('of an %s leaves nothing of it', async (what) => {
    const directory = await bed.directory();
    const file = join(await bed.directory(), 'acme.ramax');
    const first = await bed.start({ storage: sqlite({ directory }) });
    await fill(first, 'acme', 3_000);
    await pipeline((await first.spaces.getOrCreate('acme')).export(), createWriteStream(file));
    await first.close();
    expect(await killed(directory, what, file)).toBe('under way\n');
    const left = rowsOf(directory, 2);
    expect(left.spaces).toBe(1);
    expect(left.events).toBeGreaterThan(0);
    expect(left.events).toBeLessThan(2_900);

    const again = await bed.start({ storage: sqlite({ directory }) });
    expect((await again.spaces.list()).map(({ spaceName }) => spaceName)).toEqual(['acme']);
    const acme = await again.spaces.getOrCreate('acme');
    expect([acme.spaceId, await acme.latestSequence()]).toEqual([1, 3_000]);
    const ids: number[] = [];
    for await (const { spaceId } of again.streamAllEvents({ from: 2_990 })) ids.push(spaceId);
    expect(ids).toEqual(range(10).map(() => 1));
    await again.close();
    expect(rowsOf(directory, 2)).toEqual(noRows);
  });

  it('of a backup leaves one that nobody takes for a backup, and the log as it was', async () => {
    const [directory, target] = [await bed.directory(), join(await bed.directory(), 'backup')];
    const first = await bed.start({ storage: sqlite({ directory }) });
    await fill(first, 'acme', 6_000);
    await first.close();
    expect(await killed(directory, 'backup', target)).toBe('under way\n');
    expect(readdirSync(target)).not.toContain('backup.json');
    expect(await codeOf(restoreBackup({ from: target, to: `${target}-restored` }))).toBe('not_found');
    expect(existsSync(`${target}-restored`)).toBe(false);
    const again = await bed.start({ storage: sqlite({ directory }) });
    expect(await again.latestEventId()).toBe(6_000);
    await mkdir(`${target}-next`);
    await again.backup({ directory: `${target}-next` });
    await verifyBackup({ from: `${target}-next` });
  });
});

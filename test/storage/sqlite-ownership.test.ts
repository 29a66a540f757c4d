import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { isRamaxError } from '../../src/core/errors.js';
import { nodePlatform } from '../../src/platform/node-platform.js';
import type { Ownership, OwnershipOptions } from '../../src/storage/adapter.js';
import { sqlite } from '../../src/storage/sqlite.js';
import { adapter } from '../../src/storage/sqlite-adapter.js';
import { rejectionCode } from '../event-store/log-fixture.js';
import { temporaryDirectory } from '../event-store/sqlite-fixture.js';

const ownerScript = fileURLToPath(new URL('./owner-process.mjs', import.meta.url));

describe('the ownership of a data directory', () => {
  let directory: Awaited<ReturnType<typeof temporaryDirectory>>;
  let path: string;

  beforeEach(async () => {
    directory = await temporaryDirectory();
    path = join(directory.path, 'deep', 'data');
  });

  afterEach(() => directory.remove());

  function acquire(options: Partial<OwnershipOptions> = {}): Promise<Ownership> {
    return adapter.acquireOwnership(sqlite({ directory: path }), nodePlatform, {
      ownershipWaitMs: 0,
      ...options,
    });
  }

  function readOwnerFile(): unknown {
    return JSON.parse(readFileSync(join(path, 'owner.json'), 'utf8'));
  }

  it('creates the directory, names the owner in a file, and takes the name away at release', async () => {
    const ownership = await acquire();
    expect(readOwnerFile()).toMatchObject({ pid: process.pid, startedAt: expect.any(Number) });
    await ownership.release();
    expect(existsSync(join(path, 'owner.json'))).toBe(false);
    await ownership.release();
    await (await acquire()).release();
  });

  it('is refused twice in one process', async () => {
    const ownership = await acquire();
    await expect(acquire()).rejects.toMatchObject({ code: 'already_owned', details: { pid: process.pid } });
    // A refused attempt closes its own connection to the lock file, which must not free the lock of the first.
    expect(await rejectionCode(acquire())).toBe('already_owned');
    await ownership.release();
    await (await acquire()).release();
  });

  it('stays with its owner in the eyes of other processes when this one tries again', async () => {
    const ownership = await acquire();
    expect(await rejectionCode(acquire())).toBe('already_owned');
    // On POSIX a process loses its locks on a file when it closes any descriptor of it.
    const attempt = spawnSync(process.execPath, [ownerScript, path], { input: '', encoding: 'utf8' });
    expect(attempt.stderr).toContain('database is locked');
    await ownership.release();
    const next = spawnSync(process.execPath, [ownerScript, path], { input: '', encoding: 'utf8' });
    expect(next.stdout).toBe('owning\n');
  });

  it('goes to a caller that waits as soon as the owner lets go', async () => {
    const first = await acquire();
    const second = acquire({ ownershipWaitMs: 30_000 });
    await first.release();
    await (await second).release();
  });

  it('can be given up while waiting', async () => {
    const ownership = await acquire();
    const abort = new AbortController();
    const waiting = rejectionCode(acquire({ ownershipWaitMs: 30_000, signal: abort.signal }));
    abort.abort();
    expect(await waiting).toBe('aborted');
    await ownership.release();
    expect(await rejectionCode(acquire({ signal: abort.signal }))).toBe('aborted');
  });

  it('is waited for on the given clock, with pauses that grow to a bound and end at the deadline', async () => {
    const ownership = await acquire();
    const pauses: number[] = [];
    let nowMs = 0;
    const clock = {
      ...nodePlatform.clock,
      monotonicMs: () => nowMs,
      after(delayMs: number, task: () => void) {
        pauses.push(delayMs);
        nowMs += delayMs;
        return nodePlatform.clock.after(0, task);
      },
    };
    const waiting = adapter.acquireOwnership(
      sqlite({ directory: path }),
      { ...nodePlatform, clock },
      { ownershipWaitMs: 1_000 },
    );
    expect(await rejectionCode(waiting)).toBe('already_owned');
    expect(pauses).toEqual([10, 20, 40, 80, 160, 250, 250, 190]);
    await ownership.release();
  });

  it('does not care about an owner file that a killed owner left behind, or that is damaged', async () => {
    await (await acquire()).release();
    for (const left of ['{"pid":1,"host":"gone","startedAt":1}', 'no JSON', '[]']) {
      writeFileSync(join(path, 'owner.json'), left);
      const ownership = await acquire();
      expect(readOwnerFile()).toMatchObject({ pid: process.pid });
      writeFileSync(join(path, 'owner.json'), left);
      expect(await rejectionCode(acquire())).toBe('already_owned');
      await ownership.release();
    }
  });

  it('is refused for a path that is no directory, as unsuitable', async () => {
    path = join(directory.path, 'file');
    writeFileSync(path, '');
    expect(await rejectionCode(acquire())).toBe('storage_unsuitable');
    path = join(path, 'below');
    expect(await rejectionCode(acquire())).toBe('storage_unsuitable');
  });

  describe('beside another process', () => {
    let owner: ChildProcess;

    beforeEach(async () => {
      await (await acquire()).release();
      owner = spawn(process.execPath, [ownerScript, path], { stdio: ['pipe', 'pipe', 'inherit'] });
      if (owner.stdout !== null) await once(owner.stdout, 'data');
    });

    afterEach(() => {
      owner.kill('SIGKILL');
    });

    it('is refused with the pid, host and start of the owner', async () => {
      const error: unknown = await acquire().catch((caught: unknown) => caught);
      if (!isRamaxError(error, 'already_owned')) throw error;
      expect(error.details).toEqual({
        directory: path,
        pid: owner.pid,
        host: 'elsewhere',
        startedAt: 1_750_000_000_000,
      });
      expect(error.message).toContain(
        `process ${owner.pid} on elsewhere, started at 2025-06-15T15:06:40.000Z`,
      );
      expect(error.retryable).toBe(true);
    });

    it('comes to a waiting caller when the owner is killed', async () => {
      const waiting = acquire({ ownershipWaitMs: 30_000 });
      owner.kill('SIGKILL');
      const ownership = await waiting;
      expect(readOwnerFile()).toMatchObject({ pid: process.pid });
      await ownership.release();
    });

    it('is free at once after the owner was killed', async () => {
      const exited = once(owner, 'exit');
      owner.kill('SIGKILL');
      await exited;
      expect(readOwnerFile()).toMatchObject({ pid: owner.pid });
      await (await acquire()).release();
    });
  });
});

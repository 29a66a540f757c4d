/**
 * The demo program as a user runs it: built, in a process of its own, on real threads and a real disk. Needs `dist`.
 */

import { appendFile, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Ended, runProgram } from './support/run-program.js';

const fixture = fileURLToPath(new URL('./fixtures/claims.csv', import.meta.url));

let directory: string;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'ramax-program-'));
});

afterEach(async () => {
  await rm(directory, { recursive: true });
});

function run(args: readonly string[], stopAt?: NodeJS.Signals): Promise<Ended> {
  return runProgram('crm', args, { directory, ...(stopAt === undefined ? {} : { stopAt }) });
}

const small = ['--tenants', '4', '--commands', '600', '--quiet'];

describe('the demo program', () => {
  it('sends a load, holds every promise against it, and leaves nothing behind', async () => {
    const { exitCode, stdout, stderr } = await run(small);
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
    expect(stdout.match(/^✔ /gm)).toHaveLength(5);
    expect(stdout).not.toContain('✘');
    expect(stdout).not.toContain('\u001b');
    expect(await readdir(directory)).toEqual([]);
  });

  it('works again on a directory that has data', async () => {
    const args = [...small, '--directory', join(directory, 'data')];
    expect((await run(args)).exitCode).toBe(0);
    const { exitCode, stdout } = await run(args);
    expect(exitCode, stdout).toBe(0);
  });

  it('accounts for every row of a workflow log, also when it is replayed again', async () => {
    const args = [fixture, '--quiet', '--directory', join(directory, 'data')];
    for (let pass = 1; pass <= 2; pass++) {
      const { exitCode, stdout } = await run(args);
      expect(exitCode, stdout).toBe(0);
      expect(stdout).toContain('13 = 5 + 0 + 8');
      expect(stdout).toContain('line 8: the quotes do not match');
      expect(stdout).toMatch(/payment requested .* 1 claim {2} +10\.01/);
      expect(stdout).toContain('✔ every workload is what the claims and the log say (2 decisions)');
    }
  });

  it('imports a workflow log as history, and goes on where an earlier import was', async () => {
    const args = [fixture, '--history', '--quiet', '--directory', join(directory, 'data')];
    for (const accounted of ['13 = 5 + 0 + 8', '13 = 0 + 5 + 8']) {
      const { exitCode, stdout, stderr } = await run(args);
      expect(exitCode, stdout).toBe(0);
      expect(stderr).not.toContain('Warning');
      expect(stdout).toContain(`✔ rows = imported + there before + bad lines (${accounted})`);
      expect(stdout).toContain('✔ every row is one event, in order, with its own time (5 events)');
      expect(stdout).toContain('✔ imported once more, nothing is appended (0 of 5)');
    }
  });

  it('verifies what was acknowledged, and fails when something is missing', async () => {
    const data = ['--directory', join(directory, 'data')];
    const log = join(directory, 'acknowledged.log');
    await run([...small, ...data, '--acknowledged-log', log]);
    const sound = await run(['--verify-log', log, ...data]);
    const verdict = JSON.parse(sound.stdout) as { ok: boolean; acknowledged: number };
    expect({ exitCode: sound.exitCode, ok: verdict.ok }).toEqual({ exitCode: 0, ok: true });
    expect((await readFile(log, 'utf8')).trim().split('\n')).toHaveLength(verdict.acknowledged);

    const lost = {
      space: 'crm_tenant_0001',
      contactId: 'x',
      commandId: 'lost',
      spaceSequence: 1,
      eventId: 1,
    };
    await appendFile(log, `${JSON.stringify(lost)}\n`);
    const broken = await run(['--verify-log', log, ...data]);
    expect(broken.exitCode).toBe(1);
    expect(JSON.parse(broken.stdout)).toMatchObject({ ok: false, missing: 1, misplaced: 0 });
  });

  it.each<[NodeJS.Signals, number]>([
    ['SIGINT', 130],
    ['SIGTERM', 143],
  ])('drains and prints what there is on %s', async (signal, code) => {
    const { exitCode, stdout, stderr } = await run(['--tenants', '4', '--commands', '1000000000'], signal);
    expect(exitCode, stderr).toBe(code);
    expect(stdout).toContain('✔ every command was decided');
    expect(stdout).not.toContain('✘');
    expect(await readdir(directory)).toEqual([]);
  });

  it.each([
    ['a wrong option', ['--tenant', '1'], 2, '--tenant'],
    ['a file that is not there', ['missing.csv'], 1, 'missing.csv'],
  ])('says what is wrong with %s', async (_title, args, code, message) => {
    const { exitCode, stderr } = await run(args);
    expect(exitCode).toBe(code);
    expect(stderr).toContain(message);
    expect(await readdir(directory)).toEqual([]);
  });

  it('says so when a file is no workflow log', async () => {
    const path = join(directory, 'other.csv');
    await writeFile(path, 'a,b\n1,2\n');
    const { exitCode, stderr } = await run([path, '--quiet']);
    expect(exitCode).toBe(1);
    expect(stderr).toContain('the header lacks timestamp');
    expect(await readdir(directory)).toEqual(['other.csv']);
  });
});

import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Configuration, nameOf } from '../../bench/configuration.js';
import { configurationsOf } from '../../bench/plan.js';
import { groupNames } from '../../bench/row.js';
import { rowsOf } from '../../bench/rows.js';
import { tinySizes } from '../../bench/sizes.js';

const run = promisify(execFile);
// Children run what is built, as they do in a benchmark.
const built = new URL('../../dist/bench/', import.meta.url);
type Runner = typeof import('../../bench/trial-runner.js');

let directory: string;
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'ramax-bench-'));
});
afterAll(() => rm(directory, { recursive: true, force: true }));

/** One trial of each kind and each subject, peers apart; which of the numbers in flight does not matter here. */
function oneOfEach(): readonly Configuration[] {
  const found = new Map<string, Configuration>();
  for (const configuration of configurationsOf(rowsOf(groupNames, tinySizes))) {
    const { kind, subject } = configuration;
    const isBehind = kind === 'commands' && configuration.history > 0;
    const workload = kind === 'commands' ? configuration.workload : '';
    if (!subject.includes('-')) found.set(`${kind} ${subject} ${workload} ${isBehind}`, configuration);
  }
  return [...found.values()];
}

describe('the benchmark', () => {
  it('runs a tiny trial of every kind and leaves nothing behind', { timeout: 180_000 }, async () => {
    const { TrialRunner } = (await import(new URL('trial-runner.js', built).href)) as Runner;
    const parent = await mkdtemp(join(directory, 'run-'));
    const signal = new AbortController().signal;
    const options = { parent, sizes: tinySizes, seconds: 0.1, shards: 1, signal };
    const runner = new TrialRunner({ ...options, peerProblem: () => 'not here' });
    for (const configuration of oneOfEach()) {
      const { outcome } = await runner.run(configuration, 0);
      const name = nameOf(configuration);
      expect(outcome, name).not.toHaveProperty('problem');
      if ('problem' in outcome) continue;
      const figures = Object.values(outcome.figures);
      expect(figures.length, name).toBeGreaterThan(0);
      for (const figure of figures) expect(Number.isFinite(figure), name).toBe(true);
    }
    const left = (await readdir(parent)).filter((name) => !name.startsWith('history-'));
    expect(left).toEqual([]);
  });

  it('makes a problem of a peer that cannot be measured, and goes on', async () => {
    const { TrialRunner } = (await import(new URL('trial-runner.js', built).href)) as Runner;
    const signal = new AbortController().signal;
    const options = { parent: directory, sizes: tinySizes, seconds: 0.1, shards: 1, signal };
    const runner = new TrialRunner({ ...options, peerProblem: (peer) => `${peer} is not here` });
    const peer = configurationsOf(rowsOf(['peers'], tinySizes)).find(
      ({ subject }) => subject === 'act-sqlite',
    );
    expect((await runner.run(peer!, 0)).outcome).toEqual({ problem: 'act-sqlite is not here' });
  });

  it('prints the table, and writes results and chart', { timeout: 120_000 }, async () => {
    const main = fileURLToPath(new URL('main.js', built));
    const json = join(directory, 'results.json');
    const data = join(directory, 'data');
    const args = ['--tiny', '--only', 'w5', '--json', json, '--directory', data];
    const { stdout } = await run(process.execPath, [main, ...args]);
    expect(stdout).toContain('W5, stream all 1,000 events');
    expect(stdout).toMatch(/[01] of 1 targets met/);
    expect(stdout).toContain('Not measured:');
    const results = JSON.parse(await readFile(json, 'utf8'));
    expect(results.verdicts).toHaveLength(1);
    expect(results.trials).toHaveLength(2);
    expect(await readFile(json.replace('.json', '.svg'), 'utf8')).toContain('<svg');
    expect(existsSync(data) ? await readdir(data) : []).toEqual([]);
  });

  it('refuses a wrong command line with exit code 2, before it does anything', async () => {
    const main = fileURLToPath(new URL('main.js', built));
    await expect(run(process.execPath, [main, '--only', 'w9'])).rejects.toMatchObject({ code: 2 });
  });
});

/** Spaces that are as alike as can be, each with a secret: no output of one has the secret of another. */

import { rmSync } from 'node:fs';
import { checkLog } from '../checker/check-log.js';
import { readLog, readViews } from '../checker/log-file.js';
import { Child } from '../child.js';
import { newDirectory } from '../places.js';
import type { IsolationPlan } from '../programs/isolation.js';
import type { Row, RowOutcome } from '../row.js';

const spaces = 1_000;

interface Said {
  readonly sent: number;
  readonly acknowledged: number;
  readonly probes: number;
  readonly violations: readonly string[];
}

async function search(
  seed: number,
  commands: number,
  weakness: Partial<IsolationPlan> = {},
): Promise<RowOutcome> {
  const directory = newDirectory('isolation');
  const child = new Child(
    'isolation',
    { directory, seed, spaces, commands, ...weakness },
    { timeoutMs: 3_600_000 },
  );
  const { code, signal, complaint } = await child.ended;
  const said = child.lines.at(-1);
  const result = code === 0 && said !== undefined ? (JSON.parse(said) as Said) : undefined;
  const broken = result?.violations ?? [`the process ended with ${code ?? signal}: ${complaint}`];
  const stored = storedStrangers(directory);
  rmSync(directory, { recursive: true });
  return {
    trials: result?.sent ?? 0,
    faults: result?.probes ?? 0,
    acknowledged: result?.acknowledged ?? 0,
    violations: [...broken, ...stored].map((what) => ({ seed, what })),
  };
}

/** The files as well: no row of one space has the secret of another. */
function storedStrangers(directory: string): string[] {
  const log = readLog(directory);
  if (log === undefined) return ['there is no log'];
  const secretOf = (spaceId: number): string =>
    /secret-.*$/.exec(log.spaces.get(spaceId) ?? '')?.[0] ?? 'none';
  const broken = checkLog(log);
  const look = (spaceId: number, where: string, stored: unknown): void => {
    for (const [found] of JSON.stringify(stored).matchAll(/secret-\d+-[0-9a-f]{8}/g)) {
      if (found !== secretOf(spaceId)) broken.push(`space ${spaceId}: ${where} has ${found}`);
    }
  };
  for (const { spaceId, payload, metadata, tags } of log.events)
    look(spaceId, 'the log', [payload, metadata, tags]);
  for (const { spaceId, view, entries } of readViews(directory, log.logId)) {
    look(
      spaceId,
      `stored view ${view}`,
      [...entries].map(([key, { value }]) => [key, value]),
    );
  }
  return broken.slice(0, 50);
}

/** See the head of this file. */
export const isolation: Row = {
  name: 'isolation',
  what: '1,000 spaces with the same ids and a secret each; every output is searched for the secrets of others',
  unit: 'commands',
  ciTrials: 20_000,
  fullTrials: 1_000_000,
  run: ({ trials, seed }) => search(seed, trials),
  controls: [
    {
      name: 'a secret in the wrong space',
      found: /gave out secret|has secret/,
      run: ({ seed }) => search(seed, 1_000, { isLeaking: true }),
    },
  ],
};

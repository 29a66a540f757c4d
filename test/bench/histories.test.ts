import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { History } from '../../bench/configuration.js';
import { Histories } from '../../bench/histories.js';

let parent: string;
beforeEach(async () => {
  parent = await mkdtemp(join(tmpdir(), 'ramax-bench-'));
});
afterEach(() => rm(parent, { recursive: true, force: true }));

const history: History = { subject: 'ramax', workload: 'w1', events: 100 };

describe('histories', () => {
  it('are made once, and every trial gets a copy of its own', async () => {
    const made: History[] = [];
    const histories = new Histories(parent, async (asked, directory) => {
      made.push(asked);
      await mkdir(join(directory, 'inner'));
      await writeFile(join(directory, 'inner', 'log'), `${asked.events}`);
    });
    for (const [name, asked] of [
      ['first', history],
      ['second', history],
      ['other', { ...history, events: 200 }],
    ] as const) {
      await mkdir(join(parent, name));
      await histories.copyTo(asked, join(parent, name));
    }
    expect(made).toEqual([history, { ...history, events: 200 }]);
    await writeFile(join(parent, 'first', 'inner', 'log'), 'changed');
    expect(await readFile(join(parent, 'second', 'inner', 'log'), 'utf8')).toBe('100');
    expect(await readFile(join(parent, 'other', 'inner', 'log'), 'utf8')).toBe('200');
  });
});

/** The tours as a user runs them: built, in a process of their own. Needs `dist`. */

import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { runProgram } from './support/run-program.js';

let directory: string;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'ramax-tour-'));
});

afterEach(async () => {
  await rm(directory, { recursive: true });
});

const tours: [name: string, small: string[], checks: number, chapters: string[]][] = [
  [
    'spaces',
    ['--spaces', '3', '--events', '60'],
    33,
    ['Isolation', 'Sequences', 'Metadata', 'The past', 'Watch', 'Rebuild', 'Deletion'],
  ],
  [
    'flashcards',
    ['--decks', '2', '--cards', '8'],
    22,
    ['Version 1', 'The present app', 'Commands go on', 'Migrated values', 'A rebuild'],
  ],
  ['cms', ['--articles', '5'], 14, ['Drafting', 'Promotion', 'Once', 'A sandbox']],
  ['orders', ['--orders', '3'], 29, ['Paid', 'Rejected', 'Timed out', 'Parked', 'A restart', 'The accounts']],
];

describe.each(tours)('the tour of %s', (name, small, checks, chapters) => {
  it('tells every chapter, checks what it says, and leaves nothing behind', async () => {
    const { exitCode, stdout, stderr } = await runProgram(name, small, { directory });
    expect({ exitCode, stderr }, stdout).toEqual({ exitCode: 0, stderr: '' });
    for (const chapter of chapters) expect(stdout).toMatch(new RegExp(`^${chapter}`, 'm'));
    expect(stdout.match(/^✔ /gm)).toHaveLength(checks);
    expect(stdout).toContain(`all ${checks} checks hold`);
    expect(await readdir(directory)).toEqual([]);
  });

  it('keeps the directory that it is given, and begins in no other than an empty one', async () => {
    const args = [...small, '--directory', join(directory, 'data')];
    expect((await runProgram(name, args, { directory })).exitCode).toBe(0);
    expect(await readdir(directory)).toEqual(['data']);
    const { exitCode, stderr } = await runProgram(name, args, { directory });
    expect(exitCode).toBe(2);
    expect(stderr).toContain('--directory must be empty');
  });

  it('leaves nothing behind when it is interrupted', async () => {
    const large = small.map((argument) => (/^\d+$/.test(argument) ? '50' : argument));
    const { exitCode, stderr } = await runProgram(name, large, { directory, stopAtFirstLine: 'SIGINT' });
    expect(exitCode).toBe(130);
    expect(stderr).toContain('SIGINT');
    expect(await readdir(directory)).toEqual([]);
  });

  it('says what is wrong with its command line, and what it takes', async () => {
    expect(await runProgram(name, ['--colour', 'red'], { directory })).toMatchObject({
      exitCode: 2,
      stderr: expect.stringContaining('--colour'),
    });
    expect(await runProgram(name, ['--help'], { directory })).toMatchObject({
      exitCode: 0,
      stdout: expect.stringContaining('--directory'),
    });
    expect(await readdir(directory)).toEqual([]);
  });
});

import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pc from 'picocolors';
import { RamaxError } from 'ramax';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { check, checkEqual, codeOf, shown } from '../../../examples/demo/checks.js';
import { chapterText, mustBeEmpty, runTour } from '../../../examples/demo/run-tour.js';

describe('a check', () => {
  it('of equal values holds, also of deep ones', () => {
    expect(checkEqual('they are equal', { a: [1] }, { a: [1] })).toEqual({
      says: 'they are equal',
      holds: true,
      seen: '{"a":[1]}',
    });
  });

  it('of values that differ shows both', () => {
    expect(checkEqual('they are equal', undefined, 1)).toMatchObject({
      holds: false,
      seen: 'nothing, where 1 is due',
    });
  });

  it('shows a long value cut', () => {
    expect(shown('x'.repeat(1_000))).toHaveLength(100);
  });

  it('of a failing call knows the code of a RamaxError, and no other error', async () => {
    expect(await codeOf(Promise.reject(new RamaxError('not_found', 'gone')))).toBe('not_found');
    expect(await codeOf(Promise.resolve())).toBe('no error');
    await expect(codeOf(Promise.reject(new TypeError('a bug')))).rejects.toThrow('a bug');
  });
});

describe('a chapter', () => {
  it('is its title, its text, its figures and its checks, in this order', () => {
    const chapter = {
      title: 'Doors',
      text: ['Every house has one.'],
      rows: [{ label: 'doors', value: '3' }],
      checks: [check('they open', true, 'all'), check('they close', false, 'one does not')],
    };
    const lines = chapterText(chapter, pc.createColors(false)).split('\n');
    expect(lines.slice(0, 2)).toEqual(['Doors', 'Every house has one.']);
    expect(lines.join('\n')).toContain('│ doors │ 3 │');
    expect(lines.slice(-3)).toEqual(['✔ they open (all)', '✘ they close: one does not', '']);
  });
});

describe('a tour', () => {
  let directory: string;
  let printed: string;

  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'ramax-tour-'));
    vi.stubEnv('TMPDIR', directory);
    printed = '';
    const write = (text: string | Uint8Array): boolean => {
      printed += String(text);
      return true;
    };
    vi.spyOn(process.stdout, 'write').mockImplementation(write);
    vi.spyOn(process.stderr, 'write').mockImplementation(write);
  });

  afterEach(async () => {
    vi.restoreAllMocks();
    vi.unstubAllEnvs();
    await rm(directory, { recursive: true });
  });

  function tourWith(holds: boolean, error?: Error) {
    return {
      about: 'A tour of doors.',
      sizes: { doors: { says: 'doors', default: 1, max: 2 } },
      async *chapters() {
        yield { title: 'First', text: [], rows: [], checks: [check('it opens', true, 'seen')] };
        if (error !== undefined) throw error;
        yield { title: 'Second', text: [], rows: [], checks: [check('it closes', holds, 'seen')] };
      },
    };
  }

  it('on which everything holds ends with 0 and removes its data', async () => {
    expect(await runTour([], tourWith(true))).toBe(0);
    expect(printed).toContain('all 2 checks hold');
    expect(await readdir(directory)).toEqual([]);
  });

  it('on which something does not hold ends with 1, says where its data is and keeps it', async () => {
    expect(await runTour([], tourWith(false))).toBe(1);
    expect(printed).toContain('1 of 2 checks do not hold');
    const [kept = ''] = await readdir(directory);
    expect(printed).toContain(join(directory, kept));
  });

  it('that the runtime ends keeps its data, and gives the error', async () => {
    await expect(runTour([], tourWith(true, new RamaxError('storage', 'disk full')))).rejects.toThrow(
      'disk full',
    );
    expect(await readdir(directory)).toHaveLength(1);
  });

  it('begins where no space is', () => {
    expect(() => mustBeEmpty([])).not.toThrow();
    expect(() => mustBeEmpty(['acme'])).toThrow('--directory must be empty');
  });
});

import pc from 'picocolors';
import { RamaxError } from 'ramax';
import { describe, expect, it } from 'vitest';
import { check, checkEqual, codeOf, shown } from '../../../examples/demo/checks.js';
import { chapterText } from '../../../examples/demo/run-tour.js';

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

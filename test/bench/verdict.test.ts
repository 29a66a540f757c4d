import { describe, expect, it } from 'vitest';
import type { Row } from '../../bench/row.js';
import { summarise } from '../../bench/summary.js';
import type { Target } from '../../bench/targets.js';
import { judge } from '../../bench/verdict.js';
import { trial, walk } from './trials.js';

const [ramax, byHand] = [walk('ramax'), walk('by hand')];
const row: Row = {
  id: 'row',
  group: 'w1',
  title: 'a row',
  unit: 'per second',
  ramax: { configuration: ramax, figure: 'perSecond' },
  yardstick: { name: 'by hand', configuration: byHand, figure: 'perSecond' },
};

const summaries = summarise(
  [ramax, byHand],
  [
    trial(ramax, 0, { figures: { perSecond: 300 } }),
    trial(ramax, 1, { figures: { perSecond: 500 } }),
    trial(byHand, 0, { figures: { perSecond: 200 } }),
  ],
);

function judgeBy(target: Omit<Target, 'row'>) {
  return judge([row], summaries, [{ row: 'row', ...target }])[0];
}

describe('a verdict', () => {
  it('divides the median of Ramax by that of its yardstick', () => {
    const verdict = judgeBy({ of: 'ratio', comparison: 'at least', number: 2 });
    expect(verdict).toMatchObject({ ratio: 2, isMet: true, attainment: 1 });
    expect(judgeBy({ of: 'ratio', comparison: 'at least', number: 4 })).toMatchObject({
      isMet: false,
      attainment: 0.5,
    });
  });

  it('takes what may be at most so much the other way round', () => {
    const verdict = judgeBy({ of: 'figure', comparison: 'at most', number: 800 });
    expect(verdict).toMatchObject({ isMet: true, attainment: 2 });
    expect(judgeBy({ of: 'figure', comparison: 'at most', number: 100 })).toMatchObject({ isMet: false });
  });

  it('judges nothing without a target', () => {
    expect(judge([row], summaries, [])[0]).toMatchObject({ ratio: 2, isMet: undefined, target: undefined });
  });

  it('judges nothing when one side could not be run, and says why', () => {
    const failed = { configuration: byHand, round: 0, outcome: { problem: 'no disk' } };
    const partial = summarise([ramax, byHand], [trial(ramax, 0), failed]);
    const target = { row: 'row', of: 'ratio', comparison: 'at least', number: 1 } as const;
    expect(judge([row], partial, [target])[0]).toMatchObject({
      ramax: { median: 1_000 },
      yardstick: undefined,
      isMet: undefined,
      problem: 'no disk',
    });
  });
});

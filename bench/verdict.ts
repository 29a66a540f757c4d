/** What a row has come to: its two figures, their ratio, and whether the target is met. Pure. */

import { nameOf } from './configuration.js';
import type { Row, Source } from './row.js';
import type { Spread } from './spread.js';
import type { Summary } from './summary.js';
import { attainment, isMet, type Target, targets } from './targets.js';

export interface Verdict {
  readonly row: Row;
  /** Undefined where the trial could not be run; `problem` says why. */
  readonly ramax: Spread | undefined;
  readonly yardstick: Spread | undefined;
  /** The median of Ramax divided by that of the yardstick. */
  readonly ratio: number | undefined;
  readonly target: Target | undefined;
  /** Undefined without a target, and where something could not be run. */
  readonly isMet: boolean | undefined;
  /** How far beyond its target: 1 is on it, more is better. */
  readonly attainment: number | undefined;
  readonly problem: string | undefined;
}

/** One verdict for each row. */
export function judge(
  rows: readonly Row[],
  summaries: ReadonlyMap<string, Summary>,
  among: readonly Target[] = targets,
): readonly Verdict[] {
  return rows.map((row) => judgeOne(row, summaries, among));
}

function judgeOne(row: Row, summaries: ReadonlyMap<string, Summary>, among: readonly Target[]): Verdict {
  const ramax = find(row.ramax, summaries);
  const yardstick = row.yardstick && find(row.yardstick, summaries);
  const ratio = ramax.spread && yardstick?.spread ? ramax.spread.median / yardstick.spread.median : undefined;
  const target = among.find(({ row: id }) => id === row.id);
  const value = target?.of === 'ratio' ? ratio : ramax.spread?.median;
  const isJudged = target !== undefined && value !== undefined;
  return {
    row,
    ramax: ramax.spread,
    yardstick: yardstick?.spread,
    ratio,
    target,
    isMet: isJudged ? isMet(target, value) : undefined,
    attainment: isJudged ? attainment(target, value) : undefined,
    problem: ramax.problem ?? yardstick?.problem,
  };
}

interface Found {
  readonly spread?: Spread | undefined;
  readonly problem?: string | undefined;
}

function find({ configuration, figure }: Source, summaries: ReadonlyMap<string, Summary>): Found {
  const summary = summaries.get(nameOf(configuration));
  if (summary === undefined) return { problem: 'no round was run' };
  if (summary.problem !== undefined) return { problem: summary.problem };
  const spread = summary.figures.get(figure);
  return spread === undefined ? { problem: `there is no ${figure}` } : { spread };
}

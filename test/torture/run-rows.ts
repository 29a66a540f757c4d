/** Runs rows: first the seeds that have failed before, then the trials, then the controls, each of which must be found. */

import { failingSeeds, keepFailingSeeds } from './failing-seeds.js';
import { type Control, type Row, type RowOptions, type RowOutcome, sumOf } from './row.js';

/** What came of a row. */
export interface RowResult extends RowOutcome {
  readonly row: Row;
  readonly seed: number;
  readonly elapsedMs: number;
  /** Controls that were run, and those of them that nothing has found. */
  readonly controls: number;
  readonly blindTo: readonly string[];
  readonly isSound: boolean;
}

/** What of a row is to be run. */
export interface RunOptions extends RowOptions {
  /** Run the controls as well. Default: true. */
  readonly hasControls?: boolean;
}

/** See the head of this file. */
export async function runRow(row: Row, options: RunOptions): Promise<RowResult> {
  const { trials, seed, report, hasControls = true } = options;
  const startedMs = performance.now();
  const outcomes: RowOutcome[] = [];
  for (const failing of failingSeeds(row.name)) {
    // Those are among the trials, with the neighbours that they had.
    if (failing >= seed && failing < seed + trials) continue;
    outcomes.push(await guarded(row, { trials: 1, seed: failing, report }));
  }
  if (trials > 0) outcomes.push(await guarded(row, { trials, seed, report }));
  const outcome = sumOf(outcomes);
  if (outcome.violations.length > 0) {
    keepFailingSeeds(
      row.name,
      outcome.violations.map((violation) => violation.seed),
    );
  }
  const blindTo: string[] = [];
  const controls = hasControls ? row.controls : [];
  for (const control of controls) {
    report(`control: ${control.name}`);
    const complaint = await blindness(control, { seed, report });
    if (complaint !== undefined) blindTo.push(complaint);
  }
  return {
    ...outcome,
    ...{ row, seed, blindTo, controls: controls.length },
    elapsedMs: performance.now() - startedMs,
    isSound: outcome.violations.length === 0 && blindTo.length === 0,
  };
}

/** A row that throws has not shown anything: that is a violation, too. */
async function guarded(row: Row, options: RowOptions): Promise<RowOutcome> {
  try {
    return await row.run(options);
  } catch (error) {
    const what = `the row itself failed: ${error instanceof Error ? error.stack : String(error)}`;
    return { trials: options.trials, faults: 0, acknowledged: 0, violations: [{ seed: options.seed, what }] };
  }
}

/** Some bugs need a moment that not every seed brings: a control is found when one of so many seeds finds it. */
const controlSeedsMax = 5;

/** Why a control has shown nothing, or undefined when it was found. */
async function blindness(
  control: Control,
  { seed, report }: Pick<RowOptions, 'seed' | 'report'>,
): Promise<string | undefined> {
  let complaint: string | undefined;
  for (let tried = 0; tried < controlSeedsMax; tried++) {
    complaint = await blindnessOf(control, { seed: seed + tried, report });
    if (complaint === undefined) return undefined;
  }
  return complaint;
}

async function blindnessOf(
  control: Control,
  options: Pick<RowOptions, 'seed' | 'report'>,
): Promise<string | undefined> {
  try {
    const { violations } = await control.run(options);
    if (violations.some(({ what }) => control.found.test(what))) return undefined;
    const [first] = violations;
    return first === undefined
      ? `${control.name}: nothing was found`
      : `${control.name}: found only ${first.what}`;
  } catch (error) {
    return `${control.name}: the control failed: ${String(error)}`;
  }
}

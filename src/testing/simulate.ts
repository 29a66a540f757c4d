/**
 * The simulation kit: an app of the user's, in the whole runtime, in one thread, under a seed. Histories are played one after the
 * other until a rule breaks; then a smaller history with the same failure is looked for.
 */

import type { App } from '../core/define-app.js';
import type { Broken } from './simulated-log.js';
import { playRun, type RunOutcome } from './simulated-run.js';
import { type Replay, SimulationFailure, type SimulationReport } from './simulation-failure.js';
import {
  type FaultKind,
  faultKinds,
  type SimulationOptions,
  type SimulationPlan,
  simulationPlan,
} from './simulation-options.js';

/** Of so many seeds one is played twice, the first one among them. */
const twiceOneIn = 16;

/**
 * Runs your app under seeded delays, crashes, restarts, full disks, duplicates and callers that give up: the supervisor, shards,
 * writer and projections of production, in one thread, without a real clock or disk. Checks your rules and the built-in ones
 * (`BuiltInInvariant`). The same seed gives the same history, always.
 *
 * @returns the figures, when all rules held
 * @throws {SimulationFailure} for the first seed that breaks a rule, with the story of the smallest history that was found, and
 *   the line to play it again
 * @throws {RamaxError} `invalid_input` for options that make no sense; `invalid_app`
 * @example
 * ```ts
 * await simulate({
 *   app: bank,
 *   seeds: 500,
 *   commands: {
 *     deposit: (random) => ({ account: random.pick(accounts), amount: 1 + random.below(100) }),
 *     transfer: (random) => ({ from: random.pick(accounts), to: random.pick(accounts), amount: random.below(50) }),
 *   },
 *   always: { 'no account is overdrawn': (space) => space.query('lowestBalance') >= 0 },
 * });
 * ```
 */
export async function simulate<A extends App>(options: SimulationOptions<A>): Promise<SimulationReport> {
  const plan = simulationPlan(options);
  const startedAtMs = plan.clock.monotonicMs();
  let report: SimulationReport = {
    seeds: 0,
    commands: 0,
    accepted: 0,
    rejected: 0,
    duplicates: 0,
    crashes: 0,
    restarts: 0,
  };
  for (let index = 0; index < plan.seeds; index++) {
    if (index > 0 && plan.clock.monotonicMs() - startedAtMs >= plan.timeBudgetMs) break;
    const replay: Replay = { seed: plan.firstSeed + index, steps: plan.steps, faults: plan.faults };
    const outcome = await playRun(plan, replay);
    report = sum(report, outcome);
    const broken =
      outcome.broken ?? (index % twiceOneIn === 0 ? await playedTwice(plan, replay, outcome) : undefined);
    if (broken !== undefined) throw await failureOf(plan, replay, { ...outcome, broken }, report);
    plan.onProgress({ seeds: report.seeds, commands: report.commands, crashes: report.crashes });
  }
  return report;
}

function sum(report: SimulationReport, { report: played }: RunOutcome): SimulationReport {
  return {
    seeds: report.seeds + 1,
    commands: report.commands + played.commands,
    accepted: report.accepted + played.accepted,
    rejected: report.rejected + played.rejected,
    duplicates: report.duplicates + played.duplicates,
    crashes: report.crashes + played.crashes,
    restarts: report.restarts + played.restarts,
  };
}

const differs = 'sameSeedSameLog';

/** The app has to give the same log again: the seed decides about everything else. */
async function playedTwice<A extends App>(
  plan: SimulationPlan<A>,
  replay: Replay,
  first: RunOutcome,
): Promise<Broken | undefined> {
  if (!plan.checks.has(differs)) return undefined;
  const second = await playRun(plan, replay);
  if (second.fingerprint === first.fingerprint) return undefined;
  const at = first.story.findIndex((line, index) => line !== second.story[index]);
  const [left, right] = [first.story[at] ?? 'nothing', second.story[at] ?? 'nothing'];
  const where = at === -1 ? 'the events differ' : `first '${left.trim()}', then '${right.trim()}'`;
  const message = `the seed was played twice, and the app did not do the same: ${where}`;
  return second.broken ?? { invariant: differs, message };
}

type Failed = RunOutcome & { readonly broken: Broken };

async function failureOf<A extends App>(
  plan: SimulationPlan<A>,
  replay: Replay,
  failed: Failed,
  report: SimulationReport,
): Promise<SimulationFailure> {
  const again = plan.shrink ? await failsAgain(plan, replay, failed.broken.invariant) : undefined;
  const smallest = again === undefined ? { replay, failed } : await shrunk(plan, { replay, failed: again });
  return new SimulationFailure({
    seed: replay.seed,
    invariant: failed.broken.invariant,
    message: smallest.failed.broken.message,
    story: smallest.failed.story,
    report,
    replay: replayText(plan, smallest.replay),
    isFleeting: plan.shrink && again === undefined,
  });
}

/** Plays a history again; gives what came of it when it fails by the same rule. */
async function failsAgain<A extends App>(
  plan: SimulationPlan<A>,
  replay: Replay,
  invariant: string,
): Promise<Failed | undefined> {
  const outcome = await playRun(plan, replay);
  const broken =
    outcome.broken ?? (invariant === differs ? await playedTwice(plan, replay, outcome) : undefined);
  return broken?.invariant === invariant ? { ...outcome, broken } : undefined;
}

interface Candidate {
  readonly replay: Replay;
  readonly failed: Failed;
}

/** Leaves out kinds of faults, then steps from the end by halves, as long as the same rule breaks. */
async function shrunk<A extends App>(plan: SimulationPlan<A>, found: Candidate): Promise<Candidate> {
  let best = found;
  const attempt = async (replay: Replay): Promise<boolean> => {
    const failed = await failsAgain(plan, replay, found.failed.broken.invariant);
    if (failed !== undefined) best = { replay, failed };
    return failed !== undefined;
  };
  await attempt({ ...best.replay, faults: new Set() });
  for (const kind of best.replay.faults) {
    await attempt({
      ...best.replay,
      faults: new Set([...best.replay.faults].filter((other) => other !== kind)),
    });
  }
  if (plan.client !== undefined) return best;
  // Whether a shorter history fails is not monotonic: the smallest one that bisection meets is kept.
  for (let [low, high] = [0, best.replay.steps]; high - low > 1; ) {
    const steps = (low + high) >> 1;
    if (await attempt({ ...best.replay, steps })) high = steps;
    else low = steps;
  }
  return best;
}

function replayText<A extends App>(plan: SimulationPlan<A>, { seed, steps, faults }: Replay): string {
  const parts = [`seed: ${seed}`];
  if (steps !== plan.steps) parts.push(`steps: ${steps}`);
  const off = faultKinds.filter((kind) => plan.faults.has(kind) && !faults.has(kind));
  if (off.length === 0) return parts.join(', ');
  const others = faultKinds.filter((kind) => !faults.has(kind));
  parts.push(faults.size === 0 ? 'faults: false' : `faults: { ${others.map(isOff).join(', ')} }`);
  return parts.join(', ');
}

function isOff(kind: FaultKind): string {
  return `${kind}: false`;
}

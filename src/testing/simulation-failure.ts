/** What a simulation that fails tells: the seed, the rule that broke, the story up to there, and the line to play it again. */

import type { FaultKind } from './simulation-options.js';

/** Figures of a simulation. */
export interface SimulationReport {
  /** Seeds that were played. */
  readonly seeds: number;
  /** Commands that were sent, without copies and retries. */
  readonly commands: number;
  readonly accepted: number;
  readonly rejected: number;
  /** Copies of commands that were sent again. */
  readonly duplicates: number;
  /** Shards and writers that died, commits in doubt, disks that were full, restarts of the runtime. */
  readonly crashes: number;
  readonly restarts: number;
}

/** How to play one history again. */
export interface Replay {
  readonly seed: number;
  readonly steps: number;
  readonly faults: ReadonlySet<FaultKind>;
}

/** What is known of a failure. */
export interface FailureFacts {
  readonly seed: number;
  readonly invariant: string;
  readonly message: string;
  readonly story: readonly string[];
  readonly report: SimulationReport;
  /** The options to add, such as `seed: 4711, steps: 6`. */
  readonly replay: string;
  /** It did not fail again when it was played alone. */
  readonly isFleeting: boolean;
}

/** Lines of the story that the message shows. */
const linesShownMax = 30;

/** A rule does not hold for the app. The message has all that is needed to play the history again. */
export class SimulationFailure extends Error {
  override readonly name = 'SimulationFailure';
  /** `simulate({ …, seed })` fails in the same way. */
  readonly seed: number;
  /** The rule that broke: yours, or a built-in one. */
  readonly invariant: string;
  /** In what way it broke, without the story. */
  readonly reason: string;
  /** Everything that was sent, answered and crashed, in order. */
  readonly story: readonly string[];
  /** Options that play the smallest history that was found, as text. */
  readonly replay: string;
  /** Figures up to the failure. */
  readonly report: SimulationReport;

  constructor(facts: FailureFacts) {
    super(messageOf(facts));
    this.seed = facts.seed;
    this.invariant = facts.invariant;
    this.reason = facts.message;
    this.story = facts.story;
    this.replay = facts.replay;
    this.report = facts.report;
  }
}

function messageOf({ seed, invariant, message, story, replay, isFleeting }: FailureFacts): string {
  const left = story.length - linesShownMax;
  return [
    `seed ${seed} breaks '${invariant}': ${message}`,
    '',
    ...(left > 0 ? [`  … ${left} lines before`] : []),
    ...story.slice(-linesShownMax).map((line) => `  ${line}`),
    '',
    ...(isFleeting
      ? [
          'Played alone it did not fail again: the app keeps something outside of its events from one history to the next.',
          'With `app: () => makeApp()` every shard has an app of its own.',
        ]
      : []),
    `Play it again: simulate({ …, ${replay} })`,
  ].join('\n');
}

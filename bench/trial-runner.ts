/** The runner's side of trials: a fresh directory, its history, a child process, its outcome, and nothing left behind. */

import { mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { type Configuration, historyOf, type PeerName, peerNames } from './configuration.js';
import { Histories } from './histories.js';
import { historyLimitMs, phaseBounds, timeLimitMs } from './plan.js';
import { runChild } from './run-child.js';
import type { Sizes } from './sizes.js';
import type { Trial } from './summary.js';

/** What all trials of a run share. */
export interface TrialRunnerOptions {
  /** An empty directory on the disk that is measured; the caller removes it. */
  readonly parent: string;
  readonly sizes: Sizes;
  readonly seconds: number;
  readonly shards: number | null;
  readonly signal: AbortSignal;
  /** Why the peers of this run cannot be measured, or undefined when they can. */
  readonly peerProblem: (peer: PeerName) => string | undefined;
}

export class TrialRunner {
  readonly #options: TrialRunnerOptions;
  readonly #histories: Histories;

  constructor(options: TrialRunnerOptions) {
    this.#options = options;
    const { parent, sizes, shards, signal } = options;
    this.#histories = new Histories(parent, async (history, directory) => {
      const bounds = { timeMsMax: historyLimitMs, signal };
      await runChild({ task: 'history', history, directory, sizes, shards }, bounds);
    });
  }

  /** Runs one trial. A trial that fails has a problem as its outcome; only an interruption throws. */
  async run(configuration: Configuration, round: number): Promise<Trial> {
    const { parent, signal, peerProblem } = this.#options;
    const known = isOfPeer(configuration) ? peerProblem(configuration.subject) : undefined;
    if (known !== undefined) return { configuration, round, outcome: { problem: known } };
    const directory = await mkdtemp(join(parent, 'trial-'));
    try {
      return { configuration, round, outcome: await this.#measure(configuration, round, directory) };
    } catch (error) {
      signal.throwIfAborted();
      return {
        configuration,
        round,
        outcome: { problem: error instanceof Error ? error.message : String(error) },
      };
    } finally {
      await rm(directory, { recursive: true, force: true, maxRetries: 5 });
    }
  }

  async #measure(configuration: Configuration, round: number, directory: string) {
    const { sizes, seconds, shards, signal } = this.#options;
    const history = historyOf(configuration, sizes);
    if (history !== undefined) await this.#histories.copyTo(history, directory);
    const seed = round + 1;
    const spec = { task: 'trial', configuration, seed, directory, sizes, shards } as const;
    const bounds = { timeMsMax: timeLimitMs(configuration, seconds), signal };
    return runChild({ ...spec, ...phaseBounds(seconds, sizes) }, bounds);
  }
}

/** Whether somebody else's software is measured. */
export function isOfPeer(
  configuration: Configuration,
): configuration is Configuration & { readonly subject: PeerName } {
  return peerNames.some((peer) => peer === configuration.subject);
}

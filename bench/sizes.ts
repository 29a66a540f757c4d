/** How much the workloads ask. Pure data: the usual sizes, and tiny ones that only show that every row runs. */

/** The sizes of one run. */
export interface Sizes {
  /** Commands that bound a phase of the closed loop, besides its time: a fast subject is not measured on a far larger log. */
  readonly warmUpCommandsMax: number;
  readonly measuredCommandsMax: number;
  /** Events in the log that W3, W4 and W5 read, and in the smallest log of W6. */
  readonly historyEvents: number;
  /** Events of the space that W4 rebuilds, in that log and in one that holds nothing else. */
  readonly rebuildEvents: number;
  /** The larger logs of W6. */
  readonly longHistories: readonly number[];
  /** W7: the spaces, the events in all of them, and how many cold spaces are asked. */
  readonly coldSpaces: number;
  readonly coldEvents: number;
  readonly coldSamples: number;
  /** Spaces that are touched and evicted before the memory of idle spaces is read for the first and for the second time. */
  readonly idleSpaces: readonly [first: number, second: number];
  /** How long a resident size must not fall until it counts as settled. */
  readonly idleSettleMs: number;
  /** Commands of the run over which the resident size must be flat. */
  readonly longRunCommands: number;
  /** The rows of the nouns: calls of each kind, keys of the state, and gets of what is in memory. */
  readonly nounCalls: number;
  readonly nounKeys: number;
  readonly nounGets: number;
}

/** What the targets are about. */
export const usualSizes: Sizes = {
  warmUpCommandsMax: 50_000,
  measuredCommandsMax: 200_000,
  historyEvents: 100_000,
  rebuildEvents: 10_000,
  longHistories: [1_000_000, 5_000_000],
  coldSpaces: 10_000,
  coldEvents: 1_000_000,
  coldSamples: 200,
  idleSpaces: [5_000, 45_000],
  idleSettleMs: 3_000,
  longRunCommands: 5_000_000,
  nounCalls: 300,
  nounKeys: 50_000,
  nounGets: 2_000_000,
};

/** Everything runs through, and the figures say nothing. */
export const tinySizes: Sizes = {
  warmUpCommandsMax: 200,
  measuredCommandsMax: 500,
  historyEvents: 1_000,
  rebuildEvents: 100,
  longHistories: [2_000, 4_000],
  coldSpaces: 50,
  coldEvents: 500,
  coldSamples: 10,
  idleSpaces: [50, 150],
  idleSettleMs: 200,
  longRunCommands: 4_000,
  nounCalls: 10,
  nounKeys: 1_000,
  nounGets: 10_000,
};

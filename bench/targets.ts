/** What Ramax is to reach: one table, row by row. Rows without a target stand in the report for comparison. */

import { peerNames } from './configuration.js';
import { peers } from './peers.js';
import { inFlightSteps } from './workloads.js';

/** A target of one row. */
export interface Target {
  /** The row's id. */
  readonly row: string;
  /** Ramax divided by its yardstick, or the figure of Ramax itself, in the row's unit. */
  readonly of: 'ratio' | 'figure';
  readonly comparison: 'at least' | 'at most';
  readonly number: number;
}

type Line = readonly [row: string, of: Target['of'], comparison: Target['comparison'], number: number];

const lines: readonly Line[] = [
  ['w1-1024', 'ratio', 'at least', 2],
  ['w1-1024-naive', 'ratio', 'at least', 20],
  ['w1-64', 'ratio', 'at least', 2.5],
  ['w1-1-p50', 'ratio', 'at most', 2],
  ['w1-64-p99', 'ratio', 'at most', 5],
  ['w1-1024-cpu', 'figure', 'at most', 12],
  ['w2-64', 'ratio', 'at least', 1.5],
  ['w3-fetch-1024', 'ratio', 'at least', 1],
  ['w3-fetch-64', 'ratio', 'at least', 0.7],
  ['w4-tenSpaces-long', 'ratio', 'at least', 1],
  ['w4-oneSpace-long', 'ratio', 'at least', 1],
  ['w4-tenSpaces-short', 'ratio', 'at least', 1],
  ['w4-independence', 'ratio', 'at most', 1.2],
  ['w5', 'ratio', 'at least', 0.8],
  // The second long log is the one of five million events.
  ['w6-2-1024-itself', 'ratio', 'at least', 0.9],
  ['w6-2-64-itself', 'ratio', 'at least', 0.9],
  ['w7-ready', 'figure', 'at most', 1_000],
  ['w7-cold-p50', 'figure', 'at most', 50],
  ['w7-cold-p99', 'figure', 'at most', 50],
  ['w7-cold-max', 'figure', 'at most', 50],
  ['memory-idle', 'figure', 'at most', 2_048],
  ['memory-flat', 'ratio', 'at most', 1.05],
  ['seed-create', 'figure', 'at most', 10],
  ['seed-find', 'figure', 'at most', 1],
  ['seed-append', 'figure', 'at most', 10],
  ['seed-rebuild-1k', 'figure', 'at most', 1_000],
  ['seed-rebuild-10k', 'figure', 'at most', 5_000],
  ['seed-get-many', 'figure', 'at most', 20],
  ['seed-put-many', 'figure', 'at most', 50],
  ['seed-preload', 'figure', 'at most', 20],
  ['seed-migrate-first', 'figure', 'at most', 2],
  ['seed-migrate-second', 'figure', 'at most', 0.5],
  ['seed-warm-get', 'figure', 'at least', 2_000_000],
  ['seed-cold-get', 'figure', 'at least', 500_000],
];

/** Ahead of every peer of equal durability, on every workload that it can run. */
const beforePeers = peerNames
  .filter((peer) => peers[peer].isAsDurable)
  .flatMap((peer) =>
    ['w1', 'w2'].flatMap((workload) =>
      inFlightSteps.map((inFlight): Line => [`peer-${peer}-${workload}-${inFlight}`, 'ratio', 'at least', 1]),
    ),
  );

export const targets: readonly Target[] = [...lines, ...beforePeers].map(([row, of, comparison, number]) => ({
  row,
  of,
  comparison,
  number,
}));

/** Whether a value reaches a target. */
export function isMet({ comparison, number }: Target, value: number): boolean {
  return comparison === 'at least' ? value >= number : value <= number;
}

/** How far a value is beyond its target: 1 is on it, more is better, whichever way the comparison goes. */
export function attainment({ comparison, number }: Target, value: number): number {
  return comparison === 'at least' ? value / number : number / value;
}

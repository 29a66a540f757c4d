/** One row of the report: a figure of Ramax, a yardstick beside it, and how both are read. Plain data. */

import type { Configuration } from './configuration.js';
import type { FigureName } from './trial-spec.js';

/** The groups of rows, as `--only` takes them. */
export const groupNames = [
  'w1',
  'w2',
  'w3',
  'w4',
  'w5',
  'seed',
  'w6',
  'w7',
  'memory',
  'fairness',
  'peers',
] as const;

export type GroupName = (typeof groupNames)[number];

/** What `npm run bench` runs; the others are for `npm run bench:full`. */
export const coreGroups: readonly GroupName[] = ['w1', 'w2', 'w3', 'w4', 'w5', 'seed'];

/** Where a figure comes from. */
export interface Source {
  readonly configuration: Configuration;
  readonly figure: FigureName;
}

export type Unit = 'per second' | 'µs' | 'ms' | 'bytes' | 'MiB';

export interface Row {
  readonly id: string;
  readonly group: GroupName;
  readonly title: string;
  readonly unit: Unit;
  readonly ramax: Source;
  /** What stands beside it; `name` is what the report calls it. */
  readonly yardstick?: Source & { readonly name: string };
  /** Set for a row beside a peer: its target holds only where durability is equal. */
  readonly remark?: string;
}

/**
 * Changes that the store does not hold yet, as one layer over what lies below.
 *
 * A layer knows for each changed key its new value or that it is gone, and whether everything below it was cleared.
 * `PState` owns two: the dirty one, which is written to, and the frozen one, which waits for its commit.
 */

import { encodeValue } from '../codec/value-codec.js';
import type { Checkpoint } from '../core/event.js';
import type { Value } from '../core/values.js';
import type { ViewBuild, ViewFlush } from './port.js';

/** Says that a key has no value: a tombstone in a layer, a remembered absence in the cache. */
export const absent: unique symbol = Symbol('absent');

/** What is known of one key. `undefined` beside it means that nothing is known here. */
export type Known = Value | typeof absent;

/** One layer of changes. */
export class ChangeLayer {
  /** Nothing of what lies below shows through. */
  readonly cleared: boolean;
  /** The newest change of each changed key. */
  readonly changes = new Map<string, Known>();

  constructor(cleared = false) {
    this.cleared = cleared;
  }

  /** What this layer says of `key`; undefined when what lies below decides. */
  lookup(key: string): Known | undefined {
    const change = this.changes.get(key);
    return change === undefined && this.cleared ? absent : change;
  }

  /** The number of changes; clearing counts as one, so that 0 means that there is nothing to write. */
  get size(): number {
    return this.changes.size + (this.cleared ? 1 : 0);
  }
}

/** What a flush says of a build besides its entries. See `ViewFlush`. */
export type FlushExtras = Pick<ViewFlush, 'state' | 'fingerprint'>;

/** What the store has to be told about `layer`; an empty flush moves the checkpoint alone. */
export function describeFlush(
  view: ViewBuild,
  layer: ChangeLayer | undefined,
  checkpoint: Checkpoint,
  extras: FlushExtras = {},
): ViewFlush {
  const puts: (readonly [string, Uint8Array])[] = [];
  const deletes: string[] = [];
  for (const [key, change] of layer?.changes ?? []) {
    if (change !== absent) puts.push([key, encodeValue(change)]);
    else if (layer?.cleared === false) deletes.push(key);
  }
  const { state, fingerprint } = extras;
  return { view, state, fingerprint, clear: layer?.cleared ?? false, puts, deletes, checkpoint };
}

/** What the spaces of one shard share: the cache of values, the states of the past, and the right to fill views. */

import type { TextDigest } from '../core/clock.js';
import type { Limits } from '../core/limits.js';
import type { LoadedView } from '../core/loaded-app.js';
import { Permits } from '../core/permits.js';
import { Vitals } from '../core/vitals.js';
import { ValueCache } from '../pstate/value-cache.js';
import type { Recorder } from '../telemetry/recorder.js';
import { History } from './history.js';
import type { HeldBytes } from './output-gate.js';
import type { TurnCount } from './pace.js';
import type { Unflushed } from './pending-flush.js';
import { PoisonedEvents } from './poisoned-events.js';

/** See the head of this file. */
export interface SharedBySpaces {
  readonly cache: ValueCache;
  readonly history: History;
  /** One for each space whose views are filled behind. */
  readonly fills: Permits;
  readonly fingerprints: Fingerprints;
  /** The turns that were taken. */
  readonly turnCount: TurnCount;
  /** Where is marked what code of the app runs. */
  readonly vitals: Vitals;
  /** Where turns are measured while somebody listens. Absent: nobody ever does. */
  readonly recorder: Recorder | undefined;
  readonly poisoned: PoisonedEvents;
  /** The answers that are held back. */
  readonly heldBytes: HeldBytes;
  /** What has come while flushes fail. */
  readonly unflushed: Unflushed;
}

/** What the thread of a shard brings along. */
export type OfThread = Partial<Pick<SharedBySpaces, 'vitals' | 'poisoned' | 'recorder'>>;

/** Made once for a shard, or for a content store that is used alone. */
export function sharedBySpaces(
  limits: Limits,
  { vitals = new Vitals(), poisoned = new PoisonedEvents(), recorder }: OfThread = {},
): SharedBySpaces {
  const turnCount = { turns: 0 };
  return {
    cache: new ValueCache({ entriesMax: limits.cacheEntriesMax, bytesMax: limits.cacheBytesMax }),
    history: new History(limits, { turnCount, vitals, poisoned }),
    fills: new Permits(limits.buildsAtOnceMax),
    fingerprints: new Fingerprints(),
    turnCount,
    vitals,
    recorder,
    poisoned,
    heldBytes: { bytes: 0 },
    unflushed: { bytes: 0 },
  };
}

/** The digests of the sources of views, each made once. */
export class Fingerprints {
  readonly #known = new WeakMap<LoadedView, string>();

  /** The fingerprint of the projections of `view`. */
  of(view: LoadedView, digest: TextDigest): string {
    const known = this.#known.get(view) ?? digest(view.source);
    this.#known.set(view, known);
    return known;
  }
}

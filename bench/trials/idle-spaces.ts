/**
 * What a space costs in memory that was used once and is idle since: many spaces get one command each, few may stay open,
 * and the resident size is read behind the first and behind all of them.
 */

import { setTimeout as sleep } from 'node:timers/promises';
import { spaceNameOf, startRamax } from '../subjects/ramax.js';
import type { TrialSpec } from '../trial-spec.js';
import type { Finding } from './finding.js';

/** Few stay open, and none for long. */
const limits = { openSpacesMax: 64, idleSpaceMs: 1_000 };
const atOnce = 64;
/** A size that goes on falling is waited for no longer. */
const settleMsMax = 30_000;
const looks = 6;

export async function measureIdleSpaces(spec: TrialSpec): Promise<Finding> {
  const { idleSpaces, idleSettleMs } = spec.sizes;
  const [first, second] = idleSpaces;
  const ramax = await startRamax({ ...spec, limits });
  const touch = async (from: number, end: number): Promise<void> => {
    let next = from;
    const call = async (): Promise<void> => {
      while (next < end) {
        const space = await ramax.spaces.getOrCreate(spaceNameOf(next++));
        await space.execute('addContact', { id: 'c1', name: 'Grace Hopper', email: 'c1@acme.example' });
      }
    };
    await Promise.all(Array.from({ length: atOnce }, call));
  };
  try {
    await touch(0, first);
    const before = await settledRss(idleSettleMs);
    await touch(first, second);
    const after = await settledRss(idleSettleMs);
    return { figures: { bytesPerSpace: Math.max(0, after - before) / (second - first) } };
  } finally {
    await ramax.close();
  }
}

/** The smallest resident size that is seen while nobody calls, when it has stopped falling. */
async function settledRss(settleMs: number): Promise<number> {
  let smallest = Number.POSITIVE_INFINITY;
  const deadlineMs = performance.now() + settleMsMax;
  for (let calm = 0; calm < looks && performance.now() < deadlineMs; ) {
    globalThis.gc?.();
    await sleep(settleMs / looks);
    const resident = process.memoryUsage.rss();
    calm = resident < smallest * 0.99 ? 0 : calm + 1;
    smallest = Math.min(smallest, resident);
  }
  return smallest;
}

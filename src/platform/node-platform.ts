/** Node's clock, ids and digests behind the ports of `core/clock.ts`. */

import { createHash, hash, randomUUID } from 'node:crypto';
import type { ChainDigest, Clock, IdSource, Platform, TextDigest, Timer } from '../core/clock.js';

/** Node takes a longer timeout for one of 1 ms. */
const longestTimeoutMs = 2 ** 31 - 1;

const nodeClock: Clock = {
  now: () => Date.now(),
  monotonicMs: () => performance.now(),
  after(delayMs: number, task: () => void): Timer {
    if (delayMs > longestTimeoutMs) return afterSeveral(delayMs, task);
    const timer = setTimeout(task, delayMs);
    timer.unref();
    return { cancel: () => clearTimeout(timer) };
  },
  soon: (task) => void setImmediate(task),
};

/** A delay that takes several timeouts, one after the other. */
function afterSeveral(delayMs: number, task: () => void): Timer {
  let timer = nodeClock.after(longestTimeoutMs, () => {
    timer = nodeClock.after(delayMs - longestTimeoutMs, task);
  });
  return { cancel: () => timer.cancel() };
}

const nodeIds: IdSource = { newId: () => randomUUID() };

/** One SHA-256 over the whole input, cut to its first 16 bytes: enough against damage, half the disk. */
const chainDigest: ChainDigest = (previous, header, payload) => {
  const digest = createHash('sha256').update(previous).update(header).update(payload).digest();
  return Uint8Array.prototype.slice.call(digest, 0, 16);
};

const textDigest: TextDigest = (text) => hash('sha256', text, 'hex').slice(0, 32);

/** The platform that Ramax runs on in production. */
export const nodePlatform: Platform = {
  clock: nodeClock,
  ids: nodeIds,
  chainDigest,
  textDigest,
};

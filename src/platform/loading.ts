/**
 * Whether a thread has loaded its modules. One that is ended while it does can take the whole process with it: a native assertion
 * of Node fails when a module that is loaded with `require` is interrupted (seen on 20.20). So ending waits for it.
 */

import { setTimeout as sleep } from 'node:timers/promises';

const loadPollMs = 5;
/** A module may never come to an end: then the thread is ended all the same. */
const loadMsMax = 10_000;

/** Crosses to the thread with its first task. */
export type LoadedFlag = Int32Array<SharedArrayBuffer>;

export function newLoadedFlag(): LoadedFlag {
  return new Int32Array(new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT));
}

/** Called by the thread: its first task runs. */
export function setLoaded(flag: LoadedFlag): void {
  Atomics.store(flag, 0, 1);
}

/** Resolves when the thread has loaded its modules, or has ended, or takes too long. */
export async function whenLoaded(flag: LoadedFlag, ended: Promise<unknown>): Promise<void> {
  let hasEnded = false;
  const end = (): void => {
    hasEnded = true;
  };
  ended.then(end, end);
  const giveUpMs = performance.now() + loadMsMax;
  while (Atomics.load(flag, 0) === 0 && !hasEnded && performance.now() < giveUpMs) await sleep(loadPollMs);
}

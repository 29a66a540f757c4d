/** The torture app with a command that harms its own thread, once, in the way that a file tells it; else it is a `put`. */

import { readFileSync, rmSync } from 'node:fs';
import { defineApp } from 'ramax';
import torture, { type Entry } from './torture.app.js';

const harms: Readonly<Record<string, () => void>> = {
  exit: () => process.exit(7),
  throw: () => void setTimeout(() => raise('nobody catches this'), 5),
  reject: () => void setTimeout(() => void Promise.reject(new Error('nobody awaits this')), 5),
  heap() {
    const hoard: unknown[] = [];
    for (;;) hoard.push(new Array(500_000).fill(hoard.length));
  },
  loop() {
    for (;;);
  },
  pause: () => void Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 400),
};

function raise(message: string): never {
  throw new Error(message);
}

function takeOrder(file: string): string | undefined {
  try {
    const order = readFileSync(file, 'utf8');
    rmSync(file);
    return order;
  } catch {
    return undefined;
  }
}

export default defineApp({
  ...torture,
  commands: {
    ...torture.commands,
    harm(pstate: unknown, entry: Entry & { readonly order: string }) {
      const order = takeOrder(entry.order);
      if (order !== undefined) harms[order]?.();
      return torture.commands.put(pstate as never, entry);
    },
  },
} as never);

import { existsSync, writeFileSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';

/** Resolves when `condition` holds; fails after 30 seconds, because then it never will. */
export async function until(
  condition: () => boolean | Promise<boolean>,
  what = 'a condition',
): Promise<void> {
  const end = performance.now() + 30_000;
  while (!(await condition())) {
    if (performance.now() > end) throw new Error(`${what} has not come true within 30 s`);
    await pause(2);
  }
}

/** A place where a thread waits for the test: the barrier that sleeps would only approximate. */
export class Gate {
  /** What a fixture is told: it makes the file `<path>.entered` and waits for `<path>.released`. */
  readonly path: string;

  constructor(path: string) {
    this.path = path;
  }

  /** Resolves when the thread is at the gate. */
  entered(): Promise<void> {
    return until(() => existsSync(`${this.path}.entered`), 'a thread at the gate');
  }

  /** Lets the thread go on. */
  release(): void {
    writeFileSync(`${this.path}.released`, '');
  }
}

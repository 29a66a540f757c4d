/** Programs of the fixtures in a process of their own, which is killed at a moment of the test's choice. */

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { until } from './gate.js';
import { fixture } from './runtime-bed.js';

/**
 * Runs a program that says `started` and, when nothing is left to do, `done`. Kills it so long after it has started, if it is not done by
 * then. Says whether it is done.
 */
export async function runProgram(
  name: string,
  args: readonly (string | number)[],
  killAfterMs: number | undefined,
): Promise<boolean> {
  const child = spawn(process.execPath, [fileURLToPath(fixture(name)), ...args.map(String)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const exited = once(child, 'exit');
  let output = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    output += text;
  });
  await until(() => output.includes('started'), 'the program has started');
  if (killAfterMs !== undefined) {
    await Promise.race([setTimeout(killAfterMs), exited]);
    child.kill('SIGKILL');
  }
  await exited;
  return output.includes('done');
}

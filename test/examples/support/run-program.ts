/** A program as a user runs it: built, in a process of its own, on real threads and a real disk. Needs `dist`. */

import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';

/** How a program has ended. */
export interface Ended {
  readonly exitCode: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** What a run may be given. */
export interface RunOptions {
  /** Where its temporary directories land, so that a test sees whether they go. */
  readonly directory: string;
  /** The signal that it gets when it has printed its first line of progress. */
  readonly stopAt?: NodeJS.Signals;
  /** The signal that it gets when it has printed the first line of its account. */
  readonly stopAtFirstLine?: NodeJS.Signals;
}

/** Runs `dist/examples/<name>/main.js`. */
export function runProgram(name: string, args: readonly string[], options: RunOptions): Promise<Ended> {
  const program = fileURLToPath(new URL(`../../../dist/examples/${name}/main.js`, import.meta.url));
  const env = { ...process.env, NO_COLOR: '1', TMPDIR: options.directory };
  const child = spawn(process.execPath, [program, ...args], { env, stdio: ['ignore', 'pipe', 'pipe'] });
  let stdout = '';
  let stderr = '';
  child.stdout.once('data', () => {
    if (options.stopAtFirstLine !== undefined) child.kill(options.stopAtFirstLine);
  });
  child.stdout.on('data', (chunk: Buffer) => {
    stdout += chunk.toString();
  });
  child.stderr.once('data', () => {
    if (options.stopAt !== undefined) child.kill(options.stopAt);
  });
  child.stderr.on('data', (chunk: Buffer) => {
    stderr += chunk.toString();
  });
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (exitCode) => resolve({ exitCode, stdout, stderr }));
  });
}

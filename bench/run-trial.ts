/** The runner's side of a trial: a fresh directory, a child process, its result. */

import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import type { TrialResult, TrialSpec } from './trial-spec.js';

const run = promisify(execFile);
const program = fileURLToPath(new URL('./trial.js', import.meta.url));

/** Start, drain and close take a moment; a child that needs longer than this besides its phases hangs. */
const graceMs = 60_000;
const outputBytesMax = 16 * 1024 * 1024;

/** Runs one trial in a fresh directory inside `parent`, which is removed afterwards. */
export async function runTrial(
  parent: string,
  spec: Omit<TrialSpec, 'directory'>,
  signal: AbortSignal,
): Promise<TrialResult> {
  const directory = await mkdtemp(join(parent, 'trial-'));
  try {
    const { stdout } = await run(process.execPath, [program, JSON.stringify({ ...spec, directory })], {
      signal,
      timeout: spec.warmUp.timeMsMax + spec.measured.timeMsMax + graceMs,
      killSignal: 'SIGKILL',
      maxBuffer: outputBytesMax,
    });
    return JSON.parse(stdout) as TrialResult;
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

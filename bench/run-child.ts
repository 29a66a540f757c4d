/** One child process: a spec in, a result out. Ends it when it hangs, and when the run is interrupted. */

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import type { HistorySpec, TrialResult, TrialSpec } from './trial-spec.js';

const program = fileURLToPath(new URL('./trial.js', import.meta.url));
/** A process group of its own, so that a server which the child has started ends with it. */
const isGrouped = process.platform !== 'win32';

/** The bounds of a child. */
export interface ChildBounds {
  readonly timeMsMax: number;
  readonly signal: AbortSignal;
}

/** @throws when the child fails, hangs or is interrupted; the message is the line of its last words that says why */
export async function runChild(
  spec: TrialSpec | HistorySpec,
  { timeMsMax, signal }: ChildBounds,
): Promise<TrialResult> {
  const args = ['--expose-gc', program, JSON.stringify(spec)];
  const child = spawn(process.execPath, args, { detached: isGrouped, stdio: ['ignore', 'pipe', 'pipe'] });
  const either = AbortSignal.any([signal, AbortSignal.timeout(timeMsMax)]);
  const end = (): void => endGroup(child);
  either.addEventListener('abort', end);
  try {
    const [stdout, stderr, [code]] = await Promise.all([
      text(child.stdout),
      text(child.stderr),
      once(child, 'exit'),
    ]);
    signal.throwIfAborted();
    if (either.aborted) throw new Error(`took more than ${timeMsMax} ms and was ended`);
    if (code !== 0) throw new Error(lastWords(stderr, code));
    // Peers may print; the result is the last line.
    return JSON.parse(stdout.trimEnd().split('\n').at(-1) ?? '') as TrialResult;
  } finally {
    either.removeEventListener('abort', end);
    end();
  }
}

/** Ends what is left of a child and of whatever it has started. */
function endGroup({ pid }: ChildProcess): void {
  if (pid === undefined) return;
  try {
    process.kill(isGrouped ? -pid : pid, 'SIGKILL');
  } catch {
    // There is nobody any more.
  }
}

function lastWords(stderr: string, code: unknown): string {
  const lines = stderr.split('\n').map((line) => line.trim());
  const thrown = lines.find((line) => /^[\w.]*(Error|Exception)\b.*:/.test(line));
  return thrown ?? lines.find((line) => line !== '') ?? `ended with code ${code}`;
}

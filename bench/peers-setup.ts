/** Makes the peers ready: installs and builds their package, and says for each why it cannot be measured. */

import { execFile } from 'node:child_process';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import type { PeerName } from './configuration.js';
import { findPostgres } from './find-postgres.js';
import { peersDirectory } from './peers.js';

const run = promisify(execFile);
const timeMsMax = 15 * 60_000;

/** Why a peer cannot be measured, or undefined when it can. */
export type PeerProblem = (peer: PeerName) => string | undefined;

/** Installs and builds. Whatever fails becomes the problem of every peer; a run goes on without them. */
export async function setUpPeers(signal: AbortSignal): Promise<PeerProblem> {
  try {
    // On Windows npm is a script, which only a shell runs.
    const shell = process.platform === 'win32';
    await run('npm', ['ci', '--no-audit', '--no-fund'], {
      cwd: peersDirectory,
      timeout: timeMsMax,
      signal,
      shell,
    });
    await run(process.execPath, [compiler(), '-p', peersDirectory], { timeout: timeMsMax, signal });
  } catch (error) {
    signal.throwIfAborted();
    return () => `bench/peers could not be installed and built: ${firstLine(error)}`;
  }
  const postgres = await findPostgres();
  return (peer) =>
    peer.includes('postgres') && postgres === undefined
      ? 'initdb and postgres are neither in PATH nor in /usr/lib/postgresql'
      : undefined;
}

function compiler(): string {
  const manifest = createRequire(import.meta.url).resolve('typescript/package.json');
  return fileURLToPath(new URL('./bin/tsc', `file://${manifest}`));
}

function firstLine(error: unknown): string {
  const said = error instanceof Error && 'stderr' in error ? String(error.stderr) : '';
  const stdout = error instanceof Error && 'stdout' in error ? String(error.stdout) : '';
  const lines = `${said}\n${stdout}\n${String(error)}`.split('\n');
  return lines.find((line) => /error/i.test(line))?.trim() ?? String(error);
}

/** Makes the peers ready: installs and builds their package, and says for each why it cannot be measured. */

import { execFile } from 'node:child_process';
import { readFile, stat } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import type { PeerName } from './configuration.js';
import { findPostgres } from './find-postgres.js';
import { peersDirectory } from './peers.js';

const run = promisify(execFile);
const timeMsMax = 15 * 60_000;

/** What is known of the peers before they are measured. */
export interface PeerSetup {
  /** Why a peer cannot be measured, or undefined when it can. */
  readonly problemOf: (peer: PeerName) => string | undefined;
  /** What is installed, with its version. */
  readonly versions: readonly string[];
}

/** The setup of a run that measures no peers. */
export const noPeers: PeerSetup = { problemOf: () => undefined, versions: [] };

/** Installs and builds. Whatever fails becomes the problem of every peer; a run goes on without them. */
export async function setUpPeers(signal: AbortSignal): Promise<PeerSetup> {
  try {
    if (!(await isInstalled())) await install(signal);
    await run(process.execPath, [compiler(), '-p', peersDirectory], { timeout: timeMsMax, signal });
  } catch (error) {
    signal.throwIfAborted();
    const problem = `bench/peers could not be installed and built: ${firstLine(error)}`;
    return { problemOf: () => problem, versions: [] };
  }
  const programs = await findPostgres();
  return {
    problemOf: (peer) =>
      peer.includes('postgres') && programs === undefined
        ? 'initdb and postgres are neither in PATH nor in /usr/lib/postgresql'
        : undefined,
    versions: [...(await packageVersions()), ...(await postgresVersion(programs))],
  };
}

async function packageVersions(): Promise<readonly string[]> {
  const { dependencies } = JSON.parse(await readFile(`${peersDirectory}package.json`, 'utf8')) as {
    readonly dependencies: Readonly<Record<string, string>>;
  };
  return Object.entries(dependencies).map(([name, version]) => `${name} ${version}`);
}

async function postgresVersion(programs: string | undefined): Promise<readonly string[]> {
  if (programs === undefined) return [];
  const { stdout } = await run(join(programs, 'postgres'), ['--version']);
  return [stdout.trim()];
}

/** As the lockfile says: npm writes its own copy of it last. */
async function isInstalled(): Promise<boolean> {
  try {
    const installed = await stat(`${peersDirectory}node_modules/.package-lock.json`);
    const wanted = await stat(`${peersDirectory}package-lock.json`);
    return installed.mtimeMs >= wanted.mtimeMs;
  } catch {
    return false;
  }
}

async function install(signal: AbortSignal): Promise<void> {
  process.stderr.write('installing bench/peers: a minute or two\n');
  // On Windows npm is a script, which only a shell runs.
  const shell = process.platform === 'win32';
  const args = ['ci', '--no-audit', '--no-fund'];
  await run('npm', args, { cwd: peersDirectory, timeout: timeMsMax, signal, shell });
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

/**
 * A PostgreSQL server for one trial: its own data in the trial's directory, on a free port of the loopback, synced as
 * PostgreSQL does by default, stopped by its process id.
 */

import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, chown, mkdir } from 'node:fs/promises';
import { createServer } from 'node:net';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import pg from 'pg';
import { findPostgres } from '../find-postgres.js';

const run = promisify(execFile);
const user = 'bench';
const startMsMax = 20_000;

/** The durability is the default; the rest gives it room: memory, and rare checkpoints. */
const settings = {
  listen_addresses: '127.0.0.1',
  fsync: 'on',
  synchronous_commit: 'on',
  shared_buffers: '256MB',
  max_wal_size: '4GB',
};

export class PostgresServer {
  readonly #process: ChildProcess;
  readonly connectionString: string;

  private constructor(child: ChildProcess, port: number) {
    this.#process = child;
    this.connectionString = `postgresql://${user}@127.0.0.1:${port}/postgres`;
  }

  static async start(directory: string): Promise<PostgresServer> {
    const programs = await findPostgres();
    if (programs === undefined) throw new Error('there is no PostgreSQL');
    const data = join(directory, 'postgres');
    const identity = await identityFor(data);
    const locale = ['--encoding=UTF8', '--locale=C'];
    await run(join(programs, 'initdb'), ['-D', data, '-U', user, '--auth=trust', ...locale], identity);
    const port = await freePort();
    const all = { ...settings, port: String(port), unix_socket_directories: '' };
    const args = Object.entries(all).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
    const child = spawn(join(programs, 'postgres'), ['-D', data, ...args], { stdio: 'ignore', ...identity });
    const server = new PostgresServer(child, port);
    await server.#ready();
    return server;
  }

  /** Asks the database once, over a connection of its own. */
  async query<Row extends pg.QueryResultRow>(sql: string): Promise<readonly Row[]> {
    const client = new pg.Client({ connectionString: this.connectionString });
    await client.connect();
    try {
      return (await client.query<Row>(sql)).rows;
    } finally {
      await client.end();
    }
  }

  /** The events in a table. */
  async count(table: string): Promise<number> {
    const [row] = await this.query<{ count: string }>(`SELECT count(*) AS count FROM ${table}`);
    return Number(row?.count);
  }

  async stop(): Promise<void> {
    if (this.#process.exitCode !== null) return;
    const exited = once(this.#process, 'exit');
    // A fast shutdown: clients are disconnected, and the log is written.
    this.#process.kill('SIGINT');
    await exited;
  }

  async #ready(): Promise<void> {
    const deadlineMs = performance.now() + startMsMax;
    for (;;) {
      try {
        await this.query('SELECT 1');
        return;
      } catch (error) {
        if (this.#process.exitCode !== null || performance.now() > deadlineMs) throw error;
        await sleep(50);
      }
    }
  }
}

/** The user `nobody`, nearly everywhere. */
const nobody = { uid: 65_534, gid: 65_534 };

/**
 * The server refuses to be run by root. It is then run by nobody, who gets the data and may pass through the directories of
 * this run that lie above.
 */
async function identityFor(data: string): Promise<{ readonly uid?: number; readonly gid?: number }> {
  await mkdir(data, { mode: 0o700 });
  if (process.getuid?.() !== 0) return {};
  await chown(data, nobody.uid, nobody.gid);
  for (const above of [dirname(data), dirname(dirname(data))]) await chmod(above, 0o711);
  return nobody;
}

async function freePort(): Promise<number> {
  const probe = createServer().listen(0, '127.0.0.1');
  await once(probe, 'listening');
  const address = probe.address();
  probe.close();
  await once(probe, 'close');
  if (address === null || typeof address === 'string') throw new Error('there is no free port');
  return address.port;
}

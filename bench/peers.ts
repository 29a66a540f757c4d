/**
 * The peers: what each is, in which configuration, and what it does not do. Their code and their dependencies are a package
 * of its own, `bench/peers`, which is installed only when they are measured.
 */

import { fileURLToPath } from 'node:url';
import type { PeerName } from './configuration.js';

/** One peer, as the report shows it. */
export interface Peer {
  readonly title: string;
  /** The configuration, and what it does not do beside its figure. */
  readonly remark: string;
  /** Whether an answer means synced to disk, in the order of a space: only then there is a target beside it. */
  readonly isAsDurable: boolean;
}

export const peers: Readonly<Record<PeerName, Peer>> = {
  'emmett-sqlite': {
    title: 'Emmett, SQLite',
    remark:
      'one connection behind a mutex, synchronous=FULL (its default store answers concurrent commands with SQLITE_BUSY); ' +
      'CommandHandler reads the stream of one contact for each command; order for each stream, no order for a space, no command ids',
    isAsDurable: true,
  },
  'emmett-postgresql': {
    title: 'Emmett, PostgreSQL',
    remark:
      'a pool of 10 connections, fsync on; CommandHandler reads the stream of one contact for each command and ' +
      'commits by itself; order for each stream, no order for a space, no command ids; CPU without the server',
    isAsDurable: true,
  },
  'act-sqlite': {
    title: 'Act, SQLite',
    remark:
      'a line before its one store (concurrent transactions end the process), synchronous=FULL, its in-memory cache of ' +
      'states; one transaction for each command; ' +
      'order for each stream, no order for a space, no command ids',
    isAsDurable: true,
  },
  'castore-memory': {
    title: 'Castore, in memory',
    remark:
      'nothing on disk: no durability at all; reads the stream of one contact for each command; no command ids',
    isAsDurable: false,
  },
  'postgres-group': {
    title: 'PostgreSQL, group commit by hand',
    remark:
      'pg, state in maps, what has arrived goes in one INSERT while the one before commits, fsync on; ' +
      'no hash chain, no persisted state, no rebuild, no command ids; CPU without the server',
    isAsDurable: true,
  },
  'postgres-each': {
    title: 'PostgreSQL, a transaction each',
    remark:
      'pg, a pool of 10 connections, state in tables, the row of the space locked, fsync on; no hash chain, no rebuild, no command ids; CPU without the server',
    isAsDurable: true,
  },
};

/** The folder of their package, seen from `dist/bench`. */
export const peersDirectory = fileURLToPath(new URL('../../bench/peers/', import.meta.url));

/** The module of one peer, once the package is built. */
export function peerModule(name: PeerName): string {
  return `${peersDirectory}dist/peers/${name}.js`;
}

/** The ways in which a disk fails under a runtime. */

import type { DiskFault } from './shim/disk-shim.js';

/** See the head of this file. */
export interface DiskErrorKind {
  readonly name: string;
  readonly fault: DiskFault;
  /** The log's write-ahead log is filled until it has to be moved. */
  readonly needsCheckpoint?: boolean;
  /** Reads may fail, too. */
  readonly breaksReads?: boolean;
  /** The runtime is closed and started while the disk fails; `isAtClose`: it fails already while it closes. */
  readonly isAtStart?: boolean;
  readonly isAtClose?: boolean;
  /** The load may get by without such an operation. */
  readonly mayMiss?: boolean;
}

const wal = ['ramax.db-wal'];
const pstateWals = Array.from({ length: 7 }, (_, n) => `pstate-0${n}.db-wal`);
const everything = ['open', 'write', 'truncate'] as const;

export const diskErrorKinds: readonly DiskErrorKind[] = [
  { name: 'log full', fault: { operations: ['write'], error: 'ENOSPC', files: wal } },
  { name: 'log sync', fault: { operations: ['sync'], error: 'EIO', files: wal } },
  { name: 'log sync once', fault: { operations: ['sync'], error: 'EIO', files: wal, first: 2, count: 1 } },
  { name: 'log write', fault: { operations: ['write'], error: 'EIO', files: wal, first: 7 } },
  {
    name: 'log short',
    fault: { operations: ['write'], error: 'ENOSPC', files: wal, isShort: true, first: 3 },
  },
  { name: 'all full', fault: { operations: everything, error: 'ENOSPC' } },
  { name: 'all sync', fault: { operations: ['sync'], error: 'EIO' } },
  {
    name: 'checkpoint full',
    fault: { operations: ['write', 'truncate'], error: 'ENOSPC', files: ['ramax.db'] },
    needsCheckpoint: true,
  },
  {
    name: 'checkpoint sync',
    fault: { operations: ['sync'], error: 'EIO', files: ['ramax.db'] },
    needsCheckpoint: true,
  },
  { name: 'projections full', fault: { operations: ['write'], error: 'ENOSPC', files: pstateWals } },
  { name: 'projections write', fault: { operations: ['write'], error: 'EIO', files: pstateWals, count: 5 } },
  {
    name: 'lookups full',
    fault: { operations: everything, error: 'ENOSPC', files: ['lookups.db', 'lookups.db-wal'] },
    mayMiss: true,
  },
  {
    name: 'log read',
    fault: { operations: ['read'], error: 'EIO', files: ['ramax.db', 'ramax.db-wal'] },
    breaksReads: true,
    mayMiss: true,
  },
  {
    name: 'projections read',
    fault: { operations: ['read'], error: 'EIO', files: pstateWals },
    breaksReads: true,
    mayMiss: true,
  },
  {
    name: 'owner full',
    fault: { operations: ['write', 'open'], error: 'ENOSPC', files: ['.tmp', 'owner.json'] },
    isAtStart: true,
  },
  { name: 'start full', fault: { operations: everything, error: 'ENOSPC' }, isAtStart: true },
  { name: 'start sync', fault: { operations: ['sync'], error: 'EIO' }, isAtStart: true },
  {
    name: 'close full',
    fault: { operations: everything, error: 'ENOSPC' },
    isAtStart: true,
    isAtClose: true,
  },
];

import { existsSync, mkdirSync, rmSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { RamaxError } from '../../src/core/errors.js';
import { nodePlatform } from '../../src/platform/node-platform.js';
import { memory } from '../../src/storage/memory.js';
import { adapter as memoryAdapter } from '../../src/storage/memory-adapter.js';
import { networkFileSystemName } from '../../src/storage/network-file-system.js';
import { type SqliteOptions, sqlite } from '../../src/storage/sqlite.js';
import { adapter as sqliteAdapter } from '../../src/storage/sqlite-adapter.js';
import {
  append,
  createSpace,
  plainEvent,
  platformAt,
  rejectionCode,
  wide,
} from '../event-store/log-fixture.js';
import { temporaryDirectory } from '../event-store/sqlite-fixture.js';

describe('a storage reference', () => {
  it('is plain data that survives a clone, and names a module that stands beside it', () => {
    for (const [ref, module] of [
      [sqlite({ directory: './data' }), 'sqlite-adapter.js'],
      [memory(), 'memory-adapter.js'],
    ] as const) {
      expect(structuredClone(ref)).toEqual(ref);
      expect(ref.module).toMatch(new RegExp(`^file://.*/storage/${module}$`));
    }
  });

  it('has an absolute directory, so that it means the same after the working directory changed', () => {
    expect(sqlite({ directory: './data' }).options).toEqual({
      directory: resolve('data'),
      allowNetworkFileSystem: false,
      durability: 'synced',
      acceptMissingWitness: false,
    });
  });

  it.each([
    ['no options', undefined],
    ['no directory', {}],
    ['an empty directory', { directory: '' }],
    ['a directory that is no text', { directory: 7 }],
    ['a NUL in the directory', { directory: 'a\u0000b' }],
    ['a permission that is no boolean', { directory: 'a', allowNetworkFileSystem: 'yes' }],
    ['a durability that does not exist', { directory: 'a', durability: 'memory' }],
    ['a consent that is no boolean', { directory: 'a', acceptMissingWitness: 1 }],
    ['an option that does not exist', { directory: 'a', allowNetworkFilesystem: true }],
  ])('is refused for %s', (_title, options) => {
    const attempt = () => sqlite(options as SqliteOptions);
    expect(attempt).toThrow(RamaxError);
    expect(attempt).toThrow(expect.objectContaining({ code: 'invalid_input' }));
  });

  it('says which option a misspelt one may have meant', () => {
    expect(() => sqlite({ directory: 'a', directry: 'b' } as SqliteOptions)).toThrow(
      'did you mean directory?',
    );
  });
});

describe('file systems', () => {
  it('of the network are told by their number, local ones are not named', () => {
    expect(networkFileSystemName(0x6969)).toBe('NFS');
    expect(networkFileSystemName(0xff534d42)).toBe('CIFS');
    expect(networkFileSystemName(0xff534d42 - 2 ** 32)).toBe('CIFS');
    expect(networkFileSystemName(0x01021997)).toBe('9p');
    for (const local of [0xef53, 0x58465342, 0x9123683e, 0x01021994, 0x794c7630]) {
      expect(networkFileSystemName(local)).toBeUndefined();
    }
  });
});

describe('the SQLite adapter', () => {
  let directory: Awaited<ReturnType<typeof temporaryDirectory>>;

  beforeEach(async () => {
    directory = await temporaryDirectory();
  });

  afterEach(() => directory.remove());

  it('keeps the log and the partitions of projections in files of their own', async () => {
    const ref = sqlite({ directory: directory.path });
    const log = await sqliteAdapter.openLog(ref, platformAt(1));
    const { spaceId } = await createSpace(log, 'a');
    await log.commit([append(spaceId, 0, [plainEvent('a1')])]);
    expect(sqliteAdapter.readsBesideWriter).toBe(true);
    const reader = await sqliteAdapter.openLogReader(ref, platformAt(1));
    expect(await reader?.readSpace(spaceId, 0, wide)).toHaveLength(1);
    const partition = sqliteAdapter.openPStateStore(ref, { partition: 7, logId: log.logId, fence: 1 });
    expect(existsSync(join(directory.path, 'ramax.db'))).toBe(true);
    expect(existsSync(join(directory.path, 'pstate-07.db'))).toBe(true);
    partition.close();
    await reader?.close();
    await log.close();
  });

  it('opens the log with the durability, and without the witness, that were asked for', async () => {
    const synced = await sqliteAdapter.openLog(sqlite({ directory: directory.path }), nodePlatform);
    expect(synced.health.durability).toBe('synced');
    await createSpace(synced, 'a');
    await synced.close();
    rmSync(join(directory.path, 'ramax.witness'));
    const os = { directory: directory.path, durability: 'os' } as const;
    expect(await rejectionCode(sqliteAdapter.openLog(sqlite(os), nodePlatform))).toBe('witness_missing');
    const log = await sqliteAdapter.openLog(sqlite({ ...os, acceptMissingWitness: true }), nodePlatform);
    expect(log.health).toEqual({ durability: 'os', lost: undefined, witnessFailure: undefined });
    await log.close();
  });

  it('says that the storage failed when the directory is gone', async () => {
    const ref = sqlite({ directory: join(directory.path, 'gone') });
    expect(await rejectionCode(sqliteAdapter.openLog(ref, nodePlatform))).toBe('storage');
    mkdirSync(join(directory.path, 'gone'));
    expect(await rejectionCode(sqliteAdapter.openLogReader(ref, nodePlatform))).toBe('storage');
  });
});

describe('the memory adapter', () => {
  it('gives a fresh log at every opening, which no other thread can read and nobody else can own', async () => {
    const options = { ownershipWaitMs: 0 };
    const first = await memoryAdapter.acquireOwnership(memory(), nodePlatform, options);
    const second = await memoryAdapter.acquireOwnership(memory(), nodePlatform, options);
    const log = await memoryAdapter.openLog(memory(), nodePlatform);
    await createSpace(log, 'a');
    const other = await memoryAdapter.openLog(memory(), nodePlatform);
    expect(await other.listSpaces(0, 10)).toEqual([]);
    expect(log.health).toEqual({ durability: 'memory', lost: undefined, witnessFailure: undefined });
    expect(other.logId).not.toBe(log.logId);
    expect(memoryAdapter.readsBesideWriter).toBe(false);
    expect(await memoryAdapter.openLogReader(memory(), nodePlatform)).toBeUndefined();
    memoryAdapter.openPStateStore(memory(), { partition: 0, logId: log.logId, fence: 1 }).close();
    await first.release();
    await second.release();
  });
});

import { describe, expect, it } from 'vitest';
import { WriterCheckpoints } from '../../src/event-store/sqlite/wal-checkpoints.js';
import type { Connection } from '../../src/sqlite/connection.js';

/** A write-ahead log as the writer sees it, and the pages that the writer has moved. */
class FakeWal {
  pages = 0;
  moved = 0;
  checkpoints = 0;
  /** What a checkpoint says. */
  failure: Error | undefined;

  get connection(): Connection {
    return {
      prepare: () => ({ raw: () => ({ get: () => [0, this.pages, this.moved] }) }),
      pragma: () => {
        this.checkpoints++;
        if (this.failure !== undefined) throw this.failure;
        this.moved = this.pages;
        return [{ busy: 0, log: this.pages, checkpointed: this.moved }];
      },
    } as unknown as Connection;
  }

  /** The next transaction begins the write-ahead log again, when all of it is moved. */
  commit(pages: number): void {
    if (this.moved === this.pages) this.pages = this.moved = 0;
    this.pages += pages;
  }
}

describe('the writer beside a thread that moves pages', () => {
  it('keeps the write-ahead log bounded, also where few pages are never left', () => {
    const wal = new FakeWal();
    const checkpoints = new WriterCheckpoints(wal.connection, false);
    let longest = 0;
    for (let commit = 0; commit < 20_000; commit++) {
      // The other thread is done with what it saw some commits ago.
      const isDone = commit % 300 === 0;
      wal.commit(40);
      if (isDone) wal.moved = Math.max(wal.moved, wal.pages - 1_250);
      checkpoints.committed();
      longest = Math.max(longest, wal.pages);
    }
    expect(longest).toBeLessThan(60_000);
  });

  it('leaves all to that thread while the write-ahead log is short', () => {
    const wal = new FakeWal();
    const checkpoints = new WriterCheckpoints(wal.connection, false);
    for (let commit = 0; commit < 200; commit++) {
      wal.commit(40);
      checkpoints.committed();
    }
    expect(wal.checkpoints).toBe(0);
  });
});

describe('a checkpoint that fails', () => {
  const full = Object.assign(new Error('no space'), { code: 'ENOSPC', syscall: 'write' });

  it('is tried again now and then while the disk is full, and takes no commit back', () => {
    const wal = new FakeWal();
    const checkpoints = new WriterCheckpoints(wal.connection, true);
    wal.failure = full;
    for (let commit = 0; commit < 1_000; commit++) {
      wal.commit(10);
      expect(() => checkpoints.committed()).not.toThrow();
    }
    expect(wal.checkpoints).toBeGreaterThan(3);
    expect(wal.checkpoints).toBeLessThan(10);
    wal.failure = undefined;
    for (let commit = 0; commit < 200; commit++) {
      wal.commit(10);
      checkpoints.committed();
    }
    expect(wal.pages).toBeLessThan(4_096);
  });

  it('ends the commits when the write-ahead log has become too long', () => {
    const wal = new FakeWal();
    const checkpoints = new WriterCheckpoints(wal.connection, true);
    wal.failure = full;
    const commitMany = (): void => {
      for (let commit = 0; commit < 20_000; commit++) {
        wal.commit(10);
        checkpoints.committed();
      }
    };
    expect(commitMany).toThrow('cannot move the write-ahead log');
    expect(wal.pages * 4_096).toBeLessThanOrEqual(520 * 1024 * 1024);
  });

  it('ends them at once for anything that does not pass', () => {
    const wal = new FakeWal();
    const checkpoints = new WriterCheckpoints(wal.connection, true);
    wal.failure = new Error('damaged');
    wal.commit(5_000);
    expect(() => checkpoints.committed()).toThrow('damaged');
  });
});

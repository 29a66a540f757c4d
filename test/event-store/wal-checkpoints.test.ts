import { describe, expect, it } from 'vitest';
import { WriterCheckpoints } from '../../src/event-store/sqlite/wal-checkpoints.js';
import type { Connection } from '../../src/sqlite/connection.js';

/** A write-ahead log as the writer sees it, and the pages that the writer has moved. */
class FakeWal {
  pages = 0;
  moved = 0;
  checkpoints = 0;

  get connection(): Connection {
    return {
      prepare: () => ({ raw: () => ({ get: () => [0, this.pages, this.moved] }) }),
      pragma: () => {
        this.checkpoints++;
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

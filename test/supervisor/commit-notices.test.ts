import { describe, expect, it } from 'vitest';
import type { CommitNotice } from '../../src/protocol/links.js';
import { CommitNotices } from '../../src/supervisor/commit-notices.js';
import { CommitListeners } from '../../src/writer/commit-listeners.js';

function source() {
  const listeners = new Set<(notice: CommitNotice) => void>();
  const onCommit = (listener: (notice: CommitNotice) => void) => {
    listeners.add(listener);
    return () => listeners.delete(listener);
  };
  const tell = (spaceIds: readonly number[] | null) => {
    for (const listener of listeners) listener({ lastEventId: 0, spaceIds });
  };
  return { listeners, onCommit, tell };
}

describe('commit notices', () => {
  it('are asked for only while somebody has joined', () => {
    const { listeners, onCommit } = source();
    const notices = new CommitNotices({ onCommit });
    expect(listeners.size).toBe(0);
    const leave = [notices.join(0), notices.join(7)];
    expect(listeners.size).toBe(1);
    for (const each of [...leave, ...leave]) each();
    expect(listeners.size).toBe(0);
  });

  it('wake whom they concern, also when they came between the look at the version and the wait', () => {
    const { onCommit, tell } = source();
    const notices = new CommitNotices({ onCommit });
    const woken: number[] = [];
    for (const place of [0, 7, 8]) {
      notices.join(place);
      notices.wait(place, notices.version(place), () => woken.push(place));
    }
    const before = notices.version(8);
    tell([7]);
    expect(woken).toEqual([0, 7]);
    tell(null);
    expect(woken).toEqual([0, 7, 8]);
    notices.wait(8, before, () => woken.push(88));
    expect(woken.at(-1)).toBe(88);
  });
});

describe('the listeners of a writer', () => {
  it('are told at once, because they may have missed anything, and then of what readers see', () => {
    const told: (readonly number[] | null)[] = [];
    const listeners = new CommitListeners();
    const stop = listeners.add(({ spaceIds }) => told.push(spaceIds));
    expect(told).toEqual([null]);
    listeners.committed(
      [
        { write: { kind: 'markSpaceDeleted', spaceId: 3 } },
        { write: { kind: 'markSpaceDeleted', spaceId: 4 } },
      ],
      [
        { kind: 'marked' },
        { kind: 'refused', error: { code: 'not_found', message: '', details: {} } as never },
      ],
    );
    listeners.changed(9);
    stop();
    listeners.changed(10);
    expect(told).toEqual([null, [3], [9]]);
  });
});

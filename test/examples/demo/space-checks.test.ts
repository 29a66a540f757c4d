import { describe, expect, it } from 'vitest';
import { allPages, pageOf } from '../../../examples/demo/page.js';
import {
  type CheckedSpace,
  checkRebuild,
  checkRestart,
  checkSequences,
  takePictures,
} from '../../../examples/demo/space-checks.js';
import { newPState } from '../support/new-pstate.js';

interface FakeSpace extends CheckedSpace {
  state: unknown;
}

function space(
  spaceName: string,
  sequences: number[],
  changes: { state?: unknown; rebuilt?: unknown } = {},
): FakeSpace {
  const { state = { total: sequences.length }, rebuilt = structuredClone(state) } = changes;
  return {
    spaceName,
    state,
    async *streamEvents({ from }) {
      for (const spaceSequence of sequences) if (spaceSequence > from) yield { spaceSequence };
    },
    async rebuild() {
      this.state = rebuilt;
    },
    async checkpoint() {
      return { lastSpaceSequence: sequences.at(-1) ?? 0 };
    },
  };
}

const readState = async (of: FakeSpace) => structuredClone(of.state);

describe('the check of sequences', () => {
  it('holds for dense sequences and empty spaces, and gives the last ones', async () => {
    const { check, lastSequences } = await checkSequences([space('a', [1, 2, 3]), space('b', [])], 3);
    expect(check).toMatchObject({ holds: true, seen: '3 events in 2 spaces' });
    expect([...lastSequences]).toEqual([
      ['a', 3],
      ['b', 0],
    ]);
  });

  it.each([[[1, 3]], [[2, 3]], [[1, 1]], [[1, 2, 2]]])('does not hold for %j', async (sequences) => {
    const { check } = await checkSequences([space('a', sequences)]);
    expect(check.holds).toBe(false);
    expect(check.seen).toContain('a: ');
  });

  it('does not hold when there are fewer or more events than acknowledged', async () => {
    const { check } = await checkSequences([space('a', [1, 2])], 3);
    expect(check).toMatchObject({ holds: false, seen: '2 events in 1 space, where 3 were acknowledged' });
  });
});

describe('the check of a rebuild', () => {
  it('holds when the rebuilt state is deeply equal to the live one', async () => {
    expect(await checkRebuild([space('a', [1], { state: { x: [1] } })], readState)).toMatchObject({
      holds: true,
    });
  });

  it('does not hold when it differs', async () => {
    const different = space('b', [1], { state: { x: [1] }, rebuilt: { x: [2] } });
    const check = await checkRebuild([space('a', [1]), different], readState);
    expect(check).toMatchObject({ holds: false, seen: 'b differs' });
  });
});

describe('the check after a restart', () => {
  async function picturesOf(...spaces: FakeSpace[]) {
    const { lastSequences } = await checkSequences(spaces);
    return takePictures(spaces, readState, lastSequences);
  }

  it('holds when state and sequence are the same', async () => {
    const before = await picturesOf(space('a', [1, 2]), space('b', []));
    const check = await checkRestart(before, [space('a', [1, 2]), space('b', [])], readState);
    expect(check).toMatchObject({ holds: true, seen: '2 spaces of 2' });
  });

  it.each([
    ['the state differs', [space('a', [1, 2], { state: { total: 9 } })]],
    ['the sequence differs', [space('a', [1, 2, 3], { state: { total: 2 } })]],
    ['a space is missing', []],
    ['there is another space', [space('c', [1, 2])]],
  ])('does not hold when %s', async (_title, after) => {
    const before = await picturesOf(space('a', [1, 2]));
    expect((await checkRestart(before, after, readState)).holds).toBe(false);
  });
});

describe('pages', () => {
  it('together give every entry of a view, in its order', async () => {
    const view = newPState();
    for (let count = 0; count < 2_500; count++) view.put(`key ${count}`, count);
    const pages: number[] = [];
    const entries = await allPages('main', async (page) => {
      pages.push(page.offset);
      return pageOf(view.reader(), page);
    });
    expect(entries).toEqual([...view.entries()]);
    expect(pages).toEqual([0, 1_000, 2_000]);
  });

  it('of a view whose size is a multiple of a page end with an empty one', async () => {
    const view = newPState();
    for (let count = 0; count < 1_000; count++) view.put(`key ${count}`, count);
    expect(await allPages('main', async (page) => pageOf(view.reader(), page))).toHaveLength(1_000);
    expect(await allPages('main', async (page) => pageOf(newPState().reader(), page))).toEqual([]);
  });
});

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { gather, type Queued } from '../../src/writer/gather.js';
import { append, plainEvent } from '../event-store/log-fixture.js';

const limits = { commitCommandsMax: 4, commitBytesMax: 100 };

interface Named extends Queued {
  readonly name: string;
  readonly space: number;
}

/** A queued append to a space whose events have payloads of these sizes. */
function queued(name: string, space: number, ...payloads: readonly number[]): Named {
  const events = payloads.map((bytes) => plainEvent('x', 'e', bytes));
  return { name, space, write: append(space, 0, events) };
}

function registry(name: string): Named {
  return { name, space: 0, write: { kind: 'createSpace', spaceName: 'a', metadata: {} } };
}

function gathered(queue: readonly Named[]): readonly string[] {
  const { group, rest } = gather([...queue], limits);
  return [group, rest].map((part) => part.map(({ name }) => name).join(' '));
}

const bytesOf = ({ write }: Queued): number =>
  write.kind === 'append' ? write.events.reduce((sum, { payload }) => sum + payload.length, 0) : 0;

describe('a group', () => {
  it('takes all that waits, when that is within the bounds', () => {
    expect(gathered([])).toEqual(['', '']);
    expect(gathered([queued('a', 1, 1), registry('b'), queued('c', 1, 2)])).toEqual(['a b c', '']);
  });

  it('takes no more requests than commitCommandsMax, in their order where all are of one space', () => {
    const queue = ['a', 'b', 'c', 'd', 'e', 'f'].map((name) => queued(name, 1, 1));
    expect(gathered(queue)).toEqual(['a b c d', 'e f']);
  });

  it('takes no more payload than commitBytesMax, over all events, but always one request', () => {
    expect(gathered([queued('a', 1, 30, 30), queued('b', 1, 40), queued('c', 1, 1)])).toEqual(['a b', 'c']);
    expect(gathered([queued('a', 1, 500), queued('b', 1, 1)])).toEqual(['a', 'b']);
  });

  it('takes from each space in turn where more waits than it can take, and from the registry', () => {
    const hot = ['h1', 'h2', 'h3', 'h4', 'h5', 'h6'].map((name) => queued(name, 1, 1));
    expect(gathered([...hot, queued('quiet', 2, 1)])).toEqual(['h1 h2 h3 quiet', 'h4 h5 h6']);
    expect(gathered([...hot, queued('q2', 2, 1), queued('q3', 3, 1), registry('r')])).toEqual([
      'h1 q2 q3 r',
      'h2 h3 h4 h5 h6',
    ]);
    const large = [queued('l1', 1, 60), queued('l2', 1, 60), queued('small', 2, 10)];
    expect(gathered(large)).toEqual(['l1 small', 'l2']);
  });

  it('is as large as the bounds allow, keeps the order of each space, and lets nobody wait behind more than its share', () => {
    const request = fc
      .tuple(fc.integer({ min: 0, max: 3 }), fc.array(fc.nat(60), { minLength: 1, maxLength: 3 }))
      .map(([space, sizes]) => (space === 0 ? registry('r') : queued('q', space, ...sizes)));
    fc.assert(
      fc.property(fc.array(request, { minLength: 1, maxLength: 14 }), (queue) => {
        const { group, rest } = gather([...queue], limits);
        expect(group.length).toBeGreaterThanOrEqual(1);
        expect(group.length).toBeLessThanOrEqual(limits.commitCommandsMax);
        const bytes = group.reduce((sum, each) => sum + bytesOf(each), 0);
        if (group.length > 1) expect(bytes).toBeLessThanOrEqual(limits.commitBytesMax);
        expect([...group, ...rest]).toHaveLength(queue.length);
        for (const space of [0, 1, 2, 3]) {
          const of = (part: readonly Named[]) => part.filter((each) => each.space === space);
          // Object by object: the first of a space go first, in their order.
          expect([...of(group), ...of(rest)].every((each, place) => each === of(queue)[place])).toBe(true);
          const isLeftOut = of(rest).length > 0 && group.length === limits.commitCommandsMax;
          const most = Math.max(...[0, 1, 2, 3].map((s) => group.filter((each) => each.space === s).length));
          if (isLeftOut && bytes + 180 < limits.commitBytesMax)
            expect(most - of(group).length).toBeLessThanOrEqual(1);
        }
        if (rest.length > 0 && group.length < limits.commitCommandsMax) {
          const smallest = Math.min(...rest.map(bytesOf));
          expect(bytes + Math.max(smallest, 180)).toBeGreaterThan(limits.commitBytesMax);
        }
      }),
    );
  });
});

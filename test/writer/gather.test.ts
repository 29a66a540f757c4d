import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { gatherCount, type Queued } from '../../src/writer/gather.js';
import { append, plainEvent } from '../event-store/log-fixture.js';

const limits = { commitCommandsMax: 4, commitBytesMax: 100 };

/** A queued append whose events have payloads of these sizes. */
function queued(...payloads: readonly number[]): Queued {
  return {
    write: append(
      1,
      0,
      payloads.map((bytes) => plainEvent('x', 'e', bytes)),
    ),
  };
}

const registry: Queued = { write: { kind: 'createSpace', spaceName: 'a', metadata: {} } };

describe('a group', () => {
  it('takes all that waits, when that is within the bounds', () => {
    expect(gatherCount([], limits)).toBe(0);
    expect(gatherCount([queued(1), registry, queued(2)], limits)).toBe(3);
  });

  it('takes no more requests than commitCommandsMax', () => {
    expect(gatherCount(Array(9).fill(queued(1)), limits)).toBe(4);
  });

  it('takes no more payload than commitBytesMax, over all events, but always one request', () => {
    expect(gatherCount([queued(30, 30), queued(40), queued(1)], limits)).toBe(2);
    expect(gatherCount([queued(500), queued(1)], limits)).toBe(1);
  });

  it('is as large as the bounds allow, and never empty while something waits', () => {
    const request = fc.oneof(
      fc.array(fc.nat(60), { minLength: 1, maxLength: 3 }).map((sizes) => queued(...sizes)),
      fc.constant(registry),
    );
    const bytesOf = ({ write }: Queued): number =>
      write.kind === 'append' ? write.events.reduce((sum, { payload }) => sum + payload.length, 0) : 0;
    fc.assert(
      fc.property(fc.array(request, { minLength: 1, maxLength: 10 }), (queue) => {
        const count = gatherCount(queue, limits);
        const bytes = (length: number) =>
          queue.slice(0, length).reduce((sum, each) => sum + bytesOf(each), 0);
        expect(count).toBeGreaterThanOrEqual(1);
        expect(count).toBeLessThanOrEqual(limits.commitCommandsMax);
        if (count > 1) expect(bytes(count)).toBeLessThanOrEqual(limits.commitBytesMax);
        const isFull = count === queue.length || count === limits.commitCommandsMax;
        expect(isFull || bytes(count + 1) > limits.commitBytesMax).toBe(true);
      }),
    );
  });
});

import { describe, expect, it } from 'vitest';
import type { AppendRequest } from '../../src/event-store/port.js';
import { gatherCount } from '../../src/writer/gather.js';
import { Generations } from '../../src/writer/generations.js';

function append(payloadBytes: number): { readonly write: AppendRequest } {
  const event = {
    entityId: 'e',
    type: 't',
    version: 1,
    payload: new Uint8Array(payloadBytes),
    timestamp: 0,
    causationId: null,
    correlationId: null,
    tags: null,
    metadata: null,
    hash: new Uint8Array(16),
  };
  return {
    write: {
      kind: 'append',
      spaceId: 1,
      previousSequence: 0,
      invocationId: 'i',
      events: [event],
      command: null,
    },
  };
}

const limits = { commitCommandsMax: 4, commitBytesMax: 100 };

describe('a group', () => {
  it('takes all that waits, when that is within the bounds', () => {
    expect(gatherCount([], limits)).toBe(0);
    expect(gatherCount([append(1), append(2)], limits)).toBe(2);
  });

  it('takes no more commands than commitCommandsMax', () => {
    expect(
      gatherCount(
        Array.from({ length: 9 }, () => append(1)),
        limits,
      ),
    ).toBe(4);
  });

  it('takes no more payload than commitBytesMax, but always one command', () => {
    expect(gatherCount([append(60), append(40), append(1)], limits)).toBe(2);
    expect(gatherCount([append(500), append(1)], limits)).toBe(1);
  });
});

describe('generations', () => {
  it('make every earlier one of the space stale, and leave other spaces alone', () => {
    const generations = new Generations(3);
    const [first, other] = [generations.raise(1), generations.raise(2)];
    expect(generations.isCurrent(1, first)).toBe(true);
    const second = generations.raise(1);
    expect(generations.isCurrent(1, first)).toBe(false);
    expect(generations.isCurrent(1, second)).toBe(true);
    expect(generations.isCurrent(2, other)).toBe(true);
  });

  it('are never given twice, also not by a later owner of the log', () => {
    const [earlier, later] = [new Generations(1), new Generations(2)];
    expect(earlier.raise(1)).toBeLessThan(later.raise(1));
    expect(later.isCurrent(1, earlier.raise(1))).toBe(false);
  });

  it('end with their space', () => {
    const generations = new Generations(1);
    const generation = generations.raise(1);
    generations.close(1);
    expect(generations.isCurrent(1, generation)).toBe(false);
  });
});

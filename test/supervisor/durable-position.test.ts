import { describe, expect, it } from 'vitest';
import { nodePlatform } from '../../src/platform/node-platform.js';
import { DurablePosition } from '../../src/supervisor/durable-position.js';

function positionFrom(from: number) {
  const written: number[] = [];
  const write = async (position: number): Promise<void> => void written.push(position);
  const durable = new DurablePosition({ clock: nodePlatform.clock, delayMs: 1, write, from });
  return { durable, written };
}

describe('the position of a named subscription', () => {
  it('does not pass an event that was given and not acknowledged', async () => {
    const { durable, written } = positionFrom(0);
    durable.delivered(3);
    durable.passed(9);
    await durable.flush();
    expect([durable.acknowledged, written]).toEqual([0, []]);
    await durable.acknowledge(3);
    durable.passed(9);
    await durable.flush();
    expect([durable.acknowledged, written]).toEqual([9, [3, 9]]);
  });

  it('writes acknowledgements together, and never backwards', async () => {
    const { durable, written } = positionFrom(2);
    durable.delivered(8);
    await Promise.all([durable.acknowledge(4), durable.acknowledge(8), durable.acknowledge(5)]);
    await durable.acknowledge(3);
    expect(written).toEqual([8]);
  });

  it('tells who waits when it cannot be written', async () => {
    const durable = new DurablePosition({
      clock: nodePlatform.clock,
      delayMs: 1,
      write: () => Promise.reject(new Error('the disk is full')),
      from: 0,
    });
    durable.delivered(1);
    await expect(durable.acknowledge(1)).rejects.toThrow('the disk is full');
  });
});

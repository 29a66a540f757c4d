import { memory } from 'ramax/storage/memory';
import { afterEach, describe, expect, it } from 'vitest';
import { RuntimeBed, range } from './runtime-bed.js';

const bed = new RuntimeBed();
afterEach(() => bed.clear());

describe('group commit', () => {
  it('one hot space with 64 commands in flight commits several of them in each transaction', async () => {
    const ramax = await bed.start();
    const space = await ramax.spaces.getOrCreate('hot');
    await space.execute('line', 0);
    const before = (await ramax.stats()).writer;
    let next = 1;
    const sendOneAfterTheOther = async (): Promise<void> => {
      while (next <= 1_500) await space.execute('remark', `${next++}`);
    };
    await Promise.all(range(64).map(sendOneAfterTheOther));
    const { writer } = await ramax.stats();
    const commands = writer.commands - before.commands;
    expect(commands).toBe(1_500);
    expect(commands / (writer.commits - before.commits)).toBeGreaterThan(4);
  });

  it('commands of many spaces, one in flight each, share transactions', async () => {
    const ramax = await bed.start();
    const spaces = await Promise.all(range(64).map((n) => ramax.spaces.getOrCreate(`space ${n}`)));
    await Promise.all(spaces.map((space) => space.execute('line', 0)));
    const before = (await ramax.stats()).writer;
    await Promise.all(
      spaces.map(async (space) => {
        for (const n of range(20)) await space.execute('line', n);
      }),
    );
    const { writer } = await ramax.stats();
    expect((writer.commands - before.commands) / (writer.commits - before.commits)).toBeGreaterThan(4);
  });
});

// In memory, so that the order of answers does not depend on the speed of a disk.
describe('the backlog of one space', () => {
  it('of slow turns does not hold up another space of the same shard', async () => {
    const ramax = await bed.start({ storage: memory() });
    const [slow, , quick] = await Promise.all(
      ['slow', 'on the other shard', 'quick'].map((name) => ramax.spaces.getOrCreate(name)),
    );
    if (slow === undefined || quick === undefined) throw new Error('three spaces were created');
    expect((quick.spaceId - slow.spaceId) % 2).toBe(0);
    await quick.execute('line', 0);
    let answered = 0;
    const backlog = range(120).map((n) =>
      slow.execute('slowLine', { n, ms: 5 }).then(() => {
        answered++;
      }),
    );
    await backlog[0];
    // Each of these waits for its own turn and commit, and for a turn or two of the backlog.
    for (const n of range(5)) {
      await quick.execute('line', n);
      expect(await quick.fetch('lines')).toHaveLength(n + 1);
    }
    expect(answered).toBeLessThan(100);
    await Promise.all(backlog);
    expect(await slow.query('lines')).toEqual(range(120));
  });

  it('of quick turns does not hold up another space of the same shard', async () => {
    const ramax = await bed.start({ storage: memory() });
    const [busy, , quick] = await Promise.all(
      ['busy', 'on the other shard', 'quick'].map((name) => ramax.spaces.getOrCreate(name)),
    );
    await quick?.execute('line', 0);
    let answered = 0;
    const backlog = range(4_000).map((n) => busy?.execute('remark', `${n}`).then(() => answered++));
    await quick?.execute('line', 1);
    expect(answered).toBeLessThan(3_500);
    await Promise.all(backlog);
  });
});

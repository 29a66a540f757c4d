import { describe, expect, it } from 'vitest';
import { House } from '../../src/testing/house.js';
import { Scheduler } from '../../src/testing/scheduler.js';
import { bankWith } from './bank-app.js';

const transfer = { id: 't1', from: 'ann', to: 'ben', amount: 1 };

describe('the house', () => {
  it('is quiet when every message has been dealt with, although timers wait', async () => {
    const house = new House({ app: bankWith(), seed: 1 });
    const ramax = await house.start({ shards: 2 });
    const acme = await house.run(ramax.spaces.getOrCreate('acme'));
    let answered = 0;
    for (let n = 0; n < 10; n++)
      void acme.execute('transfer', { ...transfer, id: `${n}` }).then(() => answered++);
    expect(answered).toBe(0);
    await house.quiet();
    expect(answered).toBe(10);
    expect(house.scheduler.workUnderWay).toBe(0);
    expect(house.scheduler.nextAtMs).toBeGreaterThan(house.scheduler.nowMs);
    await house.run(ramax.close());
  });

  it('starts nothing for a process that is dead', { timeout: 30_000 }, async () => {
    for (let seed = 1; seed <= 20; seed++) {
      const house = new House({ app: bankWith(), seed });
      await house.start({ shards: 1 });
      // The supervisor is told of these deaths only when its own process is gone.
      house.killWriter();
      house.killShard(0);
      house.killAll();
      const ramax = await house.start({ shards: 1 });
      const generation = house.disk.log.ownerGeneration;
      await house.scheduler.advance(5_000);
      expect(house.disk.log.ownerGeneration).toBe(generation);
      await house.run(ramax.close());
    }
  });

  it('gives every shard an app of its own, when it is given what makes one', async () => {
    let made = 0;
    const app = () => {
      made++;
      return bankWith();
    };
    const house = new House({ app, seed: 1 });
    const ramax = await house.start({ shards: 3 });
    expect(made).toBe(3);
    expect(house.killShard(1)).toBe(true);
    expect(house.killShard(1)).toBe(false);
    await house.scheduler.advance(1_000);
    expect(made).toBe(4);
    await house.run(ramax.close());
  });
});

describe('a still scheduler', () => {
  it('takes no time for work, and all of it for timers', async () => {
    const scheduler = new Scheduler(1, { isStill: true, startsAt: 5_000 });
    const ran: string[] = [];
    scheduler.plan(10, () => ran.push('timer'));
    scheduler.planWorkAt(scheduler.nowMs + scheduler.workMs(90), () => ran.push('work'));
    expect(scheduler.workUnderWay).toBe(1);
    await scheduler.advance(0);
    expect([ran, scheduler.wallMs, scheduler.workUnderWay]).toEqual([['work'], 5_000, 0]);
    await scheduler.advance(10);
    expect([ran, scheduler.wallMs]).toEqual([['work', 'timer'], 5_010]);
  });
});

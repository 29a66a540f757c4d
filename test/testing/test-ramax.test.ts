import { describe, expect, it } from 'vitest';
import { startTestRamax, TestClock, TestStorage } from '../../src/testing/test-ramax.js';
import { bankWith } from './bank-app.js';

const app = bankWith();
const transfer = { id: 't1', from: 'ann', to: 'ben', amount: 40 };

describe('a runtime of a test', () => {
  it('does what the runtime does, and its events have the time of the clock', async () => {
    const clock = new TestClock({ now: new Date('2026-01-01T00:00:00Z') });
    const ramax = await startTestRamax({ app, clock, shards: 2 });
    const acme = await ramax.spaces.getOrCreate('acme');
    expect(await acme.execute('transfer', transfer)).toEqual({ eventIds: [1], spaceSequence: 1 });
    await expect(acme.execute('transfer', { ...transfer, amount: 70 })).rejects.toMatchObject({
      reason: 'too_poor',
    });
    expect([await acme.query('balance', 'ann'), await acme.fetch('ben')]).toEqual([60, 140]);
    expect(clock.now()).toBe(Date.UTC(2026, 0, 1));
    await clock.advance(90_000);
    await acme.execute('transfer', transfer);
    const times: number[] = [];
    for await (const { timestamp } of acme.streamEvents()) times.push(timestamp - Date.UTC(2026, 0, 1));
    expect(times).toEqual([0, 90_000]);
    expect((await ramax.verify()).isSound).toBe(true);
    await acme.rebuild();
    const copy = await ramax.spaces.clone('acme', 'copy');
    expect(await copy.query('balance', 'ann')).toBe(20);
    await ramax.spaces.delete('copy');
    expect((await ramax.spaces.list()).map(({ spaceName }) => spaceName)).toEqual(['acme']);
    await ramax.close();
    await expect(acme.fetch('ann')).rejects.toMatchObject({ code: 'closed' });
  });

  it('shows watchers what changes', async () => {
    const ramax = await startTestRamax({ app });
    const acme = await ramax.spaces.getOrCreate('acme');
    const seen: unknown[] = [];
    for await (const balance of acme.watch('ann')) {
      seen.push(balance);
      if (seen.length === 2) break;
      await acme.execute('transfer', transfer);
    }
    expect(seen).toEqual([undefined, 60]);
    await ramax.close();
  });

  it('waits for nobody: deadlines and rates pass with the clock', async () => {
    const clock = new TestClock();
    const ramax = await startTestRamax({
      app,
      clock,
      spaceLimits: { commandsPerSecondMax: 1, commandsBurstMax: 1 },
    });
    const acme = await ramax.spaces.getOrCreate('acme');
    await acme.execute('transfer', transfer);
    await expect(acme.execute('transfer', transfer)).rejects.toMatchObject({ code: 'overloaded' });
    const waiting = acme.execute('transfer', transfer, { overload: 'wait' });
    const late = expect(
      acme.execute('transfer', transfer, { overload: 'wait', timeoutMs: 500 }),
    ).rejects.toMatchObject({
      code: 'timeout',
    });
    await clock.advance(1_000);
    await late;
    expect((await waiting).spaceSequence).toBe(2);
    await ramax.close();
  });

  it('goes on where another one has ended, on the same storage', async () => {
    const [clock, storage] = [new TestClock(), new TestStorage()];
    const first = await startTestRamax({ app, clock, storage });
    await (await first.spaces.getOrCreate('acme')).execute('transfer', transfer, { commandId: 'once' });
    await first.close();
    const second = await startTestRamax({ app, clock, storage, shards: 3 });
    const acme = await second.spaces.getOrCreate('acme');
    expect(await acme.execute('transfer', transfer, { commandId: 'once' })).toEqual({
      eventIds: [1],
      spaceSequence: 1,
    });
    expect(await acme.query('balance', 'ann')).toBe(60);
    await second.close();
  });

  it('runs many commands at once', async () => {
    const ramax = await startTestRamax({ app });
    const acme = await ramax.spaces.getOrCreate('acme');
    const sent = Array.from({ length: 500 }, (_, n) =>
      acme.execute('transfer', { ...transfer, id: `${n}`, amount: 0 }),
    );
    expect((await Promise.all(sent)).at(-1)?.spaceSequence).toBe(500);
    await ramax.close();
  });

  it('refuses what is no app, no clock and no storage', async () => {
    await expect(startTestRamax({ app: {} as never })).rejects.toMatchObject({ code: 'invalid_app' });
    await expect(startTestRamax({ app, clock: {} as never })).rejects.toMatchObject({
      code: 'invalid_input',
    });
    await expect(startTestRamax({ app, storage: 'memory' as never })).rejects.toMatchObject({
      code: 'invalid_input',
    });
    expect(() => new TestClock({ now: Number.NaN })).toThrow('now');
    expect(() => new TestClock().advance(-1)).toThrow('ms');
  });
});

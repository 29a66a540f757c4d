import { sqlite } from 'ramax/storage/sqlite';
import { afterEach, describe, expect, it } from 'vitest';
import { all, codeOf, errorOf, RuntimeBed, range, watch } from './runtime-bed.js';

const bed = new RuntimeBed();
afterEach(() => bed.clear());

describe('a suspended space', () => {
  it('takes no commands on any handle, says why, also after a restart, until it is resumed; all else goes on', async () => {
    const storage = sqlite({ directory: await bed.directory() });
    const first = await bed.start({ storage });
    const space = await first.spaces.getOrCreate('acme');
    const other = await first.spaces.getOrCreate('globex');
    await space.execute('line', 1);
    expect(space.settings).toEqual({});
    const suspended = await first.spaces.suspend('acme', { reason: 'unpaid' });
    expect(suspended.settings).toEqual({ suspended: { at: expect.any(Number), reason: 'unpaid' } });
    expect(await errorOf(space.execute('line', 2))).toMatchObject({
      code: 'suspended',
      retryable: false,
      details: { spaceId: space.spaceId, reason: 'unpaid', suspendedAt: suspended.settings.suspended?.at },
    });
    expect(await codeOf(suspended.execute('line', 2, { overload: 'wait' }))).toBe('suspended');
    await other.execute('line', 1);
    await first.close();

    const ramax = await bed.start({ storage, shards: 1 });
    const again = await ramax.spaces.getOrCreate('acme');
    expect(again.settings.suspended?.reason).toBe('unpaid');
    expect(await codeOf(again.execute('line', 2))).toBe('suspended');
    expect(await again.query('lines')).toEqual([1]);
    expect(await all(again.streamEvents())).toHaveLength(1);
    expect(await again.rebuild()).toMatchObject({ eventsApplied: 1 });
    expect(await again.checkpoint()).toEqual({ lastEventId: 1, lastSpaceSequence: 1 });
    expect((await ramax.spaces.updateMetadata('acme', { owes: 17 })).settings.suspended).toBeDefined();
    expect((await ramax.spaces.resume('acme')).settings).toEqual({});
    expect(await again.execute('line', 2)).toMatchObject({ spaceSequence: 2 });
    expect((await ramax.spaces.resume('acme')).settings).toEqual({});

    await ramax.spaces.suspend('acme');
    await ramax.spaces.delete('acme');
    expect(await (await ramax.spaces.getOrCreate('acme')).execute('line', 1)).toMatchObject({
      spaceSequence: 1,
    });
    expect(await codeOf(ramax.spaces.suspend('nobody'))).toBe('not_found');
    expect(await codeOf(ramax.spaces.suspend('acme', { reason: '' }))).toBe('invalid_input');
  });

  it('is quiet when the suspension is answered: what was admitted has ended, what waited is refused', async () => {
    const ramax = await bed.start({ overload: 'wait', limits: { spaceInFlightMax: 3 } });
    const space = await ramax.spaces.getOrCreate('acme');
    const gate = await bed.gate();
    const held = space.execute('hold', { gate: gate.path, n: 0 });
    const admitted = [held, space.execute('line', 1), space.execute('line', 2)];
    const waiting = range(5).map((n) => codeOf(space.execute('line', 10 + n)));
    await gate.entered();
    const suspension = ramax.spaces.suspend('acme');
    const seen = watch(suspension);
    expect(await Promise.all(waiting)).toEqual(waiting.map(() => 'suspended'));
    // A whole way to the writer and back: a suspension that waits for nothing would be answered.
    await ramax.spaces.findByName('acme');
    expect(seen.settled).toBe(false);
    gate.release();
    await suspension;
    const answers = await Promise.all(admitted);
    expect(answers.map(({ spaceSequence }) => spaceSequence)).toEqual([1, 2, 3]);
    expect(await space.latestSequence()).toBe(3);
    expect(await space.query('lines')).toEqual([0, 1, 2]);
  });
});

describe('limits of a space', () => {
  it('are refused where they are no counts, and shown by its handles', async () => {
    const ramax = await bed.start();
    const space = await ramax.spaces.getOrCreate('acme', { limits: { inFlightMax: 2 } });
    expect(space.settings).toEqual({ limits: { inFlightMax: 2 } });
    for (const limits of [{ inFlightMax: 0 }, { commandsPerSecondMax: 0.5 }, { rate: 3 }, 7]) {
      expect(await codeOf(ramax.spaces.setLimits('acme', limits as never))).toBe('invalid_input');
    }
    const gate = await bed.gate();
    const held = space.execute('hold', { gate: gate.path });
    const second = space.execute('line', 1);
    expect(await errorOf(space.execute('line', 2))).toMatchObject({
      code: 'overloaded',
      details: { spaceInFlight: 2, spaceInFlightMax: 2 },
    });
    expect((await ramax.spaces.setLimits('acme', {})).settings).toEqual({});
    const third = space.execute('line', 3);
    gate.release();
    await Promise.all([held, second, third]);
  });

  it('are kept over a restart, and hold for handles that were made before them', async () => {
    const storage = sqlite({ directory: await bed.directory() });
    const first = await bed.start({ storage, spaceLimits: { commandsPerSecondMax: 1_000_000 } });
    const space = await first.spaces.getOrCreate('acme');
    await space.execute('line', 0);
    await first.spaces.setLimits('acme', { commandsPerSecondMax: 1, commandsBurstMax: 2 });
    const codes = await Promise.all(range(40).map((n) => codeOf(space.execute('line', n))));
    const accepted = codes.filter((code) => code === 'ok').length;
    expect(codes.slice(0, 2)).toEqual(['ok', 'ok']);
    expect(new Set(codes)).toEqual(new Set(['ok', 'overloaded']));
    await first.close();
    const ramax = await bed.start({ storage });
    const again = await ramax.spaces.findByName('acme');
    expect(again?.settings.limits).toEqual({ commandsPerSecondMax: 1, commandsBurstMax: 2 });
    expect(await again?.latestSequence()).toBe(1 + accepted);
    const error = await errorOf(Promise.all(range(40).map((n) => again?.execute('line', n))));
    expect(error.details['retryAfterMs']).toBeGreaterThan(0);
  });

  it('let waiting commands in as their rate allows, in the order in which they were issued', async () => {
    const ramax = await bed.start({
      overload: 'wait',
      spaceLimits: { commandsPerSecondMax: 400, commandsBurstMax: 5 },
    });
    const space = await ramax.spaces.getOrCreate('acme');
    const read = Promise.all(range(50).map((n) => space.execute('line', n))).then(() => space.query('lines'));
    const [, early] = await Promise.all([space.execute('line', 51), space.query('lines')]);
    // A read sees what was issued before it, also when that had to wait.
    expect(early).toEqual(range(51));
    expect((await read).slice(0, 51)).toEqual(range(51));
  });
});

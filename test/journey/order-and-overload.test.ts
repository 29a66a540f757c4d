import { afterEach, describe, expect, it } from 'vitest';
import { codeOf, errorOf, RuntimeBed, range, watch } from './runtime-bed.js';

const bed = new RuntimeBed();
afterEach(() => bed.clear());

describe('the order of calls', () => {
  it('fetch and query see every command that was issued before them, without waiting for its answer', async () => {
    const ramax = await bed.start();
    const space = await ramax.spaces.getOrCreate('acme');
    const sameSpace = await ramax.spaces.getOrCreate('acme');
    const seen = range(200).map((value) => {
      void space.execute('set', { id: 'a', value });
      return Promise.all([space.fetch('item:a'), sameSpace.query('items')]);
    });
    const expected = range(200).map((value) => [{ id: 'a', value }, [{ id: 'a', value }]]);
    expect(await Promise.all(seen)).toEqual(expected);
  });

  it('commands issued in order on one handle are decided in that order', async () => {
    const ramax = await bed.start();
    const space = await ramax.spaces.getOrCreate('acme');
    const answers = await Promise.all(range(1_000).map((n) => space.execute('line', n)));
    expect(answers.map(({ spaceSequence }) => spaceSequence)).toEqual(range(1_000));
    expect(await space.query('lines')).toEqual(range(1_000));
  });

  it('commands that wait for room are decided in the order in which they were issued, reads among them', async () => {
    const ramax = await bed.start({ overload: 'wait', limits: { spaceInFlightMax: 3 } });
    const space = await ramax.spaces.getOrCreate('acme');
    const reads: Promise<readonly unknown[]>[] = [];
    const commands = range(300).map((n) => {
      const answer = space.execute('line', n);
      if (n % 50 === 0) reads.push(space.query('lines'));
      return answer;
    });
    await Promise.all(commands);
    expect(await space.query('lines')).toEqual(range(300));
    expect((await Promise.all(reads)).map((lines) => lines.length)).toEqual([50, 100, 150, 200, 250, 300]);
  });
});

describe('overload', () => {
  it("'fail' answers overloaded at once when the space has too much in flight, and does nothing", async () => {
    const ramax = await bed.start({ limits: { spaceInFlightMax: 3 } });
    const space = await ramax.spaces.getOrCreate('acme');
    const other = await ramax.spaces.getOrCreate('widgets');
    const gate = await bed.gate();
    const held = space.execute('hold', { gate: gate.path, n: 0 });
    const accepted = [space.execute('line', 1), space.execute('line', 2)];
    const error = await errorOf(space.execute('line', 3));
    expect(error).toMatchObject({
      code: 'overloaded',
      retryable: true,
      details: { spaceId: space.spaceId, spaceInFlight: 3, spaceInFlightMax: 3 },
    });
    expect(await codeOf(space.fetch('lines'))).toBe('overloaded');
    // The other space is on the other shard, and its bound is its own.
    expect(await codeOf(other.execute('line', 1))).toBe('ok');
    gate.release();
    await Promise.all([held, ...accepted]);
    expect(await space.query('lines')).toEqual([0, 1, 2]);
  });

  it("'wait' of one call lets it wait where the runtime's own choice is to fail", async () => {
    const ramax = await bed.start({ limits: { spaceInFlightMax: 1 } });
    const space = await ramax.spaces.getOrCreate('acme');
    const gate = await bed.gate();
    const held = space.execute('hold', { gate: gate.path });
    const waiting = space.execute('line', 1, { overload: 'wait' });
    // Room is given in the order of the calls: nobody overtakes one that waits.
    expect(await codeOf(space.execute('line', 2))).toBe('overloaded');
    gate.release();
    await Promise.all([held, waiting]);
    expect(await space.query('lines')).toEqual([1]);
  });

  it('a call that waits for room can be aborted, or time out; it takes no room and nothing of it is written', async () => {
    const ramax = await bed.start({ overload: 'wait', limits: { spaceInFlightMax: 1 } });
    const space = await ramax.spaces.getOrCreate('acme');
    const gate = await bed.gate();
    const abort = new AbortController();
    const held = space.execute('hold', { gate: gate.path });
    const first = space.execute('line', 1);
    const second = codeOf(space.execute('line', 2, { signal: abort.signal }));
    const third = codeOf(space.execute('line', 3, { timeoutMs: 1 }));
    const fourth = space.execute('line', 4);
    abort.abort();
    expect(await second).toBe('aborted');
    expect(await third).toBe('timeout');
    gate.release();
    await Promise.all([held, first, fourth]);
    expect(await space.query('lines')).toEqual([1, 4]);
    expect((await ramax.stats()).inFlight).toBe(0);
  });

  it('even a call that would wait is overloaded when too many wait already', async () => {
    const ramax = await bed.start({ overload: 'wait', limits: { spaceInFlightMax: 1, spaceWaitingMax: 2 } });
    const space = await ramax.spaces.getOrCreate('acme');
    const gate = await bed.gate();
    const held = space.execute('hold', { gate: gate.path });
    const waiting = [space.execute('line', 1), space.execute('line', 2)];
    const error = await errorOf(space.execute('line', 3));
    expect(error).toMatchObject({ code: 'overloaded', details: { spaceWaiting: 2 } });
    gate.release();
    await Promise.all([held, ...waiting]);
    await space.execute('line', 4);
    expect(await space.query('lines')).toEqual([1, 2, 4]);
  });

  it('so it is when too many wait over all spaces together', async () => {
    const ramax = await bed.start({ overload: 'wait', limits: { spaceInFlightMax: 1, totalWaitingMax: 3 } });
    const [one, other] = [await ramax.spaces.getOrCreate('one'), await ramax.spaces.getOrCreate('other')];
    const gate = await bed.gate();
    const held = [one.execute('hold', { gate: gate.path }), other.execute('hold', { gate: gate.path })];
    const abort = new AbortController();
    const waiting = [one.execute('line', 1), one.execute('line', 2)];
    const aborted = codeOf(other.execute('line', 3, { signal: abort.signal }));
    expect(await codeOf(other.execute('line', 4))).toBe('overloaded');
    abort.abort();
    expect(await aborted).toBe('aborted');
    waiting.push(other.execute('line', 5));
    expect(await codeOf(one.execute('line', 6))).toBe('overloaded');
    gate.release();
    await Promise.all([...held, ...waiting]);
    expect([await one.query('lines'), await other.query('lines')]).toEqual([[1, 2], [5]]);
  });

  it('the bound over all spaces holds too, and its room is shared out among the spaces that wait', async () => {
    const ramax = await bed.start({ overload: 'wait', limits: { totalInFlightMax: 2 } });
    const [held, one, other] = await Promise.all(
      ['held', 'one', 'other'].map((name) => ramax.spaces.getOrCreate(name)),
    );
    const gates = [await bed.gate(), await bed.gate()];
    const holding = gates.map((gate) => held?.execute('hold', { gate: gate.path }));
    const order: string[] = [];
    const lines = range(4).map((n) => one?.execute('line', n).then(() => order.push(`one ${n}`)));
    const line = other?.execute('line', 1).then(() => order.push('other 1'));
    const overloaded = await errorOf((async () => other?.execute('line', 2, { overload: 'fail' }))());
    expect(overloaded).toMatchObject({
      code: 'overloaded',
      details: { totalInFlight: 2, totalInFlightMax: 2 },
    });
    for (const gate of gates) gate.release();
    await Promise.all([...holding, ...lines, line]);
    // The other space came last and waited behind four calls of one; it does not come last.
    expect(order.indexOf('other 1')).toBeLessThan(order.indexOf('one 4'));
  });

  it('a large call that waits for bytes gets them when another space leaves them', async () => {
    const ramax = await bed.start({ overload: 'wait', limits: { totalInFlightBytesMax: 1_000 } });
    const small = await ramax.spaces.getOrCreate('small');
    const large = await ramax.spaces.getOrCreate('large');
    const gate = await bed.gate();
    const held = small.execute('hold', { gate: gate.path, n: 'x'.repeat(300) });
    const waiting = large.execute('line', 'y'.repeat(800));
    const watched = watch(waiting);
    expect(await codeOf(large.fetch('lines', { overload: 'fail' }))).toBe('overloaded');
    expect(watched.settled).toBe(false);
    gate.release();
    await Promise.all([held, waiting]);
  });

  it('one call of any size is let through when nothing else is in flight', async () => {
    const ramax = await bed.start({ limits: { totalInFlightBytesMax: 100 } });
    const space = await ramax.spaces.getOrCreate('acme');
    await space.execute('line', 'x'.repeat(1_000));
    expect(await space.latestSequence()).toBe(1);
  });

  it('a full mailbox in the shard is overloaded, too, and harms nothing that is in it', async () => {
    const ramax = await bed.start({ limits: { mailboxTurnsMax: 4 } });
    const space = await ramax.spaces.getOrCreate('acme');
    const codes = await Promise.all(range(50).map((n) => codeOf(space.execute('line', n))));
    expect(codes.slice(0, 4)).toEqual(['ok', 'ok', 'ok', 'ok']);
    expect(codes).toContain('overloaded');
    const decided = range(50).filter((n) => codes[n - 1] === 'ok');
    expect(await space.query('lines')).toEqual(decided);
  });
});

import type { SpaceHandle } from 'ramax';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { ItemsApp } from '../fixtures/items.app.mjs';
import { FaultyStorage } from './faulty-storage.js';
import { until } from './gate.js';
import { codeOf, errorOf, RuntimeBed, range, watch } from './runtime-bed.js';

const bed = new RuntimeBed();
afterEach(() => bed.clear());

describe('a call that is stopped before it was decided', () => {
  it('is aborted when its signal aborts, and nothing is written', async () => {
    const ramax = await bed.start();
    const space = await ramax.spaces.getOrCreate('acme');
    await space.execute('line', 0);
    const gate = await bed.gate();
    const abort = new AbortController();
    const held = space.execute('hold', { gate: gate.path });
    await gate.entered();
    const queued = errorOf(space.execute('line', 1, { signal: abort.signal }));
    const behind = space.execute('line', 2);
    await ramax.latestEventId(); // the call has gone out to the shard
    abort.abort();
    await ramax.latestEventId(); // and so has the word that nobody waits for it
    gate.release();
    expect(await queued).toMatchObject({ code: 'aborted', retryable: true });
    await Promise.all([held, behind]);
    expect(await space.query('lines')).toEqual([0, 2]);
  });

  it('is a timeout when its deadline passes, and nothing is written', async () => {
    const ramax = await bed.start({ limits: { spaceInFlightMax: 2, cancelGraceMs: 20_000 } });
    const space = await ramax.spaces.getOrCreate('acme');
    await space.execute('line', 0);
    const gate = await bed.gate();
    const held = space.execute('hold', { gate: gate.path });
    await gate.entered();
    const queued = errorOf(space.execute('line', 1, { timeoutMs: 25 }));
    // Waits for room with the same deadline, set later: when this one has timed out, so has the one before.
    expect(await codeOf(space.execute('line', 2, { timeoutMs: 25, overload: 'wait' }))).toBe('timeout');
    await ramax.latestEventId();
    gate.release();
    expect(await queued).toMatchObject({ code: 'timeout', retryable: true });
    await held;
    expect(await space.query('lines')).toEqual([0]);
  });

  it('is refused at once when its signal has aborted already', async () => {
    const ramax = await bed.start();
    const space = await ramax.spaces.getOrCreate('acme');
    const signal = AbortSignal.abort();
    expect(await codeOf(space.execute('line', 1, { signal }))).toBe('aborted');
    expect(await codeOf(space.fetch('lines', { signal }))).toBe('aborted');
    expect(await codeOf(space.query('lines', undefined, { signal }))).toBe('aborted');
    expect(await codeOf(space.rebuild({ signal }))).toBe('aborted');
    expect(await codeOf(space.checkpoint({ signal }))).toBe('aborted');
    expect(await space.latestSequence()).toBe(0);
  });

  it('and is a read, is aborted or a timeout, also when the shard says nothing in time', async () => {
    const ramax = await bed.start({ limits: { cancelGraceMs: 1 } });
    const space = await ramax.spaces.getOrCreate('acme');
    const gate = await bed.gate();
    const held = space.execute('hold', { gate: gate.path });
    await gate.entered();
    const abort = new AbortController();
    const fetched = codeOf(space.fetch('lines', { signal: abort.signal }));
    abort.abort();
    expect(await fetched).toBe('aborted');
    expect(await codeOf(space.query('lines', undefined, { timeoutMs: 1 }))).toBe('timeout');
    gate.release();
    await held;
  });
});

describe('a command that is stopped after it was decided', () => {
  it('is outcome_unknown; its events are written, and the same commandId gives its answer', async () => {
    const storage = new FaultyStorage(await bed.directory());
    const ramax = await bed.start({ storage: storage.ref });
    const space = await ramax.spaces.getOrCreate('acme');
    const gate = storage.holdNext();
    const abort = new AbortController();
    const decided = errorOf(space.execute('line', 1, { signal: abort.signal, commandId: 'once' }));
    await gate.entered();
    abort.abort();
    expect(await decided).toMatchObject({ code: 'outcome_unknown', retryable: true });
    const again = space.execute('line', 1, { commandId: 'once' });
    gate.release();
    expect(await again).toEqual({ eventIds: [1], spaceSequence: 1 });
    expect(await space.query('lines')).toEqual([1]);
  });

  it('is outcome_unknown as well when its deadline passes', async () => {
    const storage = new FaultyStorage(await bed.directory());
    const ramax = await bed.start({ storage: storage.ref });
    const space = await ramax.spaces.getOrCreate('acme');
    await space.execute('line', 0);
    const gate = storage.holdNext();
    let code = 'timeout';
    // A deadline that is too short passes before the command is decided: the next one is longer.
    for (let timeoutMs = 50; code === 'timeout'; timeoutMs *= 2) {
      code = await codeOf(space.execute('line', 1, { timeoutMs }));
    }
    expect(code).toBe('outcome_unknown');
    gate.release();
    expect(await space.query('lines')).toEqual([0, 1]);
  });

  it('is outcome_unknown when the shard does not say in time whether it was decided', async () => {
    const ramax = await bed.start({ limits: { cancelGraceMs: 1 } });
    const space = await ramax.spaces.getOrCreate('acme');
    const gate = await bed.gate();
    const abort = new AbortController();
    const held = codeOf(space.execute('hold', { gate: gate.path, n: 1 }, { signal: abort.signal }));
    await gate.entered();
    abort.abort();
    expect(await held).toBe('outcome_unknown');
    gate.release();
    expect(await space.query('lines')).toEqual([1]);
  });

  it('keeps its place in flight until the shard has answered, so that bounds hold', async () => {
    const ramax = await bed.start({ limits: { spaceInFlightMax: 1, cancelGraceMs: 1 } });
    const space = await ramax.spaces.getOrCreate('acme');
    const gate = await bed.gate();
    const abort = new AbortController();
    const held = codeOf(space.execute('hold', { gate: gate.path, n: 1 }, { signal: abort.signal }));
    await gate.entered();
    abort.abort();
    expect(await held).toBe('outcome_unknown');
    expect(await codeOf(space.execute('line', 2))).toBe('overloaded');
    gate.release();
    await space.execute('line', 3, { overload: 'wait' });
    expect(await space.query('lines', undefined, { overload: 'wait' })).toEqual([1, 3]);
  });
});

describe('answers wait for the commit of what they could have seen', () => {
  it('a fetch, a query, a rejection, an empty answer and a copy are held while the commit is under way', async () => {
    const storage = new FaultyStorage(await bed.directory());
    const ramax = await bed.start({ storage: storage.ref });
    const space = await ramax.spaces.getOrCreate('acme');
    const sameShard = (await Promise.all(range(2).map((n) => ramax.spaces.getOrCreate(`space ${n}`)))).at(-1);
    await sameShard?.fetch('item:a'); // opens it, for which it needs the writer
    const gate = storage.holdNext();
    const answers = [
      space.execute('add', { id: 'a' }, { commandId: 'first' }),
      space.fetch('item:a'),
      space.query('items'),
      codeOf(space.execute('add', { id: 'a' })),
      codeOf(space.execute('line', 1, { expectedSequence: 0 })),
      space.execute('nothing'),
      space.execute('add', { id: 'a' }, { commandId: 'first' }),
    ];
    const watched = answers.map(watch);
    await gate.entered();
    // Another space of the same shard has nothing uncommitted, so it answers.
    expect(await sameShard?.fetch('item:a')).toBeUndefined();
    expect(sameShard?.spaceId).toBe(space.spaceId + 2);
    expect(watched.map(({ settled }) => settled)).toEqual(answers.map(() => false));
    expect(await space.latestSequence()).toBe(0);
    gate.release();
    expect(await Promise.all(answers)).toEqual([
      { eventIds: [1], spaceSequence: 1 },
      { id: 'a', value: 0 },
      [{ id: 'a', value: 0 }],
      'command_rejected',
      'conflict',
      { eventIds: [], spaceSequence: 1 },
      { eventIds: [1], spaceSequence: 1 },
    ]);
  });
});

describe('a call to the registry or to the log', () => {
  it('that is stopped while it waits ends at once: a read is aborted, a change goes on as outcome_unknown', async () => {
    const storage = new FaultyStorage(await bed.directory());
    const ramax = await bed.start({ storage: storage.ref });
    const space = await ramax.spaces.getOrCreate('acme');
    const gate = storage.holdNext();
    const line = space.execute('line', 1);
    await gate.entered();
    // The transaction under way is held, so that no change can be answered.
    const abort = new AbortController();
    const stopped = [
      codeOf(ramax.spaces.getOrCreate('one', { signal: abort.signal })),
      codeOf(ramax.spaces.updateMetadata('acme', { plan: 'pro' }, { signal: abort.signal })),
      codeOf(ramax.spaces.findByName('acme', { signal: abort.signal })),
      codeOf(space.latestSequence({ signal: abort.signal })),
    ];
    abort.abort();
    expect(await Promise.all(stopped)).toEqual(['outcome_unknown', 'outcome_unknown', 'aborted', 'aborted']);
    expect(await codeOf(ramax.spaces.getOrCreate('other', { timeoutMs: 1 }))).toBe('outcome_unknown');
    gate.release();
    await line;
    await until(async () => (await ramax.spaces.findByName('acme'))?.metadata['plan'] === 'pro');
    expect((await ramax.spaces.list()).map(({ spaceName }) => spaceName)).toEqual(['acme', 'one', 'other']);
  });

  it('is refused at once when its signal has aborted already, and nothing happens', async () => {
    const ramax = await bed.start();
    const space = await ramax.spaces.getOrCreate('acme');
    const options = { signal: AbortSignal.abort() };
    for (const call of [
      () => ramax.spaces.getOrCreate('other', options),
      () => ramax.spaces.updateMetadata('acme', { plan: 'pro' }, options),
      () => ramax.spaces.delete('acme', options),
      () => ramax.spaces.list(options),
      () => ramax.spaces.findByName('acme', options),
      () => ramax.spaces.findById(1, options),
      () => ramax.latestEventId(options),
      () => ramax.stats(options),
      () => space.latestSequence(options),
      () => space.readEvent(1, options),
    ]) {
      expect(await codeOf(call())).toBe('aborted');
    }
    expect(await ramax.spaces.list()).toMatchObject([{ spaceName: 'acme', metadata: {} }]);
  });
});

describe('timeoutMs', () => {
  const sharedBed = new RuntimeBed();
  let space: SpaceHandle<ItemsApp>;
  beforeAll(async () => {
    space = await (await sharedBed.start()).spaces.getOrCreate('acme');
  });
  afterAll(() => sharedBed.clear());

  it.each([0, -1, 1.5, Number.NaN, Number.POSITIVE_INFINITY, '5', null, 2 ** 60])(
    'of %s is refused as invalid_input',
    async (timeoutMs) => {
      const options = { timeoutMs: timeoutMs as number };
      expect(await errorOf(space.execute('line', 1, options))).toMatchObject({
        code: 'invalid_input',
        details: { field: 'timeoutMs' },
      });
      expect(await codeOf(space.fetch('lines', options))).toBe('invalid_input');
      expect(await codeOf(space.rebuild(options))).toBe('invalid_input');
      expect(await space.latestSequence()).toBe(0);
    },
  );

  it('may be longer than the longest timer of the platform', async () => {
    const warnings: string[] = [];
    const onWarning = ({ name }: Error): void => void warnings.push(name);
    process.on('warning', onWarning);
    const ramax = await bed.start();
    const acme = await ramax.spaces.getOrCreate('acme');
    const gate = await bed.gate();
    const held = acme.execute('hold', { gate: gate.path }, { timeoutMs: 2 ** 31 + 5 });
    await gate.entered();
    gate.release();
    expect(await codeOf(held)).toBe('ok');
    await acme.execute('line', 1, { timeoutMs: Number.MAX_SAFE_INTEGER });
    await ramax.close();
    process.off('warning', onWarning);
    expect(warnings).toEqual([]);
  });
});

import type { ExecuteOptions, Ramax, SpaceHandle } from 'ramax';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { FaultApp } from '../fixtures/fault.app.mjs';
import { all, codeOf, errorOf, fixture, RuntimeBed } from './runtime-bed.js';

const bed = new RuntimeBed();
let ramax: Ramax<FaultApp>;
let space: SpaceHandle<FaultApp>;

beforeAll(async () => {
  ramax = await bed.start<FaultApp>({ app: fixture('fault.app.mjs') });
  space = await ramax.spaces.getOrCreate('acme');
});

afterAll(() => bed.clear());

class Money {
  readonly amount = 5;
}

function nested(depth: number): unknown {
  let value: unknown = 1;
  for (let level = 0; level < depth; level++) value = { inner: value };
  return value;
}

function circle(): unknown {
  const value: Record<string, unknown> = {};
  value['self'] = value;
  return value;
}

/** What no encoding brings back as it was, with the path and the words by which it is refused. */
const badValues: readonly (readonly [what: string, value: unknown, where: string, expected: string])[] = [
  ['a Date', new Date(0), '.at', 'a plain object or array'],
  ['a Map', new Map(), '.at', 'a plain object or array'],
  ['a Set', new Set(), '.at', 'a plain object or array'],
  ['an instance of a class', new Money(), '.at', 'a plain object or array'],
  ['an Error', new Error('x'), '.at', 'a plain object or array'],
  ['bytes', Buffer.from('x'), '.at', 'a plain object or array'],
  ['an array of numbers of a fixed size', new Float64Array(2), '.at', 'a plain object or array'],
  ['a regular expression', /x/, '.at', 'a plain object or array'],
  ['a promise', Promise.resolve(1), '.at', 'a plain object or array'],
  ['NaN', Number.NaN, '.at', 'a finite number'],
  ['Infinity', Number.POSITIVE_INFINITY, '.at', 'a finite number'],
  ['a lone surrogate', 'x\ud800', '.at', 'well-formed text'],
  ['a key with a lone surrogate', { '\udc00': 1 }, '.at', 'well-formed text'],
  ['a sparse array', Object.assign([1], { 2: 3 }), '.at[1]', 'a dense array'],
  ['undefined in an array', [undefined], '.at[0]', 'a JSON value'],
  ['a bigint', 5n, '.at', 'a JSON value'],
  ['a symbol', Symbol('x'), '.at', 'a JSON value'],
  ['a symbol as a key', { [Symbol('x')]: 1 }, '.at', 'without symbol keys'],
  ['a function', () => 1, '.at', 'a JSON value'],
  ['the key __proto__', JSON.parse('{"__proto__": {"admin": true}}'), '.at.__proto__', '__proto__'],
  ['an object that holds itself', circle(), '.at', 'levels deep'],
  ['65 levels', nested(64), '.at', 'levels deep'],
  ['more than a mebibyte', 'x'.repeat(1024 * 1024), '', 'at most 1048576 bytes'],
  ['more than a mebibyte in many pieces', Array.from({ length: 2_000 }, () => 'ä'.repeat(300)), '', 'bytes'],
];

describe.each(badValues)('a value that holds %s is refused', (_what, value, where, expected) => {
  it('in the parameters of a command, with the path to it', async () => {
    const error = await errorOf(space.execute('line', { at: value }));
    expect(error).toMatchObject({ code: 'invalid_input', retryable: false });
    expect(error.message).toContain(`params${where}`);
    expect(error.message).toContain(expected);
  });

  it('in the parameters of a query and in metadata', async () => {
    expect((await errorOf(space.query('echo', { at: value }))).message).toContain(`params${where}`);
    const metadata = { at: value };
    const created = await errorOf(ramax.spaces.getOrCreate('never made', { metadata }));
    expect(created).toMatchObject({ code: 'invalid_input' });
    expect(created.message).toContain(`metadata${where}`);
    expect(await codeOf(ramax.spaces.updateMetadata('acme', metadata))).toBe('invalid_input');
    expect(await ramax.spaces.findByName('never made')).toBeUndefined();
  });
});

describe('a value that is folded instead', () => {
  it('has 0 for -0 and lacks its undefined properties', async () => {
    expect(await space.query('echo', { zero: -0, none: undefined })).toEqual({ zero: 0 });
    const echoed = (await space.query('echo', { zero: -0, none: undefined })) as { zero: number };
    expect(Object.is(echoed.zero, 0)).toBe(true);
    expect(Object.keys(echoed)).toEqual(['zero']);
  });
});

describe('a name that the app does not have', () => {
  it('is refused with the nearest one that it has', async () => {
    const name = 'lin' as 'line';
    expect(await errorOf(space.execute(name, 1))).toMatchObject({
      code: 'unknown_command',
      retryable: false,
      message: "the app has no command 'lin'; did you mean 'line'?",
      details: { command: 'lin', nearest: 'line', known: expect.arrayContaining(['line', 'add']) },
    });
    expect(await errorOf(space.query('item' as 'items'))).toMatchObject({
      code: 'unknown_query',
      message: "the app has no query 'item'; did you mean 'items'?",
    });
  });

  it('is refused without a guess when none is near, and whatever it is', async () => {
    for (const name of [
      '',
      'something else entirely',
      '__proto__',
      'constructor',
      'toString',
      7,
      null,
      {},
      [],
    ]) {
      expect(await codeOf(space.execute(name as 'line', 1))).toBe('unknown_command');
      expect(await codeOf(space.query(name as 'items'))).toBe('unknown_query');
    }
    const error = await errorOf(space.execute('something else entirely' as 'line', 1));
    expect(error.message).toBe("the app has no command 'something else entirely'");
    expect(await codeOf(space.execute(Symbol('x') as unknown as 'line', 1))).toBe('unknown_command');
  });
});

describe('the options of a command', () => {
  const bad: readonly (readonly [field: string, values: readonly unknown[]])[] = [
    ['commandId', ['', 7, null, {}, 'x'.repeat(513), 'ä'.repeat(257), '\ud800', 'a\u0000b']],
    ['causationId', ['', 7, null, 'x'.repeat(513)]],
    ['correlationId', ['', 7, null, 'x'.repeat(513)]],
    ['expectedSequence', [-1, 1.5, Number.NaN, '0', null, 2 ** 53]],
    ['timeoutMs', [0, -1, 1.5, '1000']],
    ['overload', ['', 'throw', 7, null]],
    ['signal', [true, {}, new AbortController(), null]],
  ];

  it.each(bad)('refuse a bad %s by its name', async (field, values) => {
    for (const value of values) {
      const error = await errorOf(space.execute('line', 1, { [field]: value } as ExecuteOptions));
      expect(error).toMatchObject({ code: 'invalid_input', details: { field } });
    }
  });

  it('are refused when they are misspelt, with the nearest name: a misspelt commandId would lose the promise once', async () => {
    const misspelt = { commandID: 'k1' } as object;
    expect(await errorOf(space.execute('line', 1, misspelt))).toMatchObject({
      code: 'invalid_input',
      message: expect.stringContaining('did you mean commandId?') as string,
      details: { field: 'options.commandID' },
    });
  });

  it('are refused by their names at every door, with the nearest name', async () => {
    const doors: readonly (readonly [option: string, call: (options: never) => Promise<unknown>])[] = [
      ['timeoutMS', (options) => space.execute('line', 1, options)],
      ['veiw', (options) => space.fetch('lines', options)],
      ['dept', (options) => space.getResolved('lines', options)],
      ['timeoutMS', (options) => space.query('lines', undefined, options)],
      ['onprogress', (options) => space.rebuild(options)],
      ['veiw', (options) => space.migrateAll(options)],
      ['timeoutMS', (options) => space.checkpoint(options)],
      ['timeoutMS', (options) => space.views(options)],
      ['singal', (options) => space.readEvent(1, options)],
      ['overlaod', (options) => space.latestSequence(options)],
      ['timeoutMS', (options) => space.skipEvent({ spaceSequence: 1 }, options)],
      ['veiw', (options) => ramax.rebuild(options)],
      ['veiw', (options) => ramax.migrateAll(options)],
      ['timeoutMS', (options) => ramax.latestEventId(options)],
      ['timeoutMS', (options) => ramax.stats(options)],
      ['metdata', (options) => ramax.spaces.getOrCreate('never made', options)],
      ['timeoutMS', (options) => ramax.spaces.findByName('acme', options)],
      ['timeoutMS', (options) => ramax.spaces.findById(1, options)],
      ['timeoutMS', (options) => ramax.spaces.list(options)],
      ['timeoutMS', (options) => ramax.spaces.updateMetadata('acme', {}, options)],
      ['timeoutMS', (options) => ramax.spaces.delete('acme', options)],
      ['form', async (options) => all(space.streamEvents(options))],
      ['form', async (options) => all(space.streamEntityEvents('lines', options))],
      ['form', async (options) => all(ramax.streamAllEvents(options))],
      ['timeoutMs', async (options) => space.watch('lines', options)],
    ];
    for (const [option, call] of doors) {
      const error = await errorOf((async () => call({ [option]: 1 } as never))());
      const details = { field: `options.${option}` };
      expect(error, call.toString()).toMatchObject({ code: 'invalid_input', details });
      if (option !== 'timeoutMs') expect(error.message).toContain('did you mean ');
    }
    expect(await ramax.spaces.findByName('never made')).toBeUndefined();
    expect(await ramax.spaces.findByName('acme')).toBeDefined();
  });

  it('are refused in an event to skip: a misspelt view would mean the main one', async () => {
    const event = { veiw: 'fragile', spaceSequence: 1 };
    expect(await errorOf(space.skipEvent(event))).toMatchObject({
      code: 'invalid_input',
      message: expect.stringContaining('did you mean view?') as string,
      details: { field: 'event.veiw' },
    });
    const none = null as never;
    const bad: readonly (readonly [skipped: unknown, field: string])[] = [
      [none, 'event'],
      [{}, 'spaceSequence'],
      [{ spaceSequence: 0 }, 'spaceSequence'],
      [{ spaceSequence: '1' }, 'spaceSequence'],
    ];
    for (const [skipped, field] of bad) {
      const error = await errorOf(space.skipEvent(skipped as never));
      expect(error).toMatchObject({ code: 'invalid_input', details: { field } });
    }
    expect(await codeOf(space.skipEvent({ view: none, spaceSequence: 1 }))).toBe('unknown_view');
  });

  it('are refused when they are no object, at every door that takes options', async () => {
    for (const options of [null, 7, 'fast', true] as unknown[]) {
      const none = options as undefined;
      for (const call of [
        () => space.execute('line', 1, none),
        () => space.fetch('lines', none),
        () => space.query('lines', undefined, none),
        () => space.rebuild(none),
        () => space.getResolved('lines', none),
        () => space.migrateAll(none),
        () => space.checkpoint(none),
        () => space.views(none),
        () => space.skipEvent({ spaceSequence: 1 }, none),
        () => ramax.rebuild(none),
        () => ramax.migrateAll(none),
        () => space.readEvent(1, none),
        () => space.latestSequence(none),
        () => ramax.latestEventId(none),
        () => ramax.stats(none),
        () => ramax.spaces.getOrCreate('acme', none),
        () => ramax.spaces.findByName('acme', none),
        () => ramax.spaces.findById(1, none),
        () => ramax.spaces.list(none),
        () => ramax.spaces.updateMetadata('acme', {}, none),
        () => ramax.spaces.delete('acme', none),
        async () => all(space.streamEvents(none)),
        async () => all(space.streamEntityEvents('lines', none)),
        async () => all(ramax.streamAllEvents(none)),
      ]) {
        expect(await errorOf(call())).toMatchObject({ code: 'invalid_input', details: { field: 'options' } });
      }
    }
  });
});

describe('names and places', () => {
  const badSpaceNames: readonly unknown[] = [
    '',
    ' ',
    ' acme',
    'acme ',
    '.',
    '..',
    '../acme',
    'a/b',
    'a\\b',
    'a\u0000b',
    'a\nb',
    'a\tb',
    'a\u007fb',
    'a\u0085b',
    'a\u202eb',
    'a\u2066b',
    'a\u200fb',
    '\ufeffacme',
    'a\u2028b',
    'e\u0301', // é in two code points
    '\ud800',
    'x'.repeat(201),
    'ä'.repeat(101),
    7,
    null,
    undefined,
    {},
    ['acme'],
  ];

  it.each(badSpaceNames.map((name) => [JSON.stringify(name) ?? 'undefined', name]))(
    'a space is not named %s',
    async (_shown, name) => {
      const spaceName = name as string;
      const expected = { code: 'invalid_input', details: { field: 'spaceName' } };
      expect(await errorOf(ramax.spaces.getOrCreate(spaceName))).toMatchObject(expected);
      expect(await errorOf(ramax.spaces.findByName(spaceName))).toMatchObject(expected);
      expect(await errorOf(ramax.spaces.delete(spaceName))).toMatchObject(expected);
      expect(await errorOf(ramax.spaces.updateMetadata(spaceName, {}))).toMatchObject(expected);
    },
  );

  it.each([
    'é',
    'Ä',
    '空間',
    '😀',
    'crm_acme',
    'a.b',
    '__proto__',
    'constructor',
    'x'.repeat(200),
    'a b',
    'a:b',
    '%2e',
  ])('a space may be named %s', async (name) => {
    const made = await ramax.spaces.getOrCreate(name);
    expect(await ramax.spaces.findByName(name)).toMatchObject({ spaceId: made.spaceId, spaceName: name });
  });

  it('a key, an entity id and an event type are text of 1 to 512 bytes without NUL', async () => {
    for (const id of ['', 'x'.repeat(513), 'ä'.repeat(257), '\ud800', 'a\u0000b', 7, null, undefined, {}]) {
      const key = id as string;
      expect(await errorOf(space.fetch(key))).toMatchObject({
        code: 'invalid_input',
        details: { field: 'key' },
      });
      expect(await codeOf((async () => all(space.streamEntityEvents(key)))())).toBe('invalid_input');
      const badEntity = { entityId: id ?? null, type: 'remarked' };
      expect(await codeOf(space.execute('event', badEntity))).toBe('invalid_input');
      expect(await codeOf(space.execute('event', { entityId: 'x', type: id ?? null }))).toBe('invalid_input');
    }
    for (const key of ['__proto__', 'constructor', 'x'.repeat(512), 'ä'.repeat(256), ' ', '😀']) {
      expect(await space.fetch(key)).toBeUndefined();
    }
  });

  it('keys with the names of what every object has are keys like any other', async () => {
    for (const id of ['__proto__', 'constructor', 'toString', 'hasOwnProperty']) {
      await space.execute('set', { id, value: 1 });
      expect(await space.fetch(`item:${id}`)).toEqual({ id, value: 1 });
    }
  });

  it('an id is an integer from 1, and a place to stream from an integer from 0', async () => {
    for (const value of [-1, 1.5, Number.NaN, '1', null, {}, 2 ** 53]) {
      const id = value as number;
      expect(await codeOf(ramax.spaces.findById(id))).toBe('invalid_input');
      expect(await codeOf(space.readEvent(id))).toBe('invalid_input');
      const stream = (events: () => AsyncIterable<unknown>) => codeOf((async () => all(events()))());
      expect(await stream(() => space.streamEvents({ from: id }))).toBe('invalid_input');
      expect(await stream(() => space.streamEntityEvents('lines', { from: id }))).toBe('invalid_input');
      expect(await stream(() => ramax.streamAllEvents({ from: id }))).toBe('invalid_input');
      expect(await stream(() => space.streamEvents({ signal: id as unknown as AbortSignal }))).toBe(
        'invalid_input',
      );
    }
    expect(await codeOf(ramax.spaces.findById(0))).toBe('invalid_input');
    expect(await codeOf(space.readEvent(0))).toBe('invalid_input');
  });

  it('metadata is an object of at most 16 KiB as JSON', async () => {
    for (const metadata of [null, [], 'pro', 7, { note: 'x'.repeat(16 * 1024) }]) {
      const wrong = metadata as Record<string, unknown>;
      expect(await codeOf(ramax.spaces.getOrCreate('never made', { metadata: wrong }))).toBe('invalid_input');
      expect(await codeOf(ramax.spaces.updateMetadata('acme', wrong))).toBe('invalid_input');
    }
    expect(
      await codeOf(ramax.spaces.updateMetadata('acme', undefined as unknown as Record<string, never>)),
    ).toBe('invalid_input');
  });
});

describe('an app that misbehaves', () => {
  async function expectNothingWritten(call: () => Promise<unknown>): Promise<Error & { code: string }> {
    const before = await space.query('everything');
    const sequence = await space.latestSequence();
    const error = await errorOf(call());
    expect(await space.latestSequence()).toBe(sequence);
    expect(await space.query('everything')).toEqual(before);
    await space.execute('line', 'the space goes on');
    return error;
  }

  it.each(['undefined', 'null', 'object', 'number', 'promise', 'copied rejection'])(
    'a command that answers %s is command_failed, nothing is written, and the space goes on',
    async (kind) => {
      const error = await expectNothingWritten(() => space.execute('answerNonsense', kind));
      expect(error.code).toBe('command_failed');
      expect(error.message).toContain(
        "the command 'answerNonsense' must return an array of events or reject(…)",
      );
    },
  );

  it.each([
    ['array of null', 'events[0]'],
    ['event without type', 'events[0].type'],
    ['event without entity', 'events[0].entityId'],
    ['event with a Date', 'events[0].payload.at'],
    ['event of version 0', 'events[0].version'],
    ['event with bad tags', 'events[0].tags'],
    ['event with bad metadata', 'events[0].metadata'],
    ['too many events', 'events'],
  ])('a command that answers with an %s is refused by the name of the field', async (kind, field) => {
    const error = await expectNothingWritten(() => space.execute('answerNonsense', kind));
    expect(error).toMatchObject({ code: 'invalid_input', details: { field } });
  });

  it('a command that throws is command_failed with what it threw', async () => {
    const error = await expectNothingWritten(() => space.execute('throwError'));
    expect(error).toMatchObject({ code: 'command_failed', retryable: false });
    expect(error.message).toBe("the command 'throwError' threw: out of order");
    expect((await errorOf(space.execute('throwText'))).message).toContain('only a text');
  });

  it.each(['poison', 'promisePoison'] as const)(
    'a projection of the main view that fails (%s) is projection_failed: no event of its command is written, no view is changed',
    async (command) => {
      const error = await expectNothingWritten(() => space.execute(command));
      expect(error).toMatchObject({
        code: 'projection_failed',
        retryable: false,
        details: { type: expect.stringContaining('poison'), version: 1, view: 'main' },
      });
    },
  );

  it('a command or query cannot change the state that it is given', async () => {
    await space.execute('line', 1);
    for (const call of [
      () => space.execute('changeState'),
      () => space.execute('putFromCommand'),
      () => space.query('mutate'),
      () => space.query('putFromQuery'),
    ]) {
      expect((await expectNothingWritten(call)).code).toBe('command_failed');
    }
  });

  it('a query that throws or answers with what is no value says so', async () => {
    expect(await errorOf(space.query('explode'))).toMatchObject({
      code: 'command_failed',
      message: "the query 'explode' threw: out of reach",
    });
    expect(await codeOf(space.query('late'))).toBe('command_failed');
    expect(await errorOf(space.query('unstorable'))).toMatchObject({ code: 'invalid_input' });
    expect(await codeOf(space.query('circular'))).toBe('invalid_input');
    expect(await space.query('echo', 'still here')).toBe('still here');
  });

  it('an event type without a projection is allowed and changes no view', async () => {
    const before = await space.query('everything');
    const { spaceSequence } = await space.execute('remark', 'unheard');
    expect(await space.query('everything')).toEqual(before);
    expect(await all(space.streamEvents({ from: spaceSequence - 1 }))).toMatchObject([
      { type: 'remarked', payload: 'unheard' },
    ]);
  });
});

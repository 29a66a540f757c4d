/**
 * Values that nobody in his right mind passes, seeded: every type, absurd depths and sizes, prototype keys, getters that
 * throw, proxies that throw or are revoked, cycles, lone surrogates, numbers at every edge.
 */

import fc from 'fast-check';

const longText = 'x'.repeat(2 * 1024 * 1024);
const edges = [
  0,
  -0,
  1,
  -1,
  0.5,
  2 ** 31,
  2 ** 32,
  2 ** 53,
  -(2 ** 53),
  2 ** 53 - 1,
  1e308,
  5e-324,
  Number.NaN,
  Number.POSITIVE_INFINITY,
  Number.NEGATIVE_INFINITY,
];
const texts = [
  '',
  ' ',
  '\u0000',
  '\ud800',
  '\udc00x',
  'a\u0000b',
  '\ufeff',
  '\u202e',
  'e\u0301',
  '__proto__',
  'constructor',
  'prototype',
  'toString',
  'hasOwnProperty',
  'then',
  'toJSON',
  '../x',
  'a/b',
  '.',
  '..',
  'x'.repeat(512),
  'x'.repeat(513),
  'ä'.repeat(300),
  longText,
  '\u{1f600}'.repeat(200),
  "'; DROP TABLE events; --",
  '$ref',
  'NaN',
];

/** Made anew each time: some of them can be used once only. */
const oddities: readonly (() => unknown)[] = [
  () => undefined,
  () => null,
  () => Symbol('odd'),
  () => Symbol.iterator,
  () => 10n ** 30n,
  () => () => 1,
  () => async () => 1,
  () => class Odd {},
  () => new Date(0),
  () => new Date(Number.NaN),
  () => /odd/gu,
  () => new Map([['a', 1]]),
  () => new Set([1]),
  () => new WeakMap(),
  () => Promise.resolve(1),
  () => new Error('odd'),
  () => Buffer.from('odd'),
  () => new Uint8Array(3),
  () => new Float64Array([Number.NaN]),
  () => new ArrayBuffer(8),
  () => new SharedArrayBuffer(8),
  () => new DataView(new ArrayBuffer(8)),
  () => Object(1),
  () => Object('text'),
  () => Object(Symbol('odd')),
  () => new URL('http://localhost/'),
  () => new AbortController().signal,
  () => AbortSignal.abort(),
  () => Object.create(null) as unknown,
  () => Object.create({ inherited: 1 }) as unknown,
  () => Object.create(null, { hidden: { value: 1, enumerable: false } }) as unknown,
  () => JSON.parse('{"__proto__": {"polluted": true}}') as unknown,
  () => ({ constructor: { prototype: { polluted: true } } }),
  // biome-ignore lint/suspicious/noThenProperty: a thenable is what is meant
  () => ({ then: (resolve: (value: number) => void) => resolve(1) }),
  () => ({ toJSON: () => 'lie' }),
  () => ({ toString: () => raise(), valueOf: () => raise() }),
  () => ({ [Symbol.toPrimitive]: () => raise() }),
  () => ({ [Symbol('key')]: 1 }),
  () => ({
    get trap() {
      return raise();
    },
  }),
  () => ({
    get changing() {
      return Math.random();
    },
  }),
  () => ({ set only(_value: unknown) {} }),
  () => Object.defineProperty([], 0, { get: raise, enumerable: true }),
  () => new Array(5),
  () => Object.assign([1], { 4: 2 }),
  () => Object.assign([1], { extra: 2 }),
  () => new Array(100_000).fill(0),
  () => Array.from({ length: 5_000 }, (_, index) => `k${index}`),
  () => Object.fromEntries(Array.from({ length: 5_000 }, (_, index) => [`k${index}`, index])),
  () => deep(40),
  () => deep(70),
  () => deep(20_000),
  () => deepArray(20_000),
  () => circle(),
  () => revoked({}),
  () => revoked([]),
  () => revoked(() => 1),
  () => new Proxy({}, throwingTraps),
  () => new Proxy([], throwingTraps),
  () => new Proxy(() => 1, throwingTraps),
  () => new Proxy({ a: 1 }, {}),
  () => new Proxy({ a: 1 }, { getPrototypeOf: () => raise() }),
  () => new Proxy({ a: 1 }, { ownKeys: () => ['a', 'a'] }),
  () => new Proxy({ a: 1 }, { get: () => Number.NaN }),
  () =>
    (function args() {
      // biome-ignore lint/complexity/noArguments: the old object of arguments is what is meant
      return arguments;
    })(),
  () =>
    new (class Money {
      readonly amount = 5;
    })(),
  () => Object.freeze({ frozen: { deep: [1] } }),
  () => ({ constructor: new Proxy(() => 1, throwingTraps) }),
  () =>
    Object.create({
      get constructor(): unknown {
        return raise();
      },
    }) as unknown,
  () => globalThis,
  () => Object.assign(() => 1, { a: 1 }),
];

function raise(): never {
  throw new EvalError('thrown by what was passed in');
}

const throwingTraps: ProxyHandler<object> = {
  get: raise,
  has: raise,
  ownKeys: raise,
  getOwnPropertyDescriptor: raise,
  getPrototypeOf: raise,
};

function revoked(target: object): unknown {
  const { proxy, revoke } = Proxy.revocable(target, {});
  revoke();
  return proxy;
}

function deep(levels: number): unknown {
  let value: unknown = 1;
  for (let level = 0; level < levels; level++) value = { inner: value };
  return value;
}

function deepArray(levels: number): unknown {
  let value: unknown = [];
  for (let level = 0; level < levels; level++) value = [value];
  return value;
}

function circle(): unknown {
  const value: Record<string, unknown> = { list: [] };
  value['self'] = value;
  (value['list'] as unknown[]).push(value);
  return value;
}

/** How to make a value: fast-check itself looks into what it generates, and some of these do not stand that. */
type Make = () => unknown;

const scalar: fc.Arbitrary<Make> = fc
  .oneof(
    fc.constantFrom(...edges),
    fc.constantFrom(...texts),
    fc.double(),
    fc
      .array(fc.integer({ min: 0, max: 0xffff }), { maxLength: 30 })
      .map((units) => String.fromCharCode(...units)),
    fc.boolean(),
    fc.constant(null),
  )
  .map((value) => () => value);

const odd: fc.Arbitrary<Make> = fc.constantFrom(...oddities);

const wild: fc.Arbitrary<Make> = fc
  .anything({
    maxDepth: 2,
    withBigInt: true,
    withBoxedValues: true,
    withDate: true,
    withMap: true,
    withSet: true,
    withNullPrototype: true,
    withObjectString: true,
    withSparseArray: true,
    withTypedArray: true,
  })
  .map((value) => () => value);

const key = fc.oneof(
  fc.constantFrom(...texts.filter(({ length }) => length < 600)),
  fc.string({ maxLength: 8 }),
);

/** Plain JSON, with an oddity somewhere within now and then. */
const nested: fc.Arbitrary<Make> = fc.letrec<{ value: Make }>((tie) => ({
  value: fc.oneof(
    { depthSize: 'small' },
    scalar,
    odd,
    fc.array(tie('value'), { maxLength: 4 }).map((makers) => () => makers.map((make) => make())),
    fc.array(fc.tuple(key, tie('value')), { maxLength: 4 }).map((entries) => () => madeOf(entries)),
  ),
})).value;

const plain: fc.Arbitrary<Make> = fc.jsonValue({ maxDepth: 3 }).map((value) => () => value);

/** Own properties, also where a mere assignment would set a prototype. */
function madeOf(entries: readonly (readonly [string, Make])[]): object {
  const made = {};
  for (const [name, make] of entries) {
    Object.defineProperty(made, name, {
      ...{ value: make(), enumerable: true, configurable: true, writable: true },
    });
  }
  return made;
}

/** Anything at all; now and then something that is allowed. */
export const hostileValue: fc.Arbitrary<Make> = fc.oneof(
  { weight: 3, arbitrary: nested },
  { weight: 1, arbitrary: wild },
  { weight: 2, arbitrary: odd },
  { weight: 2, arbitrary: scalar },
  { weight: 2, arbitrary: plain },
);

/** Objects with a few of these fields, hostile or not; or no such object at all. */
export function hostileObject(fields: readonly string[]): fc.Arbitrary<Make> {
  const names = fc.constantFrom(...fields, '__proto__', 'commandID');
  const entries = fc.array(fc.tuple(names, hostileValue), { maxLength: 3 });
  return fc.oneof(
    { weight: 4, arbitrary: entries.map((chosen) => () => madeOf(chosen)) },
    { weight: 1, arbitrary: hostileValue },
  );
}

/** The value of a seed. */
export function sampled(arbitrary: fc.Arbitrary<Make>, seed: number): unknown {
  const [make] = fc.sample(arbitrary, { seed, numRuns: 1 });
  return make?.();
}

/**
 * What a value must come back as: itself, with 0 for -0 and without undefined properties. Only for values that were
 * taken.
 */
export function broughtBack(value: unknown): unknown {
  if (Object.is(value, -0)) return 0;
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return value.map(broughtBack);
  return Object.fromEntries(
    Object.entries(value)
      .filter(([, inner]) => inner !== undefined)
      .map(([name, inner]) => [name, broughtBack(inner)]),
  );
}

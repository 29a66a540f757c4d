/**
 * Calls every public door with hostile values: `hostile.js '{"directory": …}'`. Each call succeeds, and what was taken
 * comes back as it was, or is refused with a `RamaxError`; no thread dies; the next ordinary command works. Says what was
 * wrong, in JSON lines.
 */

import { writeSync } from 'node:fs';
import { isDeepStrictEqual } from 'node:util';
import { Ramax, RamaxError } from 'ramax';
import { memory } from 'ramax/storage/memory';
import { sqlite } from 'ramax/storage/sqlite';
import { SeededRandom } from '../../../src/testing/random.js';
import { broughtBack, hostileObject, hostileValue, sampled } from '../hostile-values.js';

/** What the program is told. */
export interface HostilePlan {
  readonly directory: string;
  readonly seed: number;
  readonly calls: number;
  /** A control: the engine lets a thread's error through as it is, so that it has no type. */
  readonly isUntyped?: boolean;
  /** A control: what is read back is not what was taken. */
  readonly isForgery?: boolean;
}

const plan = JSON.parse(process.argv[2] ?? '') as HostilePlan;
const random = new SeededRandom(plan.seed);
const lanes = 12;
const ordinaryEvery = 200;
const waitFields = ['signal', 'timeoutMs', 'overload'];
const violations = new Set<string>();
let [calls, taken, refused, ordinary] = [0, 0, 0, 0];

process.on('uncaughtException', (error) => wrong(`nobody caught ${error.stack}`));
process.on('unhandledRejection', (error) => wrong(`nobody awaited ${String(error)}`));

const ramax = await Ramax.start({
  app: new URL('../apps/hostile.app.js', import.meta.url),
  storage: sqlite({ directory: plan.directory }),
  shards: 2,
});
const space = (await ramax.spaces.getOrCreate('hostile')) as never as Record<
  string,
  (...given: unknown[]) => unknown
>;
const plainSpace = await ramax.spaces.getOrCreate('ordinary');
const spaces = ramax.spaces as never as Record<string, (...given: unknown[]) => unknown>;
const whole = ramax as never as Record<string, (...given: unknown[]) => unknown>;

/** Every door, and what it takes. */
const doors: readonly (readonly [name: string, call: (value: unknown, options: unknown) => unknown])[] = [
  ['execute(name)', (value, options) => space['execute']?.(value, value, options)],
  ['execute(options)', (_value, options) => space['execute']?.('put', 1, options)],
  ['execute(commandId)', (value) => space['execute']?.('put', 1, { commandId: value })],
  ['fetch', (value, options) => space['fetch']?.(value, options)],
  ['getResolved', (value, options) => space['getResolved']?.(value, options)],
  ['query(name)', (value, options) => space['query']?.(value, value, options)],
  ['query(options)', (value, options) => space['query']?.('echo', value, options)],
  ['readEvent', (value, options) => space['readEvent']?.(value, options)],
  ['latestSequence', (_value, options) => space['latestSequence']?.(options)],
  ['streamEvents', (_value, options) => firstOf(space['streamEvents']?.(options))],
  ['streamEntityEvents', (value, options) => firstOf(space['streamEntityEvents']?.(value, options))],
  ['streamAllEvents', (_value, options) => firstOf(whole['streamAllEvents']?.(options))],
  [
    'at',
    (value, options) =>
      (space['at']?.(value) as { fetch(...given: unknown[]): unknown } | undefined)?.fetch(value, options),
  ],
  ['watch', (value, options) => firstOf(space['watch']?.(value, options))],
  ['views', (_value, options) => space['views']?.(options)],
  ['checkpoint', (_value, options) => space['checkpoint']?.(options)],
  ['skipEvent', (value, options) => space['skipEvent']?.(value, options)],
  ['getOrCreate', (value, options) => spaces['getOrCreate']?.(value, options)],
  ['findByName', (value, options) => spaces['findByName']?.(value, options)],
  ['findById', (value, options) => spaces['findById']?.(value, options)],
  ['updateMetadata', (value, options) => spaces['updateMetadata']?.('hostile', value, options)],
  ['delete', (value, options) => (value === 'hostile' ? undefined : spaces['delete']?.(value, options))],
  ['list', (_value, options) => spaces['list']?.(options)],
  ['execute(metadata)', (value) => space['execute']?.('put', 1, { metadata: value })],
  ['execute(failIfEventsMatch)', (value) => space['execute']?.('put', 1, { failIfEventsMatch: value })],
  [
    'execute(failIfEventsMatch.query)',
    (value) => space['execute']?.('put', 1, { failIfEventsMatch: { query: value } }),
  ],
  ['streamEvents(query)', (query) => firstOf(space['streamEvents']?.({ query }))],
  ['space.subscribe', (_value, options) => closed(space['subscribe']?.(options))],
  ['space.subscribe(name)', (name) => closed(space['subscribe']?.({ name }))],
  ['space.subscribe(query)', (query) => closed(space['subscribe']?.({ query }))],
  ['subscribe', (_value, options) => closed(whole['subscribe']?.(options))],
  ['subscriptions.list', () => part(whole, 'subscriptions')['list']?.()],
  ['subscriptions.reset', (value, options) => part(whole, 'subscriptions')['reset']?.(value, value, options)],
  ['subscriptions.delete', (value, options) => part(whole, 'subscriptions')['delete']?.(value, options)],
  ['reactors.parked of all', (_value, options) => part(whole, 'reactors')['parked']?.(options)],
  ['reactors.parked', (_value, options) => part(space, 'reactors')['parked']?.(options)],
  ['reactors.retry', (value, options) => part(space, 'reactors')['retry']?.(value, options)],
  ['reactors.skip', (value, options) => part(space, 'reactors')['skip']?.(value, options)],
  ['timers.list', (_value, options) => part(space, 'timers')['list']?.(options)],
  ['timers.cancel', (value, options) => part(space, 'timers')['cancel']?.(value, options)],
  ['importEvents', (value, options) => whole['importEvents']?.(value, options)],
  ['importEvents(event)', (value) => whole['importEvents']?.(oneOf(value), { name: 'hostile' })],
  ['forgetKey', (value) => whole['forgetKey']?.(value)],
  ['verify', (_value, options) => space['verify']?.(options)],
  ['export', (_value, options) => firstOf(space['export']?.(options))],
  ['import', (value, options) => spaces['import']?.(value, options)],
  ['import(bytes)', (value, options) => spaces['import']?.(oneOf(value), options)],
  ['clone', (value, options) => spaces['clone']?.(value, value, options)],
  ['restoreTo', (value, options) => spaces['restoreTo']?.(value, value, options)],
  ['suspend', (value, options) => spaces['suspend']?.(value, options)],
  ['resume', (value, options) => spaces['resume']?.(value, options)],
  ['setLimits', (value, options) => spaces['setLimits']?.(value, value, options)],
  ['stats', (_value, options) => whole['stats']?.(options)],
  ['latestEventId', (_value, options) => whole['latestEventId']?.(options)],
  ['sqlite', (value) => sqlite(value as never)],
  ['memory', () => memory()],
  [
    'start',
    (value, options) =>
      whole['never'] ?? Ramax.start({ app: value, storage: value, ...copyOf(options) } as never),
  ],
];

/** As much of it as can be read: what throws here is no door's. */
function copyOf(options: unknown): object {
  try {
    return { ...(options as object) };
  } catch {
    return {};
  }
}
const optionFields = [...waitFields, 'commandId', 'causationId', 'correlationId', 'expectedSequence'];
const moreFields = [
  'from',
  'view',
  'depth',
  'prefix',
  'query',
  'params',
  'metadata',
  'spaceSequence',
  'onProgress',
];

const hostileOptions = hostileObject([...optionFields, ...moreFields]);

await Promise.all(Array.from({ length: lanes }, (_, lane) => work(lane)));
await check();
const restarts = (await ramax.stats()).restarts;
if (restarts.writer > 0 || restarts.shards.some((count) => count > 0))
  wrong(`threads died: ${JSON.stringify(restarts)}`);
if ((await plainSpace.query('sum' as never)) !== ordinary)
  wrong('the ordinary space is not the sum of its commands');
await ramax.close();
if (({} as { polluted?: unknown }).polluted !== undefined) wrong('the prototype of all objects was changed');
writeSync(1, `${JSON.stringify({ calls, taken, refused, ordinary, violations: [...violations] })}\n`);

async function work(lane: number): Promise<void> {
  while (calls < plan.calls) {
    const seed = plan.seed * 1_000_003 + calls;
    calls++;
    if (calls % ordinaryEvery === 0) await check();
    const kind = random.below(4);
    if (kind === 0) await roundTrip(lane, seed);
    else if (kind === 1) await fromInside(seed);
    else await knock(seed);
  }
}

/** An ordinary command: works whatever came before. */
async function check(): Promise<void> {
  try {
    await plainSpace.execute('put' as never, 1 as never);
    ordinary++;
  } catch (error) {
    wrong(`an ordinary command was answered ${String(error)}`);
  }
}

/** A value as a parameter, through command, log, projection and back, and through a query. */
async function roundTrip(lane: number, seed: number): Promise<void> {
  const value = sampled(hostileValue, seed);
  const key = `lane-${lane}`;
  const isTaken = await settles('execute(params)', seed, () => space['execute']?.('echo', { key, value }));
  if (!isTaken) return;
  const expected = plan.isForgery ? ['forged'] : broughtBack(value);
  const fetched = await space['fetch']?.(key);
  if (expected !== undefined && !isDeepStrictEqual(fetched, expected) && isSteady(value)) {
    wrong(`seed ${seed}: what was taken did not come back as it was, but as ${shortly(fetched)}`);
  }
  const queried = await space['query']?.('echo', value);
  if (!isDeepStrictEqual(queried, expected) && isSteady(value) && !plan.isForgery) {
    wrong(`seed ${seed}: a query brought back ${shortly(queried)}`);
  }
}

/** A command or query that answers with something hostile. */
async function fromInside(seed: number): Promise<void> {
  const how = random.below(9);
  await settles(`a command that answers (${how})`, seed, () => space['execute']?.('answer', { seed, how }));
  await settles(`a query that answers (${how})`, seed, () => space['query']?.('answer', { seed, how }));
}

async function knock(seed: number): Promise<void> {
  const [name, call] = random.pick(doors as never) as (typeof doors)[number];
  const value = sampled(hostileValue, seed);
  const options = sampled(hostileOptions, seed);
  await settles(name, seed, () => call(value, options), ownErrors(options));
}

/** What a listener throws is the caller's own, and comes back to him as it is. */
function ownErrors(options: unknown): boolean {
  try {
    return typeof (options as { onProgress?: unknown } | null | undefined)?.onProgress === 'function';
  } catch {
    return false;
  }
}

/** Whether the call was taken; it is wrong when it neither is nor is refused with a type. */
async function settles(
  name: string,
  seed: number,
  call: () => unknown,
  hasOwnErrors = false,
): Promise<boolean> {
  try {
    await call();
    taken++;
    return true;
  } catch (error) {
    refused++;
    if ((error instanceof RamaxError || hasOwnErrors) && !plan.isUntyped) return false;
    wrong(
      `seed ${seed}: ${name} failed with ${error instanceof Error ? (error.stack ?? '').slice(0, 600) : shortly(error)}`,
    );
    return false;
  }
}

async function firstOf(stream: unknown): Promise<void> {
  const iterator = stream as AsyncIterableIterator<unknown>;
  await iterator.next();
  await iterator.return?.();
}

/** A door that opens something which would wait for ever: it is opened, and closed. */
async function closed(stream: unknown): Promise<void> {
  await (stream as AsyncIterableIterator<unknown>).return?.();
}

/** The doors of a part of something. */
function part(of: object, name: string): Record<string, (...given: unknown[]) => unknown> {
  return (of as Record<string, Record<string, (...given: unknown[]) => unknown>>)[name] ?? {};
}

/** A source that gives this one thing. It is no generator: that would look at a promise. */
function oneOf(value: unknown): AsyncIterable<unknown> {
  let isGiven = false;
  const next = async (): Promise<IteratorResult<unknown>> => {
    if (isGiven) return { done: true, value: undefined };
    isGiven = true;
    return { done: false, value };
  };
  return { [Symbol.asyncIterator]: () => ({ next }) };
}

/** A value that says something else each time it is asked cannot be compared. */
function isSteady(value: unknown): boolean {
  return isDeepStrictEqual(broughtBack(value), broughtBack(value));
}

function shortly(value: unknown): string {
  try {
    return (JSON.stringify(value) ?? String(value)).slice(0, 120);
  } catch {
    return typeof value;
  }
}

function wrong(what: string): void {
  if (violations.size < 200) violations.add(what);
}

/**
 * The views of a space against a fold of plain objects: through commands, rebuilds, raised versions, crashes, evictions,
 * commits in doubt and skips, what readers get of a view is the fold of the log as its status says, or a typed error.
 */

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeValue } from '../../src/codec/value-codec.js';
import type { LiveSpace } from '../../src/content-store/live-space.js';
import { ReadTurn } from '../../src/content-store/turn.js';
import type { ViewStatus } from '../../src/content-store/view-status.js';
import { isRamaxError, RamaxError } from '../../src/core/errors.js';
import type { PStateReader } from '../../src/core/pstate-access.js';
import { MemoryBed } from './memory-bed.js';
import { tally } from './tally.js';

const viewNames = ['main', 'sum', 'list'] as const;
type ViewName = (typeof viewNames)[number];

/** An event of the log, as the fold sees it. */
interface Fact {
  readonly type: string;
  readonly payload: number;
}

type State = Readonly<Record<string, unknown>>;

/** What a view is after some events: a state, or stopped at one of them. */
type Folded = { readonly state: State } | { readonly stoppedAt: number };

/** What was seen, and what had to be. */
type Expectation = readonly [what: string, seen: unknown, expected: unknown];

/** Which version of which view throws at which number. */
function breaks(view: string, version: number, { type, payload }: Fact): boolean {
  if (type !== 'added') return false;
  if (view === 'main') return payload === 11 && version % 2 === 0;
  return view === 'sum' ? payload === 13 && version % 2 === 1 : payload === 14;
}

/** The fold, written anew. */
function fold(view: ViewName, version: number, facts: readonly Fact[], skips: ReadonlySet<number>): Folded {
  const state = new Map<string, unknown>();
  for (const [index, fact] of facts.entries()) {
    const sequence = index + 1;
    if (skips.has(sequence)) continue;
    if (breaks(view, version, fact)) return { stoppedAt: sequence };
    const { type, payload } = fact;
    if (view === 'sum') {
      if (type === 'added') state.set('sum', Number(state.get('sum') ?? 0) + payload * version);
    } else {
      const prefix = view === 'main' ? 'event' : 'at';
      if (type === 'removed') state.delete(`${prefix}:${payload}`);
      else
        state.set(`${prefix}:${sequence}`, view === 'main' ? payload * version : `${payload} by ${version}`);
    }
  }
  return { state: Object.fromEntries(state) };
}

/** Small bounds, so that everything is evicted, flushed, read and filled in pieces. */
const limits = {
  cacheEntriesMax: 3,
  dirtyKeysMax: 40,
  fillKeysMax: 40,
  flushDelayMs: 5,
  readEventsMax: 60,
  catchUpEventsMax: 30,
  purgeRowsMax: 50,
};

/** A space over its stores, and what must be true of it. */
class Bench {
  readonly #bed: MemoryBed;
  readonly #versions: Record<ViewName, number> = { main: 1, sum: 1, list: 1 };
  readonly #skips = new Map<string, Set<number>>();
  /** All that was decided, also what is not committed yet. */
  #facts: Fact[] = [];
  #live: LiveSpace | undefined;
  /** What was found to be wrong. */
  readonly wrongs: string[] = [];
  /** What runs beside the steps. */
  readonly #behind: Promise<unknown>[] = [];

  constructor(bed: MemoryBed) {
    this.#bed = bed;
  }

  get live(): LiveSpace {
    if (this.#live === undefined) throw new Error('the bench is not open');
    return this.#live;
  }

  async open(): Promise<void> {
    const { main, sum, list } = this.#versions;
    const versions = { main, sum, list };
    const app = tally({
      main,
      sum,
      list,
      breaks: (view, { type, payload }) =>
        breaks(view, versions[view as ViewName], { type, payload: payload as number }),
    });
    this.#live = await this.#bed.openLive(app, limits);
    const logged = await this.#logged();
    this.#expect('the log is a prefix of what was decided', logged, this.#facts.slice(0, logged.length));
    this.#facts = logged;
  }

  async crash(raised?: ViewName): Promise<void> {
    this.live.abandon(new RamaxError('closed', 'a crash'));
    // What was sent before is written, or can never be.
    await this.pass(0);
    if (raised !== undefined) this.#versions[raised]++;
    await this.open();
  }

  async restart(raised?: ViewName): Promise<void> {
    await this.live.close();
    if (raised !== undefined) this.#versions[raised]++;
    await this.open();
    this.#expect('a space that was closed has all', this.live.stats.head, this.#facts.length);
  }

  async execute(type: 'added' | 'removed', payloads: readonly number[]): Promise<void> {
    const { live } = this;
    const turn =
      type === 'added'
        ? this.#bed.command('addMany', payloads)
        : this.#bed.command('remove', payloads[0] ?? 0);
    do await live.prepare([turn]);
    while (!live.hasRoom);
    const facts = payloads.map((payload) => ({ type, payload }));
    const isRefused =
      live.viewStatuses[0]?.state === 'stopped' ||
      facts.some((fact) => breaks('main', this.#versions.main, fact));
    if (!isRefused) this.#facts.push(...facts);
    const expected = isRefused ? 'projection_failed' : this.#facts.length;
    live.take(turn);
    this.#watch(
      turn.answer.then(({ spaceSequence }) => spaceSequence),
      (answer) =>
        answer === expected || (!isRefused && ['outcome_unknown', 'closed'].includes(String(answer))),
      `a command that gives ${expected}`,
    );
  }

  rebuild(views: readonly ViewName[], isAborted: boolean): void {
    const abort = new AbortController();
    const onProgress = (): void => {
      if (isAborted) abort.abort();
    };
    this.#watch(
      this.live.rebuild(views, onProgress, abort.signal).then(() => 'done'),
      (answer) => ['done', 'aborted', 'closed', 'projection_failed'].includes(String(answer)),
      'a rebuild',
    );
  }

  /** Skips where a view has stopped, or where it has not. */
  async skip(view: ViewName, isRight: boolean): Promise<void> {
    await this.pass(0);
    const stoppedAt = this.live.viewStatuses.find((one) => one.view === view)?.error?.details?.[
      'spaceSequence'
    ];
    const sequence = Number(stoppedAt ?? 1) + (isRight ? 0 : 1);
    const isTaken = isRight && stoppedAt !== undefined;
    const code = await this.live.skip(view, sequence).then(
      () => 'skipped',
      (error: unknown) => (isRamaxError(error) ? error.code : String(error)),
    );
    this.#expect(`a skip of ${view} at ${sequence}`, code, isTaken ? 'skipped' : 'invalid_input');
    if (isTaken) this.#skipsOf(view, this.#versions[view]).add(sequence);
  }

  doubt(): void {
    this.#bed.log.fates.push('notWrittenInDoubt');
  }

  async pass(durationMs: number): Promise<void> {
    await this.#bed.clock.advance(durationMs);
  }

  async turn(): Promise<void> {
    await this.#bed.clock.turn();
  }

  /** Looks at every view at this moment, when turns are taken. What is seen counts when the answer leaves. */
  look(): void {
    const { live } = this;
    if (!live.hasRoom) return;
    let seen: Expectation[] = [];
    const turn = new ReadTurn(({ main, views }) => {
      seen = live.viewStatuses.flatMap((status) => {
        const reader = status.view === 'main' ? main : views[status.view];
        return reader === undefined ? [] : this.#seen(status, reader, live.stats.head);
      });
      return undefined;
    });
    turn.answer.then(
      () => {
        for (const expectation of seen) this.#expect(...expectation);
      },
      () => {},
    );
    live.take(turn);
  }

  /** Everything has ended, and every view is at the head or has stopped where it must. */
  async finish(): Promise<void> {
    await this.pass(100);
    await Promise.all(this.#behind);
    await this.pass(100);
    for (const { view, state } of this.live.viewStatuses) {
      const name = view as ViewName;
      const folded = this.#fold(name, this.#versions[name], this.#facts.length);
      this.#expect(`the end of ${view}`, state, 'state' in folded ? 'live' : 'stopped');
    }
    this.look();
    this.#expect('the store', this.#bed.pstates.builds(1).length <= viewNames.length + 1, true);
    this.#expect('errors that nobody waits for', this.#bed.errors, []);
  }

  #seen({ view, state, serves, error, lag }: ViewStatus, reader: PStateReader, head: number): Expectation[] {
    const name = view as ViewName;
    const version = this.#versions[name];
    const seen = read(reader);
    const what = `${view} ${version} at ${head}, ${state}`;
    if (serves !== undefined) {
      const atHead: Expectation = [what, [serves, lag], [{ version, spaceSequence: head }, 0]];
      return [
        ...(state === 'live' ? [atHead] : []),
        [what, seen, this.#fold(name, serves.version, serves.spaceSequence)],
        ...('state' in seen ? seenKeys(what, seen.state, reader, name === 'main' ? 'event' : 'at') : []),
      ];
    }
    if (state === 'building') return [[what, 'code' in seen ? seen.code : seen, 'view_building']];
    const stopped = this.#fold(name, version, head);
    return [
      [what, seen, { code: 'projection_failed', ...stopped }],
      [what, { stoppedAt: error?.details?.['spaceSequence'] }, stopped],
    ];
  }

  #fold(view: ViewName, version: number, upTo: number): Folded {
    return fold(view, version, this.#facts.slice(0, upTo), this.#skipsOf(view, version));
  }

  #skipsOf(view: string, version: number): Set<number> {
    const name = `${view} ${version}`;
    const skips = this.#skips.get(name) ?? new Set();
    this.#skips.set(name, skips);
    return skips;
  }

  #watch(promise: Promise<unknown>, isFine: (answer: unknown) => boolean, what: string): void {
    this.#behind.push(
      promise
        .catch((error: unknown) => (isRamaxError(error) ? error.code : String(error)))
        .then((answer) => {
          if (!isFine(answer)) this.wrongs.push(`${what}: ${String(answer)}`);
        }),
    );
  }

  #expect(what: string, seen: unknown, expected: unknown): void {
    try {
      expect(seen).toEqual(expected);
    } catch (error) {
      this.wrongs.push(`${what}: ${String(error)}`);
    }
  }

  async #logged(): Promise<Fact[]> {
    const events = await this.#bed.log.readSpace(1, 0, { limit: 100_000, bytesMax: 100_000_000 });
    return events.map(({ type, payload }) => ({ type, payload: decodeValue(payload) as number }));
  }
}

/** All that a reader shows, or why it shows nothing. */
function read(reader: PStateReader): Folded | { readonly code: string; readonly stoppedAt?: unknown } {
  try {
    return { state: Object.fromEntries(reader.entries()) };
  } catch (error) {
    if (!isRamaxError(error)) throw error;
    const { code, details } = error;
    return code === 'projection_failed' ? { code, stoppedAt: details['spaceSequence'] } : { code };
  }
}

/** By its key, too: what the cache holds, what it has forgotten, and what was removed. */
function seenKeys(what: string, state: State, reader: PStateReader, prefix: string): Expectation[] {
  const keys = Array.from({ length: 12 }, (_, index) => `${prefix}:${index + 1}`);
  return keys.map((key) => [`${what}, ${key}`, reader.get(key), state[key]]);
}

type Step = (bench: Bench) => Promise<void> | void;

const viewName = fc.constantFrom(...viewNames);

/** What may happen, the common things more often. Its text is what a failure shows. */
function step(text: string, run: Step): Step {
  return Object.assign(run, { toString: () => text });
}

const steps: fc.Arbitrary<Step>[] = [
  fc
    .integer({ min: 1, max: 16 })
    .map((number) => step(`add ${number}`, (bench) => bench.execute('added', [number]))),
  fc.integer({ min: 1, max: 150 }).map((count) => {
    const payloads = Array.from({ length: count }, (_, index) => (index % 9) + 1);
    return step(`add ${count} times`, (bench) => bench.execute('added', payloads));
  }),
  fc
    .integer({ min: 1, max: 12 })
    .map((key) => step(`remove ${key}`, (bench) => bench.execute('removed', [key]))),
  fc
    .tuple(fc.subarray([...viewNames], { minLength: 1 }), fc.boolean())
    .map(([views, isAborted]) =>
      step(`rebuild ${views.join()}${isAborted ? ', aborted' : ''}`, (bench) =>
        bench.rebuild(views, isAborted),
      ),
    ),
  fc
    .tuple(viewName, fc.constantFrom('crash' as const, 'restart' as const))
    .map(([view, how]) => step(`raise ${view} with a ${how}`, (bench) => bench[how](view))),
  fc.constant(step('crash', (bench) => bench.crash())),
  fc.constant(step('restart', (bench) => bench.restart())),
  fc
    .tuple(viewName, fc.integer({ min: 0, max: 3 }))
    .map(([view, luck]) => step(`skip ${view}, ${luck > 0}`, (bench) => bench.skip(view, luck > 0))),
  fc.constant(step('doubt', (bench) => bench.doubt())),
  fc.integer({ min: 0, max: 12 }).map((ms) => step(`pass ${ms} ms`, (bench) => bench.pass(ms))),
  fc.constant(step('a turn', (bench) => bench.turn())),
  fc.constant(
    step('two turns', async (bench) => {
      await bench.turn();
      bench.look();
      await bench.turn();
    }),
  ),
];

describe('the views of a space, whatever happens', () => {
  it('are the fold of the log as their status says, or say why not', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.oneof(...steps), { minLength: 3, maxLength: 24 }), async (history) => {
        const bench = new Bench(await MemoryBed.make());
        await bench.open();
        for (const happens of history) {
          await happens(bench);
          bench.look();
        }
        await bench.finish();
        await bench.crash();
        bench.look();
        await bench.finish();
        await bench.restart();
        bench.look();
        expect(bench.wrongs).toEqual([]);
      }),
      { numRuns: Number(process.env['VIEWS_MODEL_RUNS'] ?? 150) },
    );
  });
});

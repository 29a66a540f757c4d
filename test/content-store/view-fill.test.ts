import { beforeEach, describe, expect, it } from 'vitest';
import { decodeValue, encodeValue } from '../../src/codec/value-codec.js';
import { LiveView } from '../../src/content-store/live-view.js';
import { type RebuildProgress, ViewFill, type ViewFillOptions } from '../../src/content-store/view-fill.js';
import type { Checkpoint, SpaceEvent } from '../../src/core/event.js';
import { defaultLimits, type LimitsOptions, resolveLimits } from '../../src/core/limits.js';
import { type LoadedView, loadApp } from '../../src/core/loaded-app.js';
import { plainShapes } from '../../src/core/upcasters.js';
import type { StoredEvent } from '../../src/event-store/port.js';
import { MemoryPStateStore } from '../../src/pstate/memory/memory-pstate-store.js';
import type { ViewFlush } from '../../src/pstate/port.js';
import { rejectionOf } from '../core/error-of.js';
import { plainEvent } from '../event-store/log-fixture.js';
import { ManualClock } from '../testing/manual-clock.js';
import { build, storedBuilds } from './builds.js';
import { Applied, mainOf, numbersTo, tally } from './tally.js';

/** A log of one space whose every event says its own sequence. */
class CountingLog {
  last = 0;
  readonly reads: { readonly after: number; readonly limit: number }[] = [];

  async readSpace(spaceId: number, after: number, { limit }: { limit: number }): Promise<StoredEvent[]> {
    expect(spaceId).toBe(1);
    this.reads.push({ after, limit });
    const count = Math.min(limit, this.last - after);
    return Array.from({ length: count }, (_, index) => event(after + index + 1));
  }

  get head(): Checkpoint {
    return { lastEventId: this.last * 10, lastSpaceSequence: this.last };
  }
}

function event(sequence: number): StoredEvent {
  return {
    ...plainEvent('added'),
    type: 'added',
    payload: encodeValue(sequence),
    eventId: sequence * 10,
    spaceId: 1,
    spaceSequence: sequence,
    invocationId: 'call',
  };
}

/** Writes down how far each flush was. */
class WatchedStore extends MemoryPStateStore {
  readonly flushes: string[] = [];

  override flush(spaceId: number, views: readonly ViewFlush[]): void {
    super.flush(spaceId, views);
    this.flushes.push(
      views
        .map(({ view, puts, checkpoint }) => `${view.name} ${puts.length} at ${checkpoint.lastSpaceSequence}`)
        .join(),
    );
  }
}

let log: CountingLog;
let store: WatchedStore;
let clock: ManualClock;
let applied: Applied;
let breaks: (view: string, event: SpaceEvent) => boolean;
let definitions: ReadonlyMap<string, LoadedView>;

beforeEach(() => {
  log = new CountingLog();
  store = new WatchedStore();
  clock = new ManualClock();
  applied = new Applied();
  breaks = () => false;
  const app = loadApp(tally({ applied, list: 1, breaks: (...what) => breaks(...what) }));
  definitions = new Map(app.views.map((view) => [view.name, view]));
});

function view(name: string, limits: LimitsOptions = {}): LiveView {
  const stored = store.builds(1).find((one) => one.view.name === name);
  return new LiveView(
    { spaceId: 1, store, limits: resolveLimits(limits) },
    {
      definition: definitions.get(name) as LoadedView,
      place: 0,
      build: build(name),
      stored,
      fingerprint: 'f',
      state: 'building',
    },
  );
}

function fillOf(views: readonly LiveView[], options: Partial<ViewFillOptions> = {}): ViewFill {
  return new ViewFill({
    views,
    log,
    pstates: store,
    clock,
    limits: defaultLimits,
    spaceId: 1,
    shapes: plainShapes,
    ...options,
  });
}

describe('a fill', () => {
  it('applies what is in the log while the space goes on, and leaves a rest to its end', async () => {
    log.last = 300;
    const fill = fillOf([view('main')]);
    await fill.fill(() => log.head);
    expect(applied.to('main 1')).toEqual(numbersTo(300));
    log.last = 300 + 128;
    await fill.fill(() => log.head);
    expect(applied.to('main 1')).toEqual(numbersTo(300));
    expect(await fill.finish(log.head)).toEqual({ eventsApplied: 428, lastSpaceSequence: 428 });
    expect(applied.to('main 1')).toEqual(numbersTo(428));
    expect(storedBuilds(store)).toEqual(['main 1.1 building at 428']);
    const bytes = store.getMany(1, build('main'), Object.keys(mainOf(numbersTo(428))));
    expect(bytes.map((one) => decodeValue(one as Uint8Array))).toEqual(numbersTo(428));
  });

  it('goes on in rounds until hardly anything is missing', async () => {
    const heads = [1_000, 1_500, 1_700, 1_750, 1_750];
    const targets: number[] = [];
    const fill = fillOf([view('main')], {
      onProgress: ({ lastSpaceSequence }) => targets.push(lastSpaceSequence),
    });
    log.last = 1_000;
    await fill.fill(() => {
      if (applied.size === log.last) log.last = heads[heads.indexOf(log.last) + 1] ?? log.last;
      return log.head;
    });
    expect(new Set(targets)).toEqual(new Set([1_000, 1_500, 1_700]));
    expect(applied.size).toBe(1_700);
  });

  it('ends its rounds when they get no shorter', async () => {
    log.last = 500;
    const fill = fillOf([view('main')]);
    await fill.fill(() => {
      if (applied.size === log.last) log.last += 500;
      return log.head;
    });
    expect([applied.size, log.last]).toEqual([500, 1_000]);
    await fill.finish(log.head);
    expect(applied.to('main 1')).toEqual(numbersTo(1_000));
  });

  it('reads more at once while no turns come, and few again when they do', async () => {
    log.last = 3_000;
    const turnCount = { turns: 0 };
    const onProgress = ({ eventsApplied }: RebuildProgress): void => {
      if (eventsApplied === 1_896) turnCount.turns++;
    };
    await fillOf([view('main')], { turnCount, onProgress }).fill(() => log.head);
    expect(log.reads.map(({ limit }) => limit)).toEqual([128, 256, 512, 1_000, 128, 256, 512, 1_000]);
    expect(applied.to('main 1')).toEqual(numbersTo(3_000));
  });

  it('persists when much payload has come, however few keys it is for', async () => {
    log.last = 1_000;
    const large = encodeValue('x'.repeat(64 * 1024));
    const readSpace = log.readSpace.bind(log);
    log.readSpace = async (...parameters) =>
      (await readSpace(...parameters)).map((event) => ({ ...event, type: 'unknown', payload: large }));
    await fillOf([view('main')]).fill(() => log.head);
    expect(store.flushes.length).toBeGreaterThan(5);
  });

  it('reads few events at once, and lets others run in between', async () => {
    log.last = 1_000;
    clock = new ManualClock('held');
    const filled = fillOf([view('main')]).fill(() => log.head);
    for (let reads = 1; reads <= 8; reads++) {
      await clock.turn();
      expect(log.reads.length).toBe(reads === 8 ? 8 : reads + 1);
    }
    await filled;
    expect(log.reads[0]).toEqual({ after: 0, limit: 128 });
    expect(Math.max(...log.reads.map(({ limit }) => limit))).toBe(128);
  });

  it('persists with its checkpoint whenever enough keys have changed', async () => {
    log.last = 700;
    const limits = resolveLimits({ dirtyKeysMax: 250, fillKeysMax: 250 });
    const fill = fillOf([view('main')], { limits });
    await fill.fill(() => log.head);
    expect(store.flushes).toEqual(['main 256 at 256', 'main 256 at 512']);
    await fill.finish(log.head);
    expect(store.flushes.slice(2)).toEqual(['main 188 at 700']);
  });

  it('persists now and then where few keys change', async () => {
    log.last = 8_192 + 64;
    const fill = fillOf([view('sum')]);
    await fill.fill(() => log.head);
    expect(store.flushes).toEqual(['sum 1 at 8192']);
  });

  it('reports how far it is after each read', async () => {
    log.last = 300;
    const reports: RebuildProgress[] = [];
    const onProgress = (progress: RebuildProgress): number => reports.push(progress);
    const fill = fillOf([view('main')], { onProgress });
    await fill.fill(() => log.head);
    expect(reports).toEqual(
      [128, 256, 300].map((eventsApplied) => ({ eventsApplied, lastSpaceSequence: 300 })),
    );
  });

  it('goes on where its view is persisted', async () => {
    log.last = 200;
    await fillOf([view('main')]).finish(log.head);
    applied.clear();
    log.last = 210;
    const fill = fillOf([view('main')]);
    expect(await fill.finish(log.head)).toEqual({ eventsApplied: 210, lastSpaceSequence: 210 });
    expect(applied.to('main 1')).toEqual(numbersTo(210).slice(200));
    expect(log.reads.at(-1)).toMatchObject({ after: 200 });
  });

  it('of several views begins with the one that is least far, and applies nothing twice', async () => {
    log.last = 100;
    await fillOf([view('main')]).finish(log.head);
    applied.clear();
    log.last = 140;
    const fill = fillOf([view('main'), view('sum')]);
    await fill.finish(log.head);
    expect([applied.to('main 1'), applied.to('sum 1')]).toEqual([numbersTo(140).slice(100), numbersTo(140)]);
  });

  it('keeps the checkpoint of a view that is ahead while another comes after', async () => {
    log.last = 400;
    await fillOf([view('list')]).finish(log.head);
    log.last = 401;
    const limits = resolveLimits({ dirtyKeysMax: 100, fillKeysMax: 100 });
    const fill = fillOf([view('list'), view('main')], { limits });
    const abort = new AbortController();
    const aborted = fillOf([view('list'), view('main')], {
      limits,
      signal: abort.signal,
      onProgress: ({ eventsApplied }) => {
        if (eventsApplied >= 256) abort.abort();
      },
    }).fill(() => log.head);
    expect((await rejectionOf(aborted)).code).toBe('aborted');
    expect(storedBuilds(store)).toEqual(['list 1.1 building at 400', 'main 1.1 building at 256']);
    await fill.finish(log.head);
    expect(storedBuilds(store)).toEqual(['list 1.1 building at 401', 'main 1.1 building at 401']);
  });

  it('without a view that throws goes on with the others', async () => {
    log.last = 300;
    breaks = (name, { spaceSequence }) => name === 'sum' && spaceSequence === 130;
    const views = [view('main'), view('sum'), view('list')];
    const fill = fillOf(views, { limits: resolveLimits({ dirtyKeysMax: 100, fillKeysMax: 100 }) });
    await fill.fill(() => log.head);
    await fill.finish(log.head);
    expect(fill.failure).toMatchObject({ code: 'projection_failed', details: { spaceSequence: 130 } });
    expect(fill.filled).toEqual([views[0], views[2]]);
    expect(applied.to('sum 1')).toEqual(numbersTo(130));
    expect(storedBuilds(store)).toEqual([
      'list 1.1 building at 300',
      'main 1.1 building at 300',
      'sum 1.1 building at 128',
    ]);
  });

  it('whose every view throws ends', async () => {
    log.last = 300;
    breaks = (_name, { spaceSequence }) => spaceSequence === 2;
    const fill = fillOf([view('main'), view('sum')]);
    await fill.fill(() => log.head);
    await fill.finish(log.head);
    expect([fill.filled, storedBuilds(store)]).toEqual([[], []]);
    expect(fill.failure?.details).toMatchObject({ view: 'main' });
  });

  it('that is aborted applies no further batch', async () => {
    log.last = 300;
    const abort = new AbortController();
    const fill = fillOf([view('main')], { signal: abort.signal, onProgress: () => abort.abort() });
    expect((await rejectionOf(fill.fill(() => log.head))).code).toBe('aborted');
    expect(applied.size).toBe(128);
  });

  it('of a view that is closed meanwhile ends, and persists nothing of it', async () => {
    log.last = 300;
    const closed = view('list');
    const fill = fillOf([closed], { onProgress: () => closed.close() });
    expect((await rejectionOf(fill.fill(() => log.head))).code).toBe('closed');
    expect((await rejectionOf(fill.finish(log.head))).code).toBe('closed');
    expect(store.flushes).toEqual([]);
  });

  it('passes over the events that its view skips', async () => {
    log.last = 10;
    breaks = (_name, { spaceSequence }) => spaceSequence === 4;
    store.skip(1, { name: 'main', version: 1 }, 4);
    const fill = fillOf([view('main')]);
    await fill.finish(log.head);
    expect([fill.failure, applied.to('main 1').includes(4), store.count(1, build('main'))]).toEqual([
      undefined,
      false,
      9,
    ]);
  });

  it('refuses a log with a hole', async () => {
    log.last = 10;
    const readSpace = log.readSpace.bind(log);
    log.readSpace = async (...where) => (await readSpace(...where)).filter((one) => one.spaceSequence !== 4);
    expect((await rejectionOf(fillOf([view('main')]).finish(log.head))).code).toBe('corrupt');
  });
});

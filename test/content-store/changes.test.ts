import { beforeEach, describe, expect, it } from 'vitest';
import { Changes, type WatchTarget } from '../../src/content-store/changes.js';
import type { LiveSpace } from '../../src/content-store/live-space.js';
import { watchTurn } from '../../src/content-store/reads.js';
import type { AnyTurn } from '../../src/content-store/turn.js';
import { defaultLimits } from '../../src/core/limits.js';
import { errorOf } from '../core/error-of.js';
import { promisesSettle } from '../testing/manual-clock.js';
import { MemoryBed } from './memory-bed.js';
import { numbersTo, tally } from './tally.js';

const key: WatchTarget = { kind: 'key', view: 'main', key: 'event:1' };
const prefix: WatchTarget = { kind: 'prefix', view: 'main', prefix: 'event:' };
const query: WatchTarget = { kind: 'query', query: 'state' };

/** Registers watchers, and says which of them have woken. */
class Watchers {
  readonly woken: string[] = [];
  readonly #changes: Changes;

  constructor(changes: Changes) {
    this.#changes = changes;
  }

  watch(name: string, target: WatchTarget): void {
    void this.#changes.wait(target).changed.then(() => this.woken.push(name));
  }

  /** Who has woken since the last look. */
  async look(): Promise<string[]> {
    await promisesSettle();
    return this.woken.splice(0);
  }
}

describe('a watcher', () => {
  let changes: Changes;
  let watchers: Watchers;

  beforeEach(() => {
    changes = new Changes({ watchersMax: 4 });
    watchers = new Watchers(changes);
  });

  it.each<readonly [what: string, view: string, key: string | undefined, woken: readonly string[]]>([
    ['its key', 'main', 'event:1', ['key', 'prefix', 'query']],
    ['another key with its prefix', 'main', 'event:11', ['prefix', 'query']],
    ['another key', 'main', 'events', ['query']],
    ['the same key of another view', 'sum', 'event:1', ['query']],
    ['any key of its view', 'main', undefined, ['key', 'prefix', 'query']],
    ['any key of another view', 'sum', undefined, ['query']],
  ])('wakes for a change of %s as it should', async (_what, view, changed, woken) => {
    watchers.watch('key', key);
    watchers.watch('prefix', prefix);
    watchers.watch('query', query);
    changes.changed(view, changed);
    expect(await watchers.look()).toEqual(woken);
    expect(changes.size).toBe(3 - woken.length);
  });

  it('wakes once', async () => {
    watchers.watch('key', key);
    changes.changed('main', 'event:1');
    changes.changed('main', 'event:1');
    expect(await watchers.look()).toEqual(['key']);
    changes.changed('main', 'event:1');
    expect(await watchers.look()).toEqual([]);
  });

  it('that cancels leaves its place to another', () => {
    for (let n = 0; n < 3; n++) watchers.watch(`${n}`, key);
    const last = changes.wait(key);
    const error = errorOf(() => changes.wait(key));
    expect(error).toMatchObject({ code: 'overloaded', details: { watchersMax: 4 } });
    last.cancel();
    expect(changes.size).toBe(3);
    expect(() => changes.wait(key)).not.toThrow();
  });

  it('wakes when there is nothing to wait for any more', async () => {
    watchers.watch('key', key);
    watchers.watch('query', query);
    changes.end();
    expect(await watchers.look()).toEqual(['key', 'query']);
    expect(changes.size).toBe(0);
  });
});

describe('what a watcher waits for', () => {
  it.each([key, prefix, query])('may be only that its view serves something else: %j', async (target) => {
    const changes = new Changes({ watchersMax: 4 });
    let isWoken = false;
    void changes.wait(target, 'serving').changed.then(() => {
      isWoken = true;
    });
    changes.changed('main', 'event:1');
    await promisesSettle();
    expect(isWoken).toBe(false);
    changes.changed('main', undefined);
    await promisesSettle();
    expect([isWoken, changes.size]).toEqual([true, 0]);
  });
});

describe('a watcher that comes when there is nothing to wait for any more', () => {
  it('is woken at once, and is not held', async () => {
    const changes = new Changes({ watchersMax: 1 });
    changes.end();
    const watchers = new Watchers(changes);
    watchers.watch('key', key);
    watchers.watch('query', query);
    expect(await watchers.look()).toEqual(['key', 'query']);
    expect(changes.size).toBe(0);
    changes.wait(key).cancel();
  });
});

describe('a watcher of a live space', () => {
  let bed: MemoryBed;
  let live: LiveSpace;
  let watchers: Watchers;

  beforeEach(async () => {
    bed = await MemoryBed.make();
    live = await bed.openLive(tally());
    watchers = new Watchers(live.changes);
  });

  async function take(turn: AnyTurn): Promise<unknown> {
    await live.prepare([turn]);
    live.take(turn);
    return turn.answer;
  }

  it('learns of what a command has changed, and reads it', async () => {
    watchers.watch('key', key);
    watchers.watch('sum', { kind: 'key', view: 'sum', key: 'sum' });
    watchers.watch('other', { kind: 'key', view: 'main', key: 'event:2' });
    await take(bed.command('add', 5));
    expect((await watchers.look()).sort()).toEqual(['key', 'sum']);
    expect(await take(watchTurn(key, defaultLimits))).toBe(5);
    expect(await take(watchTurn(prefix, defaultLimits))).toEqual([['event:1', 5]]);
  });

  it('that reads an answer which is not committed gets it with the commit', async () => {
    bed.log.isHeld = true;
    watchers.watch('key', key);
    live.take(bed.command('add', 5));
    expect(await watchers.look()).toEqual(['key']);
    const turn = watchTurn(key, defaultLimits);
    live.take(turn);
    await promisesSettle();
    expect(turn.state).toBe('decided');
    bed.log.releaseAll();
    expect(await turn.answer).toBe(5);
  });

  it('learns of nothing from a command that is refused', async () => {
    live = await bed.openLive(tally({ breaks: (view, { payload }) => view === 'main' && payload === 13 }));
    watchers = new Watchers(live.changes);
    watchers.watch('query', query);
    await expect(take(bed.command('addMany', [1, 13]))).rejects.toThrow('main cannot take 13');
    expect(await watchers.look()).toEqual([]);
  });

  it('is woken in vain by what is taken back, and learns of what takes its place', async () => {
    bed.log.isHeld = true;
    bed.log.fates.push('notWrittenInDoubt');
    watchers.watch('key', key);
    const turn = bed.command('add', 5);
    live.take(turn);
    expect(await watchers.look()).toEqual(['key']);
    watchers.watch('key', key);
    bed.log.releaseAll();
    await turn.answer;
    expect(await watchers.look()).toEqual(['key']);
    expect(await take(watchTurn(key, defaultLimits))).toBe(5);
  });

  it('wakes when its view is swapped', async () => {
    await take(bed.command('addMany', numbersTo(3)));
    watchers.watch('key', key);
    watchers.watch('sum', { kind: 'key', view: 'sum', key: 'sum' });
    await live.rebuild(['main'], () => {});
    expect(await watchers.look()).toContain('key');
  });

  it('wakes when its view stops', async () => {
    live = await bed.openLive(tally({ breaks: (view) => view === 'sum' }));
    watchers = new Watchers(live.changes);
    const sum: WatchTarget = { kind: 'key', view: 'sum', key: 'sum' };
    watchers.watch('sum', sum);
    await take(bed.command('add', 5));
    expect(await watchers.look()).toEqual(['sum']);
    await expect(take(watchTurn(sum, defaultLimits))).rejects.toThrow('sum cannot take 5');
  });

  it('wakes when the space is closed', async () => {
    watchers.watch('key', key);
    await live.close();
    expect(await watchers.look()).toEqual(['key']);
  });
});

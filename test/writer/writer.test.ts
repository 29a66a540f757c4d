import { beforeEach, describe, expect, it, vi } from 'vitest';
import type { Appended, FencedAppend } from '../../src/content-store/log-link.js';
import { PromisedAnswer } from '../../src/core/answerable.js';
import { RamaxError } from '../../src/core/errors.js';
import { resolveLimits } from '../../src/core/limits.js';
import { MemoryLog } from '../../src/event-store/memory/memory-log.js';
import { Writer } from '../../src/writer/writer.js';
import { HeldLog } from '../content-store/held-log.js';
import { Settlements } from '../content-store/settlements.js';
import { rejectionOf } from '../core/error-of.js';
import { append, commandNamed, createSpace, plainEvent, wide } from '../event-store/log-fixture.js';
import { ManualClock } from '../testing/manual-clock.js';

const limits = resolveLimits({ commitCommandsMax: 4, purgeRowsMax: 2, commandRetentionMs: 1_000 });

let clock: ManualClock;
let log: HeldLog;
let writer: Writer;
let settled: Settlements;
let failures: RamaxError[];
/** The generation of each space. */
let generations: number[];

beforeEach(async () => {
  clock = new ManualClock();
  log = new HeldLog(new MemoryLog('log-a'), clock);
  settled = new Settlements();
  failures = [];
  for (const name of ['a', 'b', 'c']) await createSpace(log, name);
  writer = new Writer({ log, clock, limits, onFailure: (error) => failures.push(error) });
  generations = [];
  for (const spaceId of [1, 2, 3]) generations[spaceId] = (await writer.openSpace(spaceId)).generation;
  log.commits = 0;
});

function appendTo(
  spaceId: number,
  previousSequence: number,
  more: Partial<FencedAppend> = {},
): Promise<Appended> {
  const events = [plainEvent(`${spaceId}.${previousSequence}`)];
  const request = {
    ...append(spaceId, previousSequence, events),
    generation: generations[spaceId]!,
    ...more,
  };
  const waiter = new PromisedAnswer<Appended>();
  try {
    writer.append(request, waiter);
  } catch (error) {
    waiter.failed(error as RamaxError);
  }
  const answer = waiter.promise;
  settled.watch(`${spaceId}.${previousSequence}`, answer);
  return answer;
}

describe('a group commit', () => {
  it('is one transaction of everything that was asked for in one turn of the loop', async () => {
    const answers = [1, 2, 3].map((spaceId) => appendTo(spaceId, 0));
    expect(await Promise.all(answers)).toEqual([
      { firstEventId: 1, spaceSequence: 1 },
      { firstEventId: 2, spaceSequence: 1 },
      { firstEventId: 3, spaceSequence: 1 },
    ]);
    expect(log.commits).toBe(1);
    expect(writer.stats).toEqual({
      commits: 1,
      commands: 3,
      events: 3,
      batchSizes: [0, 1],
      fenced: 0,
      queued: 0,
    });
  });

  it('is counted by its size, in powers of two; one of the registry alone is not', async () => {
    for (const size of [1, 3, 2, 4, 1]) {
      const before = [1, 2, 3].map((spaceId) => log.readSpace(spaceId, 0, wide));
      const [inFirst, ...inOthers] = (await Promise.all(before)).map((events) => events.length);
      const toOthers = [2, 3].map((spaceId, index) => [spaceId, inOthers[index]!] as const);
      const toFirst = [1, 1].map((spaceId, index) => [spaceId, inFirst! + index] as const);
      await Promise.all([...toOthers, ...toFirst].slice(0, size).map((place) => appendTo(...place)));
    }
    expect(writer.stats).toMatchObject({ commits: 5, commands: 11, batchSizes: [2, 2, 1] });
    await writer.changeSpace({ kind: 'updateSpace', spaceId: 1, metadata: { plan: 'pro' } });
    expect(writer.stats).toMatchObject({ commits: 6, batchSizes: [2, 2, 1] });
  });

  it('of which an append was refused by its generation counts those that were committed', async () => {
    const stale = appendTo(1, 0, { generation: generations[1]! - 1 });
    await Promise.all([rejectionOf(stale), appendTo(2, 0), appendTo(3, 0)]);
    expect(writer.stats).toMatchObject({ commands: 2, fenced: 1, batchSizes: [0, 1] });
  });

  it('gathers all that arrives while the last one is under way', async () => {
    log.isHeld = true;
    void appendTo(1, 0);
    await clock.settle();
    void appendTo(1, 1);
    await clock.settle();
    void appendTo(2, 0);
    void appendTo(3, 0);
    await clock.settle();
    expect([log.commits, writer.stats.queued, settled.names]).toEqual([1, 3, []]);
    log.releaseAll();
    await clock.settle();
    expect(log.commits).toBe(2);
    expect(settled.names).toEqual(['1.0', '1.1', '2.0', '3.0']);
  });

  it('acknowledges nothing before it is durable', async () => {
    log.isHeld = true;
    void appendTo(1, 0);
    await clock.settle();
    expect([log.waiting, settled.names]).toEqual([1, []]);
    log.releaseAll();
    await clock.settle();
    expect(settled.names).toEqual(['1.0']);
  });

  it('keeps the order of each space over several groups, and the bound of a group', async () => {
    for (let sequence = 0; sequence < 5; sequence++) {
      void appendTo(1, sequence);
      void appendTo(2, sequence);
    }
    await clock.settle();
    expect(log.commits).toBe(3);
    expect(settled.open).toBe(0);
    for (const spaceId of [1, 2]) {
      const labels = (await log.readSpace(spaceId, 0, wide)).map(({ type }) => type);
      expect(labels).toEqual([0, 1, 2, 3, 4].map((sequence) => `type.${spaceId}.${sequence}`));
    }
  });

  it('refuses one request without disturbing the others', async () => {
    void appendTo(1, 7);
    void appendTo(2, 0, { command: commandNamed('c') });
    void appendTo(2, 1, { command: commandNamed('c') });
    void appendTo(3, 0);
    await clock.settle();
    expect(settled.outcomes).toMatchObject({
      '1.7': { code: 'conflict' },
      '2.0': { kind: 'ok' },
      '2.1': { code: 'conflict' },
      '3.0': { kind: 'ok' },
    });
    expect(failures).toEqual([]);
  });

  it('lets the ports go first between two transactions', async () => {
    const held = new ManualClock('held');
    writer = new Writer({ log, clock: held, limits, onFailure: () => {} });
    generations[1] = (await writer.openSpace(1)).generation;
    for (let sequence = 0; sequence < 9; sequence++) void appendTo(1, sequence);
    const commits: number[] = [];
    for (let turn = 0; turn < 4; turn++) {
      commits.push(log.commits);
      await held.turn();
    }
    expect(commits).toEqual([0, 1, 2, 3]);
  });
});

describe('a generation', () => {
  it('that is stale is refused without a transaction', async () => {
    const stale = generations[1]!;
    await writer.openSpace(1);
    expect((await rejectionOf(appendTo(1, 0, { generation: stale }))).code).toBe('fenced');
    expect([log.commits, writer.stats.fenced]).toEqual([0, 1]);
  });

  it('makes stale what still waits, and comes behind what is being committed', async () => {
    log.isHeld = true;
    void appendTo(1, 0);
    await clock.settle();
    void appendTo(1, 1);
    void appendTo(2, 0);
    const opened = writer.openSpace(1);
    settled.watch('open', opened);
    await clock.settle();
    expect(settled.names).toEqual([]);
    log.releaseAll();
    await clock.settle();
    expect(settled.names.slice(0, 2)).toEqual(['1.0', 'open']);
    expect((await opened).head.lastSpaceSequence).toBe(1);
    expect(settled.outcomes).toMatchObject({ '1.1': { code: 'fenced' }, '2.0': { kind: 'ok' } });
    expect(await log.readSpace(1, 0, wide)).toHaveLength(1);
  });

  it('is refused while the space was never opened by this writer', async () => {
    writer = new Writer({ log, clock, limits, onFailure: () => {} });
    expect((await rejectionOf(appendTo(1, 0))).code).toBe('fenced');
  });

  it('ends with its space', async () => {
    expect(await writer.changeSpace({ kind: 'markSpaceDeleted', spaceId: 1 })).toEqual({ kind: 'marked' });
    expect((await rejectionOf(appendTo(1, 0))).code).toBe('fenced');
    expect((await rejectionOf(writer.openSpace(1))).code).toBe('not_found');
  });
});

describe('the registry', () => {
  it('is changed in the same transactions', async () => {
    const created = writer.changeSpace({ kind: 'createSpace', spaceName: 'd', metadata: { plan: 'pro' } });
    void appendTo(1, 0);
    expect(await created).toMatchObject({ kind: 'space', created: true, space: { spaceId: 4 } });
    expect(log.commits).toBe(1);
    const refused = await writer.changeSpace({ kind: 'updateSpace', spaceId: 9, metadata: {} });
    expect(refused).toMatchObject({ kind: 'refused', error: { code: 'not_found' } });
  });
});

describe('a commit that fails', () => {
  it.each(['writtenInDoubt', 'notWrittenInDoubt'] as const)(
    'answers nobody, and ends the writer (%s)',
    async (fate) => {
      log.fates.push(fate);
      log.isHeld = true;
      void appendTo(1, 0);
      await clock.settle();
      void appendTo(2, 0);
      log.releaseAll();
      await clock.settle();
      expect([settled.names, failures.map(({ code }) => code)]).toEqual([[], ['storage']]);
      expect(log.commits).toBe(1);
    },
  );

  it('refuses everything that comes later', async () => {
    log.fates.push('notWrittenInDoubt');
    void appendTo(1, 0);
    await clock.settle();
    const calls = [
      () => appendTo(2, 0),
      () => writer.openSpace(2),
      () => writer.changeSpace({ kind: 'createSpace', spaceName: 'd', metadata: {} }),
      () => writer.purgeSpace(1),
      () => writer.pruneCommands(),
    ];
    for (const call of calls) expect((await rejectionOf(call())).code).toBe('unavailable');
    expect(failures).toHaveLength(1);
    await writer.drain();
  });

  it('is no other than any work of the log that fails', async () => {
    vi.spyOn(log, 'spaceHead').mockRejectedValueOnce(new RamaxError('corrupt', 'damaged'));
    expect((await rejectionOf(writer.openSpace(1))).code).toBe('corrupt');
    expect(failures.map(({ code }) => code)).toEqual(['corrupt']);
    expect((await rejectionOf(appendTo(2, 0))).code).toBe('unavailable');
  });
});

describe('a deletion', () => {
  beforeEach(async () => {
    for (let sequence = 0; sequence < 5; sequence++) await appendTo(1, sequence);
    await writer.changeSpace({ kind: 'markSpaceDeleted', spaceId: 1 });
  });

  it('takes away a bounded number of rows at a time, between the commits', async () => {
    const order: string[] = [];
    const purge = log.purgeSpace.bind(log);
    vi.spyOn(log, 'purgeSpace').mockImplementation((spaceId, rowsMax) => {
      order.push(`chunk of ${rowsMax}`);
      return purge(spaceId, rowsMax);
    });
    const commit = log.commit.bind(log);
    vi.spyOn(log, 'commit').mockImplementation((batch) => {
      order.push('commit');
      return commit(batch);
    });
    const purged = writer.purgeSpace(1);
    for (let sequence = 0; sequence < 12; sequence++) void appendTo(2, sequence);
    await purged;
    await clock.settle();
    expect(order.filter((what) => what === 'chunk of 2').length).toBeGreaterThanOrEqual(3);
    expect(order.indexOf('commit')).toBeLessThan(order.lastIndexOf('chunk of 2'));
    expect(await log.deletedSpaces()).toEqual([]);
    expect(await log.readSpace(2, 0, wide)).toHaveLength(12);
  });

  it('never works on the log while a transaction does, nor the other way round', async () => {
    let working = 0;
    let most = 0;
    const alone = async <Result>(work: () => Promise<Result>): Promise<Result> => {
      working++;
      most = Math.max(most, working);
      for (let tick = 0; tick < 3; tick++) await clock.turn();
      const result = await work();
      working--;
      return result;
    };
    const [commit, purge, prune] = [
      log.commit.bind(log),
      log.purgeSpace.bind(log),
      log.pruneCommands.bind(log),
    ];
    vi.spyOn(log, 'commit').mockImplementation((batch) => alone(() => commit(batch)));
    vi.spyOn(log, 'purgeSpace').mockImplementation((...what) => alone(() => purge(...what)));
    vi.spyOn(log, 'pruneCommands').mockImplementation((...what) => alone(() => prune(...what)));
    const all = [writer.purgeSpace(1), writer.pruneCommands()];
    for (let sequence = 0; sequence < 6; sequence++) void appendTo(2, sequence);
    all.push(writer.openSpace(3).then(() => {}));
    await Promise.all(all);
    await writer.drain();
    expect(most).toBe(1);
    expect(settled.open).toBe(0);
  });

  it('that fails ends the writer', async () => {
    vi.spyOn(log, 'purgeSpace').mockRejectedValueOnce(new RamaxError('storage', 'no disk'));
    expect((await rejectionOf(writer.purgeSpace(1))).code).toBe('storage');
    expect(failures).toHaveLength(1);
  });

  it('ends where it is when the writer drains: it is finished at the next start', async () => {
    const purged = rejectionOf(writer.purgeSpace(1));
    await writer.drain();
    await log.close();
    expect((await purged).code).toBe('closed');
    expect(failures).toEqual([]);
  });
});

describe('forgetting', () => {
  it('takes away the ids of commands that are older than their retention, and no others', async () => {
    await appendTo(1, 0, { command: commandNamed('old') });
    await clock.advance(999);
    await appendTo(1, 1, { command: commandNamed('young') });
    await clock.advance(1);
    await writer.pruneCommands();
    expect(await log.findCommands(1, ['old', 'young'])).toHaveLength(2);
    await clock.advance(1);
    await writer.pruneCommands();
    expect(await log.findCommands(1, ['old', 'young'])).toMatchObject([{ commandId: 'young' }]);
  });
});

describe('a wall clock that jumps', () => {
  const year = 366 * 24 * 60 * 60 * 1_000;

  it('forward forgets no id before its time, and those after it all the same', async () => {
    await appendTo(1, 0, { command: commandNamed('old') });
    await clock.advance(500);
    clock.jump(year);
    await appendTo(1, 1, { command: commandNamed('young') });
    await writer.pruneCommands();
    expect(await log.findCommands(1, ['old', 'young'])).toHaveLength(2);
    clock.jump(-year);
    await clock.advance(501);
    await writer.pruneCommands();
    expect(await log.findCommands(1, ['old', 'young'])).toMatchObject([{ commandId: 'young' }]);
  });

  it('back and forward again forgets no id that was accepted in between', async () => {
    clock.jump(-year);
    await appendTo(1, 0, { command: commandNamed('between') });
    clock.jump(year);
    await clock.advance(1_000);
    await writer.pruneCommands();
    expect(await log.findCommands(1, ['between'])).toHaveLength(1);
    await clock.advance(1);
    await writer.pruneCommands();
    expect(await log.findCommands(1, ['between'])).toEqual([]);
  });
});

describe('draining', () => {
  it('waits until everything that was asked for is committed', async () => {
    log.isHeld = true;
    for (let sequence = 0; sequence < 9; sequence++) void appendTo(1, sequence);
    settled.watch('drained', writer.drain());
    await clock.settle();
    expect(settled.names).toEqual([]);
    log.releaseAll();
    await clock.settle();
    expect(settled.names.at(-1)).toBe('drained');
    expect(settled.open).toBe(0);
  });

  it('is done at once when nothing is under way', async () => {
    await writer.drain();
  });
});

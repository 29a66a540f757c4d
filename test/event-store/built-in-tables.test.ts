import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { builtInEvents } from '../../src/core/reserved.js';
import { MemoryLog } from '../../src/event-store/memory/memory-log.js';
import { MemoryLogStore } from '../../src/event-store/memory/memory-log-store.js';
import type { LogStore, SealedEvent } from '../../src/event-store/port.js';
import { openSqliteLogStore } from '../../src/event-store/sqlite/sqlite-log-store.js';
import { append, codeOf, plainEvent, platformAt, wide } from './log-fixture.js';
import { temporaryDirectory } from './sqlite-fixture.js';

let directory: Awaited<ReturnType<typeof temporaryDirectory>> | undefined;
afterEach(() => directory?.remove());

const scheduled = (id: string, dueAt: number): SealedEvent => ({
  ...plainEvent(`${id} at ${dueAt}`),
  entityId: `ramax.timer:${id}`,
  type: builtInEvents.timerScheduled,
  metadata: JSON.stringify({ dueAt }),
});

const fired = (id: string): SealedEvent => ({
  ...plainEvent(`${id} fired`),
  entityId: `ramax.timer:${id}`,
  type: builtInEvents.timerFired,
});

const advanced = (name: string, position: number): SealedEvent => ({
  ...plainEvent(`${name} at ${position}`),
  entityId: `ramax.import:${name}`,
  type: builtInEvents.importAdvanced,
  metadata: JSON.stringify({ position }),
});

const create = (spaceName: string) => ({ kind: 'createSpace' as const, spaceName, metadata: {} });
const max = Number.MAX_SAFE_INTEGER;

/** What both adapters keep of the events of Ramax itself. */
describe.each(['memory', 'SQLite'])('the log in %s', (kind) => {
  async function opened(): Promise<LogStore> {
    if (kind === 'memory') return new MemoryLogStore(new MemoryLog('log'), platformAt(1).clock);
    directory = await temporaryDirectory();
    return openSqliteLogStore(join(directory.path, 'ramax.db'), platformAt(1));
  }

  async function commit(log: LogStore, ...writes: Parameters<LogStore['commit']>[0]) {
    const outcomes = await log.commit(writes);
    for (const outcome of outcomes) expect(codeOf(outcome)).not.toMatch(/conflict|not_found|invalid/);
    return outcomes;
  }

  const due = async (log: LogStore, upTo = max) =>
    (await log.dueTimers(upTo, undefined, 100)).map(({ spaceId, timerId }) => `${spaceId}:${timerId}`);

  it('knows the pending timers of each space, by id and by time, a page at a time', async () => {
    const log = await opened();
    await commit(log, create('one'), create('two'));
    expect(log.takeScheduled()).toBeUndefined();
    await commit(
      log,
      append(1, 0, [scheduled('b', 30), scheduled('a', 20), scheduled('c', 10)]),
      append(2, 0, [scheduled('a', 20), scheduled('\u{10000}', 5), scheduled('\uffff', 5)]),
    );
    expect([log.takeScheduled(), log.takeScheduled()]).toEqual([5, undefined]);
    expect((await log.timersOf(1, 'a', 1)).map(({ timerId }) => timerId)).toEqual(['b']);
    expect((await log.timersOf(2, '', 9)).map(({ timerId }) => timerId)).toEqual([
      'a',
      '\uffff',
      '\u{10000}',
    ]);
    expect(await due(log)).toEqual(['2:\uffff', '2:\u{10000}', '1:c', '1:a', '2:a', '1:b']);
    expect(await due(log, 10)).toEqual(['2:\uffff', '2:\u{10000}', '1:c']);
    const [first] = await log.dueTimers(max, undefined, 1);
    expect(await log.dueTimers(max, first, 1)).toEqual([
      { spaceId: 2, timerId: '\u{10000}', dueAt: 5, spaceSequence: 2 },
    ]);
    await commit(log, append(1, 3, [fired('c'), scheduled('b', 1), fired('nobody')]));
    expect(await due(log, 10)).toEqual(['1:b', '2:\uffff', '2:\u{10000}']);
    expect(await log.timersOf(1, 'a', 9)).toEqual([{ timerId: 'b', dueAt: 1, spaceSequence: 5 }]);
    await log.close();
  });

  it('leaves out those of suspended and deleted spaces, and removes the latter', async () => {
    const log = await opened();
    await commit(log, create('one'), create('two'));
    await commit(
      log,
      append(1, 0, [scheduled('a', 1), advanced('old', 7)]),
      append(2, 0, [scheduled('a', 2)]),
    );
    await commit(log, { kind: 'updateSpace', spaceId: 1, settings: { suspended: { at: 5 } } });
    expect(await due(log)).toEqual(['2:a']);
    expect(await log.timersOf(1, '', 9)).toHaveLength(1);
    await commit(log, { kind: 'updateSpace', spaceId: 1, settings: { suspended: null } });
    expect(await due(log)).toEqual(['1:a', '2:a']);
    expect(await log.importsOf(1)).toEqual([{ name: 'old', position: 7 }]);
    await commit(log, { kind: 'markSpaceDeleted', spaceId: 1 });
    expect([await due(log), await log.timersOf(1, '', 9), await log.importsOf(1)]).toEqual([['2:a'], [], []]);
    while (!(await log.purgeSpace(1, 1)).done);
    expect(await due(log)).toEqual(['2:a']);
    await log.close();
  });

  it('has those of a copied space when it is published, up to its last event', async () => {
    const log = await opened();
    await commit(log, create('one'));
    await commit(log, append(1, 0, [scheduled('a', 9), scheduled('b', 8), advanced('old', 7)]));
    await commit(log, append(1, 3, [fired('a')]));
    log.takeScheduled();
    await commit(log, { kind: 'createDraft', spaceName: 'two', metadata: {}, settings: {} });
    const copy = { kind: 'copyEvents' as const, spaceId: 2, fromSpaceId: 1, bounds: wide };
    await commit(log, { ...copy, upTo: 3 });
    expect(await due(log)).toEqual(['1:b']);
    log.takeScheduled();
    await commit(log, { kind: 'publishDraft', spaceId: 2, spaceName: 'two' });
    expect(log.takeScheduled()).toBe(8);
    expect(await due(log)).toEqual(['1:b', '2:b', '2:a']);
    expect(await log.importsOf(2)).toEqual([{ name: 'old', position: 7 }]);
    await log.close();
  });

  it('keeps nothing of an event that does not say what it should', async () => {
    const log = await opened();
    await commit(log, create('one'));
    const broken = { ...scheduled('a', 1), metadata: 'no JSON' };
    await commit(log, append(1, 0, [broken, { ...scheduled('b', 1), metadata: null }]));
    expect(await due(log)).toEqual([]);
    await log.close();
  });
});

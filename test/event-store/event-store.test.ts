import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { EventSpec } from '../../src/core/event.js';
import { EventStore } from '../../src/event-store/event-store.js';
import { MemoryLog } from '../../src/event-store/memory/memory-log.js';
import { MemoryLogStore } from '../../src/event-store/memory/memory-log-store.js';
import type { LogStore, LogWrite, StoredEvent } from '../../src/event-store/port.js';
import { genesisHash, headerOf } from '../../src/event-store/seal.js';
import { nodePlatform } from '../../src/platform/node-platform.js';
import { append, createSpace, plainEvent, platformAt, rejectionCode, wide } from './log-fixture.js';
import { createSqliteFixture } from './sqlite-fixture.js';

const now = 1_750_000_000_000;
const platform = platformAt(now);

const spec = (type: string, payload: unknown = null): EventSpec => ({ entityId: 'e1', type, payload });

/** A log that remembers its batches and can be told to fail a commit before or after it took effect. */
class WatchedLog extends MemoryLogStore {
  readonly batches: number[] = [];
  failNext: 'before' | 'after' | undefined;

  override async commit(batch: readonly LogWrite[]) {
    this.batches.push(batch.length);
    const failure = this.failNext;
    this.failNext = undefined;
    if (failure === 'before') throw new Error('the disk is full');
    const outcomes = await super.commit(batch);
    if (failure === 'after') throw new Error('the disk is gone');
    return outcomes;
  }
}

/** Whether every event is chained to the one before it. */
function isChained(events: readonly StoredEvent[]): boolean {
  let previous = genesisHash;
  return events.every((event) => {
    const hash = nodePlatform.chainDigest(previous, headerOf(event), event.payload);
    previous = event.hash;
    return Buffer.compare(hash, event.hash) === 0;
  });
}

describe('the event store', () => {
  let log: WatchedLog;
  let store: EventStore;
  let spaceId: number;

  beforeEach(async () => {
    log = new WatchedLog(new MemoryLog(platform.ids.newId()), platform.clock);
    spaceId = (await createSpace(log, 'a')).spaceId;
    log.batches.length = 0;
    store = await EventStore.open({ log, platform });
  });

  afterEach(() => store.close());

  describe('append', () => {
    it('takes one event and says its id and sequence', async () => {
      expect(await store.append(spaceId, spec('one', { a: 1 }))).toEqual({ eventIds: [1], spaceSequence: 1 });
      const event = await store.readEvent(spaceId, 1);
      expect(event).toEqual({
        eventId: 1,
        spaceId,
        spaceSequence: 1,
        entityId: 'e1',
        type: 'one',
        version: 1,
        payload: { a: 1 },
        timestamp: now,
        causationId: event?.correlationId,
        correlationId: expect.stringMatching(/^[0-9a-f-]{36}$/),
        tags: [],
        metadata: {},
      });
    });

    it('takes several events all or none', async () => {
      const good = [spec('one'), { ...spec('two'), tags: ['t'], metadata: { by: 'me' } }];
      expect(await store.append(spaceId, good)).toEqual({ eventIds: [1, 2], spaceSequence: 2 });
      expect(await rejectionCode(store.append(spaceId, [spec('three'), spec('')]))).toBe('invalid_input');
      expect(await store.getSpaceLatestSequence(spaceId)).toBe(2);
      expect(await store.readSpaceEvents(spaceId)).toHaveLength(2);
    });

    it('passes on causation and correlation, which an event may set for itself', async () => {
      const own = { ...spec('two'), correlationId: 'own' };
      await store.append(spaceId, [spec('one'), own], { causationId: 'cause', correlationId: 'story' });
      expect(await store.readSpaceEvents(spaceId)).toMatchObject([
        { causationId: 'cause', correlationId: 'story' },
        { causationId: 'cause', correlationId: 'own' },
      ]);
    });

    it('refuses with a conflict when the space is not where the caller knows it to be', async () => {
      await store.append(spaceId, spec('one'), { expectedSequence: 0 });
      const late = store.append(spaceId, spec('late'), { expectedSequence: 0 });
      await expect(late).rejects.toMatchObject({
        code: 'conflict',
        details: { expectedSequence: 0, actualSequence: 1 },
      });
      expect(await store.append(spaceId, spec('two'), { expectedSequence: 1 })).toMatchObject({
        spaceSequence: 2,
      });
    });

    it('lets exactly one of several with the same expected sequence through', async () => {
      const attempts = ['x', 'y', 'z'].map((type) =>
        store.append(spaceId, spec(type), { expectedSequence: 0 }),
      );
      const codes = await Promise.all(attempts.map(rejectionCode));
      expect(codes).toEqual(['no error', 'conflict', 'conflict']);
      expect(await store.readSpaceEvents(spaceId)).toMatchObject([{ type: 'x' }]);
    });

    it('takes concurrent calls in their order, chains them, and commits them together', async () => {
      const other = (await createSpace(log, 'b')).spaceId;
      log.batches.length = 0;
      const results = await Promise.all(
        Array.from({ length: 50 }, (_, n) =>
          store.append(n % 5 === 0 ? other : spaceId, [spec(`t${n}`), spec('x')]),
        ),
      );
      expect(log.batches).toEqual([50]);
      expect(results.flatMap((result) => result.eventIds)).toEqual(
        Array.from({ length: 100 }, (_, n) => n + 1),
      );
      for (const id of [spaceId, other]) expect(isChained(await log.readSpace(id, 0, wide))).toBe(true);
      expect(await store.getSpaceLatestSequence(other)).toBe(20);
    });

    it('gathers into the next commit what arrives during one', async () => {
      const commit = log.commit.bind(log);
      const during: Promise<unknown>[] = [];
      log.commit = (batch) => {
        log.commit = commit;
        during.push(store.append(spaceId, spec('a')), store.append(spaceId, spec('b')));
        return commit(batch);
      };
      await store.append(spaceId, spec('first'));
      await Promise.all(during);
      expect(log.batches).toEqual([1, 2]);
    });

    it('bounds a commit by commands', async () => {
      store = await EventStore.open({ log, platform, limits: { commitCommandsMax: 3 } });
      await Promise.all(Array.from({ length: 8 }, (_, n) => store.append(spaceId, spec(`t${n}`))));
      expect(log.batches).toEqual([3, 3, 2]);
      expect(isChained(await log.readSpace(spaceId, 0, wide))).toBe(true);
    });

    it('is not touched by what the caller does to its objects afterwards', async () => {
      const payload = { list: [1] };
      const tags = ['t'];
      const appended = store.append(spaceId, { ...spec('one', payload), tags });
      payload.list.push(2);
      tags.push('u');
      await appended;
      expect(await store.readEvent(spaceId, 1)).toMatchObject({ payload: { list: [1] }, tags: ['t'] });
    });

    it('seals again when somebody else moved the space between its read and its commit', async () => {
      const commit = log.commit.bind(log);
      log.commit = async (batch) => {
        log.commit = commit;
        await commit([append(spaceId, 0, [plainEvent('between')])]);
        return commit(batch);
      };
      const codes = [
        rejectionCode(store.append(spaceId, spec('expects'), { expectedSequence: 0 })),
        rejectionCode(store.append(spaceId, spec('any'))),
      ];
      expect(await Promise.all(codes)).toEqual(['conflict', 'no error']);
      const types = (await store.readSpaceEvents(spaceId, { from: 1 })).map((event) => event.type);
      expect(types).toEqual(['any']);
      const [between, any] = await log.readSpace(spaceId, 0, wide);
      const hash = any && between && platform.chainDigest(between.hash, headerOf(any), any.payload);
      expect(any?.hash).toEqual(hash);
    });

    it('refuses a space that is not there', async () => {
      expect(await rejectionCode(store.append(99, spec('one')))).toBe('not_found');
      await log.commit([{ kind: 'markSpaceDeleted', spaceId }]);
      expect(await rejectionCode(store.append(spaceId, spec('one')))).toBe('not_found');
      expect(await rejectionCode(store.getSpaceLatestSequence(spaceId))).toBe('not_found');
    });

    it.each([
      ['no events', []],
      ['no object', [null]],
      ['an empty entity id', { entityId: '', type: 't' }],
      ['a missing type', { entityId: 'e' }],
      ['a payload that is no JSON', { entityId: 'e', type: 't', payload: new Date(0) }],
      ['tags that are no array', { entityId: 'e', type: 't', tags: 'tag' }],
      ['metadata that is no object', { entityId: 'e', type: 't', metadata: [] }],
      ['a version that is no integer', { entityId: 'e', type: 't', version: 1.5 }],
    ])('refuses %s at the door', async (_title, events) => {
      expect(await rejectionCode(store.append(spaceId, events as never))).toBe('invalid_input');
      expect(await store.getLatestEventId()).toBe(0);
    });

    it('refuses wrong options at the door', async () => {
      const one = spec('one');
      expect(await rejectionCode(store.append(Number.NaN, one))).toBe('invalid_input');
      expect(await rejectionCode(store.append(spaceId, one, { expectedSequence: -1 }))).toBe('invalid_input');
      expect(await rejectionCode(store.append(spaceId, one, { causationId: '' }))).toBe('invalid_input');
      expect(await rejectionCode(store.readSpaceEvents(spaceId, { limit: 0 }))).toBe('invalid_input');
      expect(await rejectionCode(store.readEvent(spaceId, 0))).toBe('invalid_input');
    });

    it.each(['before', 'after'] as const)(
      'never says refused when a commit fails %s it took effect',
      async (when) => {
        log.failNext = when;
        const attempts = [store.append(spaceId, spec('x')), store.append(spaceId, spec('y'))];
        expect(await Promise.all(attempts.map(rejectionCode))).toEqual([
          'outcome_unknown',
          'outcome_unknown',
        ]);
      },
    );

    it('is refused as overloaded when too many wait', async () => {
      store = await EventStore.open({ log, platform, limits: { totalInFlightMax: 2 } });
      const attempts = ['x', 'y', 'z'].map((type) => rejectionCode(store.append(spaceId, spec(type))));
      expect(await Promise.all(attempts)).toEqual(['no error', 'no error', 'overloaded']);
    });
  });

  describe('reads and streams', () => {
    let other: number;

    beforeEach(async () => {
      other = (await createSpace(log, 'b')).spaceId;
      for (let n = 1; n <= 3; n++) {
        await store.append(spaceId, [spec(`a${n}`), { ...spec(`A${n}`), entityId: 'e2' }]);
        await store.append(other, spec(`b${n}`));
      }
    });

    async function typesOf(stream: AsyncIterable<{ readonly type: string }>): Promise<readonly string[]> {
      const types: string[] = [];
      for await (const event of stream) types.push(event.type);
      return types;
    }

    it('stay inside one space, also by entity and by id', async () => {
      expect((await store.readEntityEvents(spaceId, 'e2')).map((event) => event.type)).toEqual([
        'A1',
        'A2',
        'A3',
      ]);
      expect(await store.readEntityEvents(other, 'e2')).toEqual([]);
      expect(await store.readEvent(other, 1)).toBeUndefined();
      const page = await store.readSpaceEvents(spaceId, { from: 2, limit: 3 });
      expect(page.map((event) => event.type)).toEqual(['a2', 'A2', 'a3']);
    });

    it('stream one space and all spaces over many small reads', async () => {
      store = await EventStore.open({ log, platform, limits: { readEventsMax: 2 } });
      expect(await typesOf(store.streamSpaceEvents(spaceId, { from: 1 }))).toEqual([
        'A1',
        'a2',
        'A2',
        'a3',
        'A3',
      ]);
      expect(await typesOf(store.streamAllEvents())).toEqual([
        'a1',
        'A1',
        'b1',
        'a2',
        'A2',
        'b2',
        'a3',
        'A3',
        'b3',
      ]);
      expect(await typesOf(store.streamAllEvents({ from: 8 }))).toEqual(['b3']);
    });

    it('stop a stream whose signal aborts', async () => {
      const signal = AbortSignal.abort();
      expect(await rejectionCode(typesOf(store.streamAllEvents({ signal })))).toBe('aborted');
      expect(await rejectionCode(typesOf(store.streamSpaceEvents(spaceId, { signal })))).toBe('aborted');
    });

    it('know the latest ids', async () => {
      expect(await store.getLatestEventId()).toBe(9);
      expect(await store.getSpaceLatestSequence(spaceId)).toBe(6);
      expect(await store.getSpaceLatestSequence(other)).toBe(3);
    });
  });

  it('finishes the appends that were called before it closes, and takes no more', async () => {
    const appended = store.append(spaceId, spec('one'));
    await store.close();
    expect(await appended).toMatchObject({ spaceSequence: 1 });
    expect(await rejectionCode(store.append(spaceId, spec('two')))).toBe('closed');
    expect(await rejectionCode(store.getLatestEventId())).toBe('closed');
    await store.close();
  });
});

describe('the event store over SQLite', () => {
  it('finds after opening again what it appended', async () => {
    const fixture = await createSqliteFixture(platform);
    let log: LogStore = await fixture.open();
    const { spaceId } = await createSpace(log, 'a');
    let store = await EventStore.open({ log, platform });
    await store.append(spaceId, [spec('one', { text: 'é' }), spec('two')]);
    await store.close();
    log = await fixture.open();
    store = await EventStore.open({ log, platform });
    await store.append(spaceId, spec('three'), { expectedSequence: 2 });
    expect(isChained(await log.readSpace(spaceId, 0, wide))).toBe(true);
    expect(await store.readEvent(spaceId, 1)).toMatchObject({ payload: { text: 'é' } });
    await store.close();
    await fixture.dispose();
  });
});

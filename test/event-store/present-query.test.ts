import { describe, expect, it } from 'vitest';
import type { RecordedEvent } from '../../src/core/event.js';
import { EventStore } from '../../src/event-store/event-store.js';
import { MemoryLog } from '../../src/event-store/memory/memory-log.js';
import { MemoryLogStore } from '../../src/event-store/memory/memory-log-store.js';
import { nodePlatform } from '../../src/platform/node-platform.js';
import { createSpace } from './log-fixture.js';

const upcasters = {
  moved: { 1: () => ['left', 'came'].map((type) => ({ type, payload: null })) },
  broken: {
    1: () => {
      throw new Error('it cannot be read');
    },
  },
};

/** Events of an older release, by type, and the store of the present one. */
async function storeAfter(types: readonly string[]): Promise<{ store: EventStore; spaceId: number }> {
  const log = new MemoryLogStore(new MemoryLog('log-a'), nodePlatform.clock);
  const { spaceId } = await createSpace(log, 'acme');
  const limits = { scanEventsMax: 2 };
  const before = await EventStore.open({ log, platform: nodePlatform, limits });
  for (const type of types) await before.append(spaceId, { entityId: 'e', type, payload: null });
  return { store: await EventStore.open({ log, platform: nodePlatform, limits, upcasters }), spaceId };
}

async function shown(events: AsyncIterable<RecordedEvent>): Promise<readonly string[]> {
  const list: string[] = [];
  for await (const { spaceSequence, type } of events) list.push(`${spaceSequence} ${type}`);
  return list;
}

describe('a query where upcasters change types', () => {
  it('means the present ones, and the parts that match', async () => {
    const { store, spaceId } = await storeAfter(['came', 'moved', 'other', 'moved', 'left']);
    const ask = (types: readonly string[], options = {}) =>
      shown(store.streamSpaceEvents(spaceId, { query: { types }, ...options }));
    expect(await ask(['came'])).toEqual(['1 came', '2 came', '4 came']);
    expect(await ask(['moved'])).toEqual([]);
    expect(await ask(['came', 'left'], { direction: 'backwards', from: 1, limit: 2 })).toEqual([
      '5 left',
      '4 came',
      '4 left',
    ]);
    // What is looked at and not given takes nothing of the limit.
    expect(await ask(['other', 'left'], { limit: 3 })).toEqual(['2 left', '3 other', '4 left']);
  });

  it('refuses an append by an event that matches now, and by one of which nobody can say it', async () => {
    const { store, spaceId } = await storeAfter(['other', 'moved', 'other', 'broken', 'other']);
    const append = (types: readonly string[], after: number) =>
      store.append(
        spaceId,
        { entityId: 'e', type: 'came', payload: null },
        { failIfEventsMatch: { query: { types }, after } },
      );
    await expect(append(['came'], 1)).rejects.toMatchObject({ details: { matchingSequence: 2 } });
    await expect(append(['never'], 0)).rejects.toMatchObject({ details: { matchingSequence: 4 } });
    expect((await append(['came'], 4)).spaceSequence).toBe(6);
    await expect(append(['came'], 4)).rejects.toMatchObject({ details: { matchingSequence: 6 } });
  });
});

describe('an append with a condition', () => {
  it('is refused by an event however far behind, and by one of another append that was called before it', async () => {
    const { store, spaceId } = await storeAfter(['other', 'other', 'other', 'other', 'came', 'other']);
    const append = (type: string, types: readonly string[], after: number) =>
      store.append(
        spaceId,
        { entityId: 'e', type, payload: null },
        { failIfEventsMatch: { query: { types }, after } },
      );
    await expect(append('came', ['came'], 0)).rejects.toMatchObject({ details: { matchingSequence: 5 } });
    const both = await Promise.allSettled([append('first', ['first'], 0), append('first', ['first'], 0)]);
    expect(both).toMatchObject([
      { status: 'fulfilled', value: { spaceSequence: 7 } },
      { status: 'rejected', reason: { code: 'conflict', details: { matchingSequence: 7, after: 0 } } },
    ]);
  });
});

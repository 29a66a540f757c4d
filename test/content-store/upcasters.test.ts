import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { ContentStore } from '../../src/content-store/content-store.js';
import { defineApp } from '../../src/core/define-app.js';
import type { RecordedEvent } from '../../src/core/event.js';
import { loadApp } from '../../src/core/loaded-app.js';
import type { Upcasters } from '../../src/core/upcasters.js';
import { EventStore } from '../../src/event-store/event-store.js';
import { given } from '../../src/testing/given.js';
import { rejectionOf } from '../core/error-of.js';
import { MemoryBed } from './memory-bed.js';

const commands = {
  write: (_pstate: unknown, event: { type: string; payload: number }) => [{ entityId: 'e', ...event }],
};

/** Notes every event that it is given. */
function note(
  pstate: { update(key: string, change: (notes: unknown) => unknown): unknown },
  event: object,
): void {
  const { type, payload, part = -1 } = event as { type: string; payload: unknown; part?: number };
  pstate.update('notes', (notes) => [...((notes ?? []) as unknown[]), [type, payload, part]]);
}

const on = { a: note, b: note, c: note };

/** The app in a later release. */
function release(upcasters: Upcasters, views: object = { notes: { version: 1, on } }) {
  return defineApp({
    name: 'notes',
    commands,
    upcasters,
    projections: on,
    views: views as { notes: never },
  } as never) as never;
}

const first = release({});

async function written(events: readonly { type: string; payload: number }[]): Promise<MemoryBed> {
  const bed = await MemoryBed.make();
  const store = (await bed.open(first)) as unknown as ContentStore;
  for (const event of events) await store.execute('write', event as never);
  // As a crash would: nothing of the views is persisted.
  return bed;
}

async function reopened(bed: MemoryBed, app: never): Promise<ContentStore> {
  bed.pstates.dropSpace(1, 1_000_000);
  return (await bed.open(app)) as unknown as ContentStore;
}

async function streamed(
  bed: MemoryBed,
  upcasters: Upcasters,
  readEventsMax: number,
): Promise<RecordedEvent[]> {
  const store = await EventStore.open({
    log: bed.log,
    platform: bed.platform,
    upcasters,
    limits: { readEventsMax },
  });
  const events: RecordedEvent[] = [];
  for await (const event of store.streamSpaceEvents(1)) events.push(event);
  return events;
}

const noted = ({ type, payload, part = -1 }: RecordedEvent) => [type, payload, part];

describe('events of older versions', () => {
  it('fold to the same, whatever their upcasters make of them: opened, rebuilt, in tests and as streams', async () => {
    const type = fc.constantFrom('a', 'b', 'c');
    // What one step makes: a list of types; those that come earlier in the alphabet would lead in circles.
    const step = fc.array(fc.constantFrom('b', 'c'), { maxLength: 3 });
    const events = fc.array(fc.record({ type, payload: fc.integer({ min: 0, max: 9 }) }), {
      minLength: 1,
      maxLength: 12,
    });
    const property = fc.asyncProperty(
      events,
      step,
      step,
      fc.integer({ min: 1, max: 4 }),
      async (log, ofA, ofB, page) => {
        const bed = await written(log);
        const split =
          (to: readonly string[]) =>
          ({ payload }: { payload: unknown }) =>
            to.map((other, index) => ({
              type: other,
              version: other === 'b' ? 2 : 1,
              payload: 10 * (payload as number) + index,
            }));
        const upcasters: Upcasters = {
          a: { 1: split(ofA), 2: ({ payload }) => payload },
          b: { 1: split(ofB.map(() => 'c')) },
        };
        const app = release(upcasters);
        const events = await streamed(bed, upcasters, page);
        const expected = events.length === 0 ? undefined : events.map(noted);
        const store = await reopened(bed, app);
        const stored = log.map((event) => ({ entityId: 'e', version: 1, ...event }));
        expect(await store.fetch('notes')).toEqual(expected);
        expect(await store.fetch('notes', { view: 'notes' })).toEqual(expected);
        await store.rebuildPState();
        expect(await store.fetch('notes')).toEqual(expected);
        expect(
          (given(app, stored as never) as { pstate: { get(key: string): unknown } }).pstate.get('notes'),
        ).toEqual(expected);
        // What is written now is of the present versions.
        await store.execute('write', { type: 'a', payload: 1 } as never);
        expect((await streamed(bed, upcasters, page)).at(-1)).toMatchObject({
          type: 'a',
          version: 3,
          payload: 1,
        });
      },
    );
    await fc.assert(property, { numRuns: 60 });
  });

  it('are applied all parts or none: a view that fails at the second stays before the first', async () => {
    const bed = await written([
      { type: 'c', payload: 0 },
      { type: 'a', payload: 1 },
      { type: 'c', payload: 2 },
    ]);
    const upcasters: Upcasters = { a: { 1: () => ['b', 'c'].map((type) => ({ type, payload: 'new' })) } };
    const failing = {
      ...on,
      c: (pstate: never, event: { part?: number }) => {
        if (event.part === 1) throw new Error('no');
        note(pstate, event);
      },
    };
    const store = await reopened(bed, release(upcasters, { notes: { version: 1, on: failing } }));
    expect(await rejectionOf(store.fetch('notes', { view: 'notes' }))).toMatchObject({
      code: 'projection_failed',
      details: { spaceSequence: 2, view: 'notes' },
    });
    expect((await store.fetch('notes')) as unknown).toHaveLength(4);
    await store.skipEvent({ view: 'notes', spaceSequence: 2 });
    expect(await store.fetch('notes', { view: 'notes' })).toEqual([
      ['c', 0, -1],
      ['c', 2, -1],
    ]);
  });

  it('stop the views where an upcaster throws, and the views pass over them', async () => {
    const bed = await written([
      { type: 'a', payload: 1 },
      { type: 'c', payload: 2 },
    ]);
    const store = await reopened(bed, release({ a: { 1: () => expect.fail('broken') } }));
    expect(await rejectionOf(store.fetch('notes'))).toMatchObject({
      code: 'upcast_failed',
      details: { type: 'a', eventVersion: 1, entityId: 'e', spaceSequence: 1, view: 'main' },
    });
    await store.skipEvent({ spaceSequence: 1 });
    expect(await store.fetch('notes')).toEqual([['c', 2, -1]]);
  });

  it('stop the views that they concern where they are newer than the app', async () => {
    const bed = await MemoryBed.make();
    const newer = (await bed.open(
      release({ a: { 1: ({ payload }) => payload } }),
    )) as unknown as ContentStore;
    await newer.execute('write', { type: 'a', payload: 1 } as never);
    const store = await reopened(bed, release({}, { notes: { version: 1, on: { c: note } } }));
    expect(await rejectionOf(store.fetch('notes'))).toMatchObject({
      code: 'event_newer',
      details: { presentVersion: 1, eventVersion: 2 },
    });
    expect(await store.fetch('notes', { view: 'notes' })).toBeUndefined();
  });

  it('are no answer of a command', async () => {
    const store = (await (
      await MemoryBed.make()
    ).open(release({ a: { 1: () => 1 } }))) as unknown as ContentStore;
    const old = store.execute('write', { type: 'a', version: 1, payload: 1 } as never);
    expect(await rejectionOf(old)).toMatchObject({
      code: 'invalid_input',
      details: { field: 'events[0].version' },
    });
    await store.execute('write', { type: 'a', version: 2, payload: 1 } as never);
  });

  it('make another view of every view', () => {
    const source = (upcasters: Upcasters) => loadApp(release(upcasters)).views.map((view) => view.source);
    expect(source({})).toEqual(
      loadApp({ ...(first as object), upcasters: undefined }).views.map((view) => view.source),
    );
    expect(source({ z: { 1: () => 1 } })).not.toEqual(source({}));
    expect(source({ z: { 1: () => 1 } })).not.toEqual(source({ z: { 1: () => 2 } }));
  });

  it('are read one by one by the noun alone, part by part', async () => {
    const bed = await written([
      { type: 'a', payload: 1 },
      { type: 'b', payload: 1 },
      { type: 'c', payload: 7 },
    ]);
    const upcasters: Upcasters = {
      a: { 1: () => ['b', 'c'].map((type) => ({ type, version: type === 'b' ? 2 : 1, payload: 'new' })) },
      b: { 1: () => [] },
    };
    const store = await EventStore.open({ log: bed.log, platform: bed.platform, upcasters });
    const parts = await Promise.all([0, 1, 2].map((part) => store.readEvent(1, 1, { part })));
    expect(parts.map((event) => event && [event.eventId, event.type, event.part, event.parts])).toEqual([
      [1, 'b', 0, 2],
      [1, 'c', 1, 2],
      undefined,
    ]);
    expect(await store.readEvent(1, 2)).toBeUndefined();
    expect((await store.readSpaceEvents(1, { from: 1, limit: 1 })).map(noted)).toEqual([['c', 7, -1]]);
    await store.append(1, { entityId: 'e', type: 'a' });
    expect((await store.readEvent(1, 4))?.version).toBe(2);
  });
});

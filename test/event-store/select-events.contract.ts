/** What every adapter must do when it selects events: the same as a plain filter over all of them. */

import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { checkEventQuery, matchesQuery } from '../../src/core/event-query.js';
import { defaultLimits } from '../../src/core/limits.js';
import type { EventSelection, LogStore, SelectBounds, StoredEvent } from '../../src/event-store/port.js';
import { genesisHash } from '../../src/event-store/seal.js';
import { nodePlatform } from '../../src/platform/node-platform.js';
import { append, chainedAfter, createSpace, type LogFixture, type LogFixtureFactory } from './log-fixture.js';

const types = ['a', 'b', 'c'];
const entities = ['e1', 'e2', 'e3'];
const tags = ['x', 'y', 'z'];

const anyFacts = fc.record({
  space: fc.nat(1),
  type: fc.constantFrom(...types),
  entityId: fc.constantFrom(...entities),
  tags: fc.subarray(tags),
  timestamp: fc.integer({ min: 0, max: 9 }),
  payloadBytes: fc.constantFrom(0, 5, 50),
});

const anyItem = fc.record(
  {
    types: fc.uniqueArray(fc.constantFrom(...types, 'never'), { minLength: 1, maxLength: 2 }),
    tags: fc.subarray(tags),
    entityId: fc.constantFrom(...entities, 'nobody'),
  },
  { requiredKeys: [] },
);

const anySelection = fc.record(
  {
    space: fc.constantFrom(0, 1, undefined),
    direction: fc.constantFrom('forwards' as const, 'backwards' as const),
    after: fc.integer({ min: 0, max: 12 }),
    upTo: fc.oneof(fc.integer({ min: 0, max: 30 }), fc.constant(Number.MAX_SAFE_INTEGER)),
    query: fc.array(anyItem, { minLength: 1, maxLength: 3 }),
    since: fc.integer({ min: 0, max: 9 }),
    until: fc.integer({ min: 0, max: 9 }),
  },
  { requiredKeys: ['space', 'direction', 'after', 'upTo'] },
);

const anyBounds: fc.Arbitrary<SelectBounds> = fc.record({
  limit: fc.integer({ min: 1, max: 5 }),
  bytesMax: fc.constantFrom(1, 60, 1_000),
  scanEventsMax: fc.oneof(fc.integer({ min: 1, max: 6 }), fc.constant(1_000)),
});

const runs = Number(process.env['RAMAX_SELECT_RUNS'] ?? 60);

export function describeSelectEvents(name: string, createFixture: LogFixtureFactory): void {
  describe(`${name}: selected events`, () => {
    let fixture: LogFixture;
    let log: LogStore;

    beforeEach(async () => {
      fixture = await createFixture(nodePlatform);
      log = await fixture.open();
    });

    afterEach(async () => {
      await log.close();
      await fixture.dispose();
    });

    it('are those of a plain filter, in order or the other way round, whatever fits into one read', async () => {
      await fc.assert(
        fc.asyncProperty(
          fc.array(anyFacts, { maxLength: 24 }),
          fc.array(fc.tuple(anySelection, anyBounds), { minLength: 1, maxLength: 8 }),
          fc.nat(24),
          async (facts, asked, filledAt) => {
            const names = [nodePlatform.ids.newId(), nodePlatform.ids.newId()];
            const spaces = [await createSpace(log, names[0] ?? ''), await createSpace(log, names[1] ?? '')];
            const heads = [0, 1].map(() => ({ spaceSequence: 0, hash: genesisHash }));
            const before = await log.latestEventId();
            for (const [index, fact] of facts.entries()) {
              if (index === filledAt) await fixture.fill?.();
              const head = heads[fact.space];
              const space = spaces[fact.space];
              if (head === undefined || space === undefined) throw new Error('there are two spaces');
              const [event] = chainedAfter(head, [
                {
                  ...{ entityId: fact.entityId, type: fact.type, version: 1, timestamp: fact.timestamp },
                  ...{ payload: new Uint8Array(fact.payloadBytes), causationId: null, correlationId: null },
                  ...{ tags: fact.tags.length === 0 ? null : JSON.stringify(fact.tags), metadata: null },
                  hash: genesisHash,
                },
              ]);
              if (event === undefined) throw new Error('one event is chained');
              const [outcome] = await log.commit([append(space.spaceId, head.spaceSequence, [event])]);
              expect(outcome?.kind).toBe('appended');
              heads[fact.space] = { spaceSequence: head.spaceSequence + 1, hash: event.hash };
            }
            const all = await log.readAll(before, { limit: 1_000, bytesMax: 1_000_000 });
            for (const [{ space, query, after, upTo, ...rest }, bounds] of asked) {
              const spaceId = space === undefined ? undefined : spaces[space]?.spaceId;
              const shift = spaceId === undefined ? before : 0;
              const selection: EventSelection = {
                ...rest,
                ...(spaceId === undefined ? {} : { spaceId }),
                after: after + shift,
                upTo: Math.min(upTo + shift, Number.MAX_SAFE_INTEGER),
                ...(query === undefined ? {} : { query: checkEventQuery(query, 'query', defaultLimits) }),
              };
              const expected = plainly(all, selection).map(({ eventId }) => eventId);
              expect((await readOut(log, selection, bounds)).map(({ eventId }) => eventId)).toEqual(expected);
              const reader = await fixture.openReader();
              const beside = await readOut(reader, selection, bounds);
              await reader.close();
              expect(beside.map(({ eventId }) => eventId)).toEqual(expected);
            }
          },
        ),
        { numRuns: runs },
      );
    });

    it('are none of a space that is deleted', async () => {
      const space = await createSpace(log, 'gone');
      const [event] = chainedAfter({ spaceSequence: 0, hash: genesisHash }, [
        {
          ...{ entityId: 'e', type: 'a', version: 1, timestamp: 1, payload: new Uint8Array(1) },
          ...{ causationId: null, correlationId: null, tags: '["x"]', metadata: null, hash: genesisHash },
        },
      ]);
      if (event === undefined) throw new Error('one event is chained');
      await log.commit([append(space.spaceId, 0, [event])]);
      await fixture.fill?.();
      await log.commit([{ kind: 'markSpaceDeleted', spaceId: space.spaceId }]);
      const query = checkEventQuery({ tags: ['x'] }, 'query', defaultLimits);
      for (const direction of ['forwards', 'backwards'] as const) {
        const selection = { spaceId: space.spaceId, direction, after: 0, upTo: 10, query };
        const found = await log.selectEvents(selection, { limit: 9, bytesMax: 99, scanEventsMax: 9 });
        expect(found).toMatchObject({ events: [], isEnd: true });
      }
    });
  });
}

function plainly(all: readonly StoredEvent[], selection: EventSelection): readonly StoredEvent[] {
  const { spaceId, after, upTo, since = 0, until = Number.MAX_SAFE_INTEGER, query, direction } = selection;
  const wanted = all.filter((event) => {
    const position = spaceId === undefined ? event.eventId : event.spaceSequence;
    return (
      (spaceId === undefined || event.spaceId === spaceId) &&
      position > after &&
      position <= upTo &&
      event.timestamp >= since &&
      event.timestamp <= until &&
      (query === undefined ||
        matchesQuery(query, { ...event, tags: event.tags === null ? [] : JSON.parse(event.tags) }))
    );
  });
  return direction === 'forwards' ? wanted : wanted.reverse();
}

/** All that is selected, read by read; each read keeps its bounds and makes progress. */
async function readOut(
  log: Pick<LogStore, 'selectEvents'>,
  selection: EventSelection,
  bounds: SelectBounds,
): Promise<readonly StoredEvent[]> {
  const events: StoredEvent[] = [];
  for (let next = selection; ; ) {
    const { events: page, position, isEnd } = await log.selectEvents(next, bounds);
    expect(page.length).toBeLessThanOrEqual(bounds.limit);
    events.push(...page);
    if (isEnd) return events;
    if (next.direction === 'forwards') {
      expect(position).toBeGreaterThan(next.after);
      next = { ...next, after: position };
    } else {
      expect(position).toBeLessThan(next.upTo);
      next = { ...next, upTo: position };
    }
  }
}

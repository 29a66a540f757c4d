import { join } from 'node:path';
import Database from 'better-sqlite3';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { checkEventQuery, type EventQuery, matchesQuery } from '../../src/core/event-query.js';
import { defaultLimits } from '../../src/core/limits.js';
import type {
  EventSelection,
  LogReader,
  LogStore,
  SelectBounds,
  SelectedEvents,
} from '../../src/event-store/port.js';
import { openSqliteLogReader } from '../../src/event-store/sqlite/sqlite-log-reader.js';
import { openSqliteLogStore } from '../../src/event-store/sqlite/sqlite-log-store.js';
import { SqliteLookupFiller } from '../../src/event-store/sqlite/sqlite-lookup-filler.js';
import { append, createSpace, plainEvent, platformAt, rejectionCode } from './log-fixture.js';
import { temporaryDirectory } from './sqlite-fixture.js';

const all = Number.MAX_SAFE_INTEGER;
const roomy: SelectBounds = { limit: 1_000, bytesMax: 1_000_000, scanEventsMax: 1_000 };

interface Facts {
  readonly entityId: string;
  readonly tags: readonly string[];
}

describe('reads that the lookups lead', () => {
  let directory: Awaited<ReturnType<typeof temporaryDirectory>>;
  let log: LogStore;
  let reader: LogReader;
  let file: string;
  let labels = 0;

  beforeEach(async () => {
    directory = await temporaryDirectory();
    file = join(directory.path, 'ramax.db');
    log = openSqliteLogStore(file, platformAt(1));
    reader = openSqliteLogReader(file, platformAt(1));
  });

  afterEach(async () => {
    await reader.close();
    await log.close();
    await directory.remove();
  });

  async function newSpace(): Promise<number> {
    return (await createSpace(log, `space ${labels++}`)).spaceId;
  }

  async function write(spaceId: number, after: number, facts: readonly Facts[]): Promise<void> {
    if (facts.length === 0) return;
    const events = facts.map(({ entityId, tags }) => ({
      ...plainEvent(`e${labels++}`, entityId),
      tags: tags.length === 0 ? null : JSON.stringify(tags),
    }));
    const [outcome] = await log.commit([append(spaceId, after, events)]);
    expect(outcome?.kind).toBe('appended');
  }

  function fill(): void {
    const filler = new SqliteLookupFiller(file);
    while (!filler.fill(1_000));
    filler.stop();
  }

  function change(name: string, sql: string): void {
    const database = new Database(join(directory.path, name));
    database.exec(sql);
    database.close();
  }

  function selectionOf(
    spaceId: number,
    query: EventQuery,
    direction: 'forwards' | 'backwards' = 'forwards',
    [after, upTo]: readonly [number, number] = [0, all],
  ): EventSelection {
    const checked = checkEventQuery(query, 'query', defaultLimits);
    return { spaceId, direction, after, upTo, query: checked };
  }

  /** All sequences that are selected, and the reads that it took. */
  async function select(
    selection: EventSelection,
    bounds: SelectBounds = roomy,
  ): Promise<{ readonly sequences: readonly number[]; readonly reads: readonly SelectedEvents[] }> {
    const reads: SelectedEvents[] = [];
    for (let next = selection; ; ) {
      const read = await reader.selectEvents(next, bounds);
      reads.push(read);
      if (read.isEnd) break;
      next =
        next.direction === 'forwards' ? { ...next, after: read.position } : { ...next, upTo: read.position };
    }
    const sequences = reads.flatMap(({ events }) => events.map(({ spaceSequence }) => spaceSequence));
    return { sequences, reads };
  }

  it('give what a look through everything gives, however dense the entries are and however far they are filled', async () => {
    const anyPart = fc.record({
      count: fc.integer({ min: 1, max: 80 }),
      /** One event in so many has the tag; 0: none. */
      every: fc.record({ t: fc.nat(9), u: fc.nat(4) }),
    });
    const anyQuery = fc.constantFrom<EventQuery>(
      { tags: ['t'] },
      { tags: ['t', 'u'] },
      { entityId: 'x', tags: ['u'] },
      [{ tags: ['t'] }, { entityId: 'y' }],
      [{ tags: ['t', 'u'] }, { tags: ['t'], types: ['never'] }],
    );
    await fc.assert(
      fc.asyncProperty(
        fc.array(anyPart, { minLength: 1, maxLength: 4 }),
        fc.nat(4),
        anyQuery,
        fc.tuple(fc.nat(200), fc.oneof(fc.nat(300), fc.constant(all))),
        fc.record({
          limit: fc.constantFrom(1, 7, 1_000),
          bytesMax: fc.constantFrom(1, 60, 1_000_000),
          scanEventsMax: fc.constantFrom(1, 5, 40, 1_000),
        }),
        async (parts, filledAt, query, [after, upTo], bounds) => {
          const spaceId = await newSpace();
          const facts: Facts[] = [];
          for (const [index, { count, every }] of parts.entries()) {
            if (index === filledAt) fill();
            const part = Array.from({ length: count }, (_, n) => ({
              entityId: n % 3 === 0 ? 'x' : 'y',
              tags: (['t', 'u'] as const).filter((tag) => every[tag] > 0 && n % every[tag] === 0),
            }));
            await write(spaceId, facts.length, part);
            facts.push(...part);
          }
          if (filledAt >= parts.length) fill();
          for (const direction of ['forwards', 'backwards'] as const) {
            const selection = selectionOf(spaceId, query, direction, [after, upTo]);
            const expected = facts.flatMap((event, index) =>
              index >= after &&
              index < upTo &&
              selection.query !== undefined &&
              matchesQuery(selection.query, { ...event, type: 'type' })
                ? index + 1
                : [],
            );
            if (direction === 'backwards') expected.reverse();
            expect((await select(selection, bounds)).sequences).toEqual(expected);
          }
        },
      ),
      { numRuns: 60 },
    );
  });

  it('take as many events as match, and not as many as there are', async () => {
    const spaceId = await newSpace();
    const facts = Array.from({ length: 3_000 }, (_, n) => ({
      entityId: `e${n % 100}`,
      tags: n % 1_000 === 7 ? ['all', 'rare'] : ['all'],
    }));
    await write(spaceId, 0, facts);
    const bounds = { ...roomy, scanEventsMax: 8 };
    const rare = { tags: ['rare'] };
    expect((await select(selectionOf(spaceId, rare), bounds)).reads).toHaveLength(376);
    fill();
    for (const query of [rare, { tags: ['all', 'rare'] }, { entityId: 'e7', tags: ['rare'] }]) {
      for (const direction of ['forwards', 'backwards'] as const) {
        const { sequences, reads } = await select(selectionOf(spaceId, query, direction), bounds);
        expect([...sequences].sort((left, right) => left - right)).toEqual([8, 1_008, 2_008]);
        expect(reads.length).toBeLessThan(10);
      }
    }
    const never = await select(selectionOf(spaceId, { tags: ['never'] }, 'forwards', [0, 3_000]), bounds);
    expect(never.reads).toEqual([{ events: [], position: 3_000, isEnd: true }]);
    // What is not filled yet is gone through, and nothing else.
    await write(spaceId, 3_000, facts.slice(0, 80));
    const tail = await select(selectionOf(spaceId, rare), bounds);
    expect(tail.sequences).toEqual([8, 1_008, 2_008, 3_008]);
    expect(tail.reads.length).toBeLessThan(16);
  });

  it('pass over entries whose event is gone, another one or of another space', async () => {
    const [spaceId, other, gone] = [await newSpace(), await newSpace(), await newSpace()];
    await write(spaceId, 0, [
      { entityId: 'x', tags: ['t'] },
      { entityId: 'x', tags: [] },
    ]);
    await write(other, 0, [{ entityId: 'x', tags: ['t'] }]);
    await write(gone, 0, [{ entityId: 'x', tags: ['t'] }]);
    await write(spaceId, 2, [{ entityId: 'x', tags: ['t'] }]);
    await log.commit([{ kind: 'markSpaceDeleted', spaceId: gone }]);
    expect(await log.purgeSpace(gone, 100)).toEqual({ done: true });
    fill();
    change(
      'lookups.db',
      `INSERT INTO tag_events VALUES (${spaceId}, 't', 2), (${spaceId}, 't', 3), (${spaceId}, 't', 4)`,
    );
    for (const scanEventsMax of [1, 2, 1_000]) {
      for (const limit of [1, 1_000]) {
        const bounds = { ...roomy, limit, scanEventsMax };
        const query = { tags: ['t'] };
        expect((await select(selectionOf(spaceId, query), bounds)).sequences).toEqual([1, 3]);
        expect((await select(selectionOf(spaceId, query, 'backwards'), bounds)).sequences).toEqual([3, 1]);
      }
    }
  });

  it('check what the lookups lead to, and what lies behind them', async () => {
    const spaceId = await newSpace();
    await write(
      spaceId,
      0,
      Array.from({ length: 9 }, (_, n) => ({ entityId: 'x', tags: n % 4 === 0 ? ['t'] : [] })),
    );
    fill();
    change('ramax.db', 'UPDATE events SET hash = zeroblob(16) WHERE event_id = 5');
    for (const direction of ['forwards', 'backwards'] as const) {
      const damaged = reader.selectEvents(selectionOf(spaceId, { tags: ['t'] }, direction), roomy);
      expect(await rejectionCode(damaged)).toBe('corrupt');
    }
    const beyond = selectionOf(spaceId, { tags: ['t'] }, 'forwards', [6, all]);
    expect((await select(beyond)).sequences).toEqual([9]);
  });
});

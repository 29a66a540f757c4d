import { rmSync } from 'node:fs';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { RamaxError } from '../../src/core/errors.js';
import { checkEventQuery } from '../../src/core/event-query.js';
import { defaultLimits } from '../../src/core/limits.js';
import { EventStore } from '../../src/event-store/event-store.js';
import type { EventSelection, LogReader, SelectBounds, StoredEvent } from '../../src/event-store/port.js';
import { openSqliteLogReader } from '../../src/event-store/sqlite/sqlite-log-reader.js';
import { openSqliteLogStore } from '../../src/event-store/sqlite/sqlite-log-store.js';
import { SqliteLookupFiller } from '../../src/event-store/sqlite/sqlite-lookup-filler.js';
import { nodePlatform } from '../../src/platform/node-platform.js';
import { append, codeOf, createSpace, plainEvent, wide } from './log-fixture.js';
import { temporaryDirectory } from './sqlite-fixture.js';

/** Three spaces whose events alternate: event id 3n + s is event n + 1 of space s. */
const events = 12;

type Damage = readonly [what: string, sql: string, place?: number];

/** What a flipped bit or a lost row makes of event 5 of space 1, which has event id 13. */
const damages: readonly Damage[] = [
  [
    'a flip in its payload',
    "UPDATE events SET payload = CAST(x'c1' || substr(payload, 2) AS BLOB) WHERE event_id = 13",
  ],
  [
    'a payload cut off',
    'UPDATE events SET payload = substr(payload, 1, length(payload) - 1) WHERE event_id = 13',
  ],
  ['another type', "UPDATE events SET event_type = 'Noted' WHERE event_id = 13"],
  ['another entity', "UPDATE events SET entity_id = 'e9' WHERE event_id = 13"],
  ['another version', 'UPDATE events SET event_version = 3 WHERE event_id = 13'],
  ['another timestamp', 'UPDATE events SET timestamp = timestamp + 1 WHERE event_id = 13'],
  ['other tags', `UPDATE events SET tags = '["b"]' WHERE event_id = 13`],
  ['other metadata', `UPDATE events SET metadata = '{}' WHERE event_id = 13`],
  ['another cause', "UPDATE events SET causation_id = 'x' WHERE event_id = 13"],
  ['another invocation', 'UPDATE events SET invocation_id = zeroblob(16) WHERE event_id = 13'],
  ['another hash', 'UPDATE events SET hash = zeroblob(16) WHERE event_id = 13'],
  ['another space', 'UPDATE events SET space_id = 77 WHERE event_id = 13'],
  ['it being gone', 'DELETE FROM events WHERE event_id = 13'],
  [
    'two events that have changed places',
    `UPDATE events SET space_sequence = -5 WHERE event_id = 13; UPDATE events SET space_sequence = 5 WHERE event_id = 16;
     UPDATE events SET space_sequence = 6 WHERE event_id = 13`,
  ],
  [
    'payloads that have changed places',
    `UPDATE events SET payload = (SELECT payload FROM events WHERE event_id = 14) WHERE event_id = 13`,
  ],
];

describe('a damaged log', () => {
  let directory: Awaited<ReturnType<typeof temporaryDirectory>>;
  let file: string;
  const readers: LogReader[] = [];

  beforeEach(async () => {
    directory = await temporaryDirectory();
    file = join(directory.path, 'ramax.db');
    const log = openSqliteLogStore(file, nodePlatform);
    for (const name of ['a', 'b', 'c']) await createSpace(log, name);
    const store = await EventStore.open({ log, platform: nodePlatform });
    for (let index = 0; index < events; index++) {
      for (const spaceId of [1, 2, 3]) {
        await store.append(spaceId, {
          entityId: `e${index % 2}`,
          type: 'noted',
          payload: { index, of: spaceId },
          ...(index % 2 === 0 && { tags: ['a'], metadata: { by: 'test' } }),
        });
      }
    }
    await store.close();
  });

  afterEach(async () => {
    for (const reader of readers.splice(0)) await reader.close();
    await directory.remove();
  });

  function damage(sql: string): void {
    const database = new Database(file);
    database.exec(sql);
    database.close();
  }

  function reader(): LogReader {
    const opened = openSqliteLogReader(file, nodePlatform);
    readers.push(opened);
    return opened;
  }

  /** Where a read says that the log is damaged. */
  async function placeOf(read: Promise<unknown>): Promise<readonly unknown[]> {
    const error = await read.then(
      (value) => expect.fail(`it gave ${JSON.stringify(value).slice(0, 200)}`),
      (reason: unknown) => reason,
    );
    if (!(error instanceof RamaxError)) throw error;
    const { spaceId, spaceSequence, eventId } = error.details;
    return [error.code, spaceId, spaceSequence, eventId];
  }

  async function readAllPages(
    read: (after: number) => Promise<readonly StoredEvent[]>,
    by: 'eventId' | 'spaceSequence',
  ): Promise<number> {
    let count = 0;
    for (let after = 0; ; ) {
      const page = await read(after);
      const last = page.at(-1);
      if (last === undefined) return count;
      after = last[by];
      count += page.length;
    }
  }

  /** Goes over all that is selected, and counts it. */
  async function selectAll(log: LogReader, selection: EventSelection, bounds: SelectBounds): Promise<number> {
    let count = 0;
    for (let next = selection; ; ) {
      const { events: page, position, isEnd } = await log.selectEvents(next, bounds);
      count += page.length;
      if (isEnd) return count;
      next = next.direction === 'forwards' ? { ...next, after: position } : { ...next, upTo: position };
    }
  }

  it('before it is damaged gives every event on every way', async () => {
    const log = reader();
    for (const limit of [1, 2, 5, 1_000]) {
      for (const bytesMax of [1, 40, 1_000_000]) {
        const bounds = { limit, bytesMax };
        expect(await readAllPages((after) => log.readSpace(1, after, bounds), 'spaceSequence')).toBe(events);
        expect(await readAllPages((after) => log.readAll(after, bounds), 'eventId')).toBe(3 * events);
        expect(await readAllPages((after) => log.readEntity(1, 'e0', after, bounds), 'spaceSequence')).toBe(
          events / 2,
        );
      }
    }
    expect((await log.readEvent(1, 13))?.spaceSequence).toBe(5);
    expect((await log.spaceHead(1))?.lastSpaceSequence).toBe(events);
  });

  for (const [what, sql] of damages) {
    it(`shows ${what} on every way that leads there, and nowhere else`, async () => {
      damage(sql);
      const log = reader();
      const isFifthGone = what === 'it being gone' || what === 'another space';
      const place = await placeOf(log.readSpace(1, 0, wide));
      expect(place.slice(0, 3)).toEqual(['corrupt', 1, 5]);
      expect(
        await placeOf(
          log
            .readSpace(1, 0, { limit: 1_000, bytesMax: 1 })
            .then(() =>
              readAllPages((after) => log.readSpace(1, after, { limit: 1, bytesMax: 1 }), 'spaceSequence'),
            ),
        ),
      ).toEqual(place);
      expect((await placeOf(log.readSpace(1, 4, wide))).slice(0, 3)).toEqual(['corrupt', 1, 5]);
      if (what !== 'another space')
        expect((await placeOf(log.readAll(0, wide))).slice(0, 2)).toEqual(['corrupt', 1]);
      else expect((await placeOf(log.readAll(0, wide)))[0]).toBe('corrupt');
      expect((await placeOf(log.readEntity(1, 'e0', 0, wide))).slice(0, 2)).toEqual(['corrupt', 1]);
      if (!isFifthGone) expect((await placeOf(log.readEvent(1, 13))).slice(0, 2)).toEqual(['corrupt', 1]);
      expect(await log.readSpace(1, 0, { ...wide, limit: 4 })).toHaveLength(4);
      expect(await log.readSpace(2, 0, wide)).toHaveLength(events);
      expect(await readAllPages((after) => log.readEntity(3, 'e0', after, wide), 'spaceSequence')).toBe(
        events / 2,
      );
    });
  }

  for (const [what, sql] of damages) {
    it(`shows ${what} to whoever selects events, both ways and whatever they look for`, async () => {
      damage(sql);
      const log = reader();
      const query = checkEventQuery({ types: ['never'] }, 'query', defaultLimits);
      for (const direction of ['forwards', 'backwards'] as const) {
        for (const scanEventsMax of [1, 2, 5, 1_000]) {
          const bounds = { limit: 10, bytesMax: 1_000_000, scanEventsMax };
          // A part that begins at the event, from either side, as well as all of the space.
          for (const [after, upTo] of [
            [0, 99],
            [4, 99],
            [0, 5],
            [4, 5],
          ] as const) {
            const ofSpace = (spaceId: number) => ({ spaceId, direction, after, upTo });
            const damaged = await placeOf(selectAll(log, { ...ofSpace(1), query }, bounds));
            expect(damaged.slice(0, 2)).toEqual(['corrupt', 1]);
            expect((await placeOf(selectAll(log, ofSpace(1), bounds))).slice(0, 2)).toEqual(['corrupt', 1]);
            expect(await selectAll(log, ofSpace(3), bounds)).toBe(Math.min(upTo, events) - after);
          }
          const ofAll = { direction, after: 0, upTo: 999, query };
          expect((await placeOf(selectAll(log, ofAll, bounds)))[0]).toBe('corrupt');
        }
      }
    });
  }

  it('shows what became of an entity’s event although the lookups still lead to it', async () => {
    const filler = new SqliteLookupFiller(file);
    filler.fill(1_000);
    filler.stop();
    damage("UPDATE events SET entity_id = 'e9' WHERE event_id = 13");
    expect(await placeOf(reader().readEntity(1, 'e0', 0, wide))).toEqual(['corrupt', 1, 5, 13]);
    expect(await reader().readEntity(2, 'e0', 0, wide)).toHaveLength(events / 2);
  });

  it('shows what became of an event’s tags although the lookups still lead to it', async () => {
    const filler = new SqliteLookupFiller(file);
    filler.fill(1_000);
    filler.stop();
    damage('UPDATE events SET tags = NULL WHERE event_id = 13');
    const query = checkEventQuery({ tags: ['a'] }, 'query', defaultLimits);
    const bounds = { ...wide, scanEventsMax: 1_000 };
    for (const direction of ['forwards', 'backwards'] as const) {
      const ofSpace = (spaceId: number) => ({ spaceId, direction, after: 0, upTo: 99, query });
      expect(await placeOf(selectAll(reader(), ofSpace(1), bounds))).toEqual(['corrupt', 1, 5, 13]);
      expect(await selectAll(reader(), ofSpace(2), bounds)).toBe(events / 2);
    }
  });

  it('shows an event whose id is not where it belongs, although no hash covers ids', async () => {
    damage('UPDATE events SET event_id = 900 WHERE event_id = 13');
    expect(await placeOf(reader().readSpace(1, 0, wide))).toEqual(['corrupt', 1, 6, 16]);
    expect(await placeOf(reader().readSpace(1, 5, wide))).toEqual(['corrupt', 1, 6, 16]);
  });

  it('refuses in a batch what would follow damage, and nothing else', async () => {
    damage('UPDATE events SET hash = zeroblob(16) WHERE event_id = 34');
    const log = openSqliteLogStore(file, nodePlatform);
    const next = (spaceId: number) => append(spaceId, events, [plainEvent('next')]);
    expect((await log.commit([next(1), next(2)])).map(codeOf)).toEqual(['corrupt', 'appended']);
    await log.close();
  });

  it('takes no append behind a damaged end, and goes on with other spaces in the same batch', async () => {
    damage('UPDATE events SET hash = zeroblob(16) WHERE event_id = 34');
    expect(await placeOf(reader().spaceHead(1))).toEqual(['corrupt', 1, 12, 34]);
    const store = await EventStore.open({
      log: openSqliteLogStore(file, nodePlatform),
      platform: nodePlatform,
    });
    const event = { entityId: 'e0', type: 'noted', payload: null };
    const [damaged, healthy] = await Promise.allSettled([store.append(1, event), store.append(2, event)]);
    expect([damaged.status, healthy.status]).toEqual(['rejected', 'fulfilled']);
    expect(
      await placeOf(Promise.resolve().then(() => Promise.reject((damaged as PromiseRejectedResult).reason))),
    ).toEqual(['corrupt', 1, 12, 34]);
    await store.close();
  });

  it('with events of more bytes than a page has shows damage, too', async () => {
    damage("UPDATE events SET payload = x'c1' WHERE event_id = 13");
    const small = { limit: 1_000, bytesMax: 1_000 };
    expect(
      await placeOf(readAllPages((after) => reader().readSpace(1, after, small), 'spaceSequence')),
    ).toEqual(['corrupt', 1, 5, 13]);
    expect(await placeOf(readAllPages((after) => reader().readAll(after, small), 'eventId'))).toEqual([
      'corrupt',
      1,
      5,
      13,
    ]);
  });

  it('is not seen in a space that is deleted while the others are read', async () => {
    const log = openSqliteLogStore(file, nodePlatform);
    const other = reader();
    expect(await other.readAll(0, { limit: 10, bytesMax: 1_000_000 })).toHaveLength(10);
    await log.commit([{ kind: 'markSpaceDeleted', spaceId: 1 }]);
    await log.purgeSpace(1, 5);
    expect((await other.readAll(10, wide)).every(({ spaceId }) => spaceId !== 1)).toBe(true);
    await log.close();
    rmSync(join(directory.path, 'lookups.db'), { force: true });
  });
});

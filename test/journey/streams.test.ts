/** Streams by query, place, time and direction on real threads: what a plain filter over all events says, for each storage. */

import type { EventQuery, Ramax, RecordedEvent, SpaceHandle, StreamOptions } from 'ramax';
import { memory } from 'ramax/storage/memory';
import { sqlite } from 'ramax/storage/sqlite';
import { afterEach, describe, expect, it } from 'vitest';
import type { ItemsApp } from '../fixtures/items.app.mjs';
import { all, codeOf, errorOf, RuntimeBed, range } from './runtime-bed.js';

const bed = new RuntimeBed();
afterEach(() => bed.clear());

const keyOf = async (): Promise<Uint8Array> => new Uint8Array(32).fill(7);

const storages = [
  ['sqlite', async () => sqlite({ directory: await bed.directory() }), {}],
  ['memory', async () => memory(), {}],
  [
    'sqlite, encrypted',
    async () => sqlite({ directory: await bed.directory() }),
    { encryption: { keyId: 'k' } },
  ],
] as const;

const written = 60;

/** Every third is about another seat, every fourth is a release, and the even ones are of a guest. */
async function write(space: SpaceHandle<ItemsApp>): Promise<void> {
  for (const n of range(written)) {
    const tags = [`show:${n % 5}`, ...(n % 2 === 0 ? ['guest'] : [])];
    const type = n % 4 === 0 ? 'seat.freed' : 'seat.taken';
    await space.execute('event', { entityId: `seat:${n % 3}`, type, tags, payload: { n } });
  }
}

const queries: readonly EventQuery[] = [
  { types: ['seat.freed'] },
  { tags: ['show:1', 'guest'] },
  { entityId: 'seat:2' },
  { types: ['seat.taken'], tags: ['guest'], entityId: 'seat:1' },
  [{ types: ['seat.freed'] }, { tags: ['show:3'] }],
  { types: ['never'] },
];

function isMeant(query: EventQuery, event: RecordedEvent): boolean {
  return [query].flat().some((item) => {
    const { types, tags = [], entityId } = item as Exclude<EventQuery, readonly unknown[]>;
    return (
      (types === undefined || types.includes(event.type)) &&
      tags.every((tag) => event.tags.includes(tag)) &&
      (entityId === undefined || entityId === event.entityId)
    );
  });
}

type Position = 'spaceSequence' | 'eventId';

/** What a stream should give, said by a plain filter. */
function plainly(
  events: readonly RecordedEvent[],
  position: Position,
  options: StreamOptions,
): readonly RecordedEvent[] {
  const { from = 0, to = Number.MAX_SAFE_INTEGER, since = 0, until = Number.MAX_SAFE_INTEGER } = options;
  const { query, direction, limit } = options;
  const wanted = events.filter(
    (event) =>
      event[position] > from &&
      event[position] <= to &&
      event.timestamp >= since &&
      event.timestamp <= until &&
      (query === undefined || isMeant(query as EventQuery, event)),
  );
  return (direction === 'backwards' ? wanted.reverse() : wanted).slice(0, limit);
}

/** All kinds of options over events that have these positions and times. */
function optionsOver(events: readonly RecordedEvent[], position: Position): readonly StreamOptions[] {
  const at = (index: number): RecordedEvent => events[index] as RecordedEvent;
  const places: readonly StreamOptions[] = [
    {},
    { limit: 7 },
    { from: at(9)[position], to: at(39)[position] },
    { since: at(20).timestamp, until: at(44).timestamp },
    { from: at(30)[position], since: at(10).timestamp, limit: 5 },
    { to: 0 },
  ];
  return places.flatMap((place) =>
    (['forwards', 'backwards'] as const).flatMap((direction) =>
      [undefined, ...queries].map((query) => ({
        ...place,
        direction,
        ...(query === undefined ? {} : { query }),
      })),
    ),
  );
}

describe.each(storages)('streams on %s', (_name, storageOf, spaceOptions) => {
  let ramax: Ramax<ItemsApp>;

  async function started(): Promise<SpaceHandle<ItemsApp>> {
    // Pages and scans so small that nearly every stream is of several, some of them without a match.
    const limits = { readEventsMax: 4, scanEventsMax: 5 };
    ramax = await bed.start({ storage: await storageOf(), encryption: { keyOf }, limits });
    const space = await ramax.spaces.getOrCreate('hall', spaceOptions);
    await write(space);
    return space;
  }

  it('give what a plain filter gives, in order or the other way round', async () => {
    const hall = await started();
    const other = await ramax.spaces.getOrCreate('other');
    await write(other);
    const ofHall = await all(hall.streamEvents());
    expect(ofHall).toHaveLength(written);
    for (const options of optionsOver(ofHall, 'spaceSequence')) {
      const said = JSON.stringify(options);
      expect(await all(hall.streamEvents(options)), said).toEqual(plainly(ofHall, 'spaceSequence', options));
      const ofSeat = ofHall.filter(({ entityId }) => entityId === 'seat:2');
      expect(await all(hall.streamEntityEvents('seat:2', options)), said).toEqual(
        plainly(ofSeat, 'spaceSequence', options),
      );
    }
    const ofAll = await all(ramax.streamAllEvents());
    expect(ofAll).toHaveLength(2 * written);
    for (const options of optionsOver(ofAll, 'eventId')) {
      expect(await all(ramax.streamAllEvents(options)), JSON.stringify(options)).toEqual(
        plainly(ofAll, 'eventId', options),
      );
    }
  });

  it('go on page by page, backwards with `to`, and see what is appended only forwards', async () => {
    const hall = await started();
    const pages: number[][] = [];
    for (let to: number | undefined; to !== 0; ) {
      const page = await all(hall.streamEvents({ direction: 'backwards', limit: 25, to }));
      pages.push(page.map(({ spaceSequence }) => spaceSequence));
      to = (page.at(-1)?.spaceSequence ?? 1) - 1;
    }
    expect(pages.flat()).toEqual(range(written).reverse());
    expect(pages.map(({ length }) => length)).toEqual([25, 25, 10]);
    const backwards = hall.streamEvents({ direction: 'backwards' });
    const forwards = hall.streamEvents({ query: { tags: ['late'] } });
    const newest = await backwards.next();
    expect(newest.value?.spaceSequence).toBe(written);
    await hall.execute('event', { entityId: 'seat:1', type: 'seat.taken', tags: ['late'] });
    expect((await all(backwards)).map(({ spaceSequence }) => spaceSequence)).toEqual(
      range(written - 1).reverse(),
    );
    expect(await all(forwards)).toHaveLength(1);
  });

  it('refuse what is no selection, by the name of the field, and end when they are told to', async () => {
    const hall = await started();
    const wrong: readonly (readonly [options: unknown, field: string])[] = [
      [{ to: -1 }, 'to'],
      [{ since: 1.5 }, 'since'],
      [{ until: '5' }, 'until'],
      [{ limit: 0 }, 'limit'],
      [{ direction: 'down' }, 'direction'],
      [{ query: [] }, 'query'],
      [{ query: 'seat.taken' }, 'query'],
      [{ query: { types: [] } }, 'query.types'],
      [{ query: [{}, { tags: ['a', 7] }] }, 'query[1].tags[1]'],
      [{ query: { entityId: '' } }, 'query.entityId'],
      [{ query: { type: ['seat.taken'] } }, 'query.type'],
      [{ form: 1 }, 'options.form'],
    ];
    const streams = [
      (options: never) => hall.streamEvents(options),
      (options: never) => hall.streamEntityEvents('seat:1', options),
      (options: never) => ramax.streamAllEvents(options),
    ];
    for (const [options, field] of wrong) {
      for (const stream of streams) {
        const error = await errorOf((async () => stream(options as never))());
        expect(error).toMatchObject({ code: 'invalid_input', details: { field } });
      }
    }
    const abort = new AbortController();
    const stream = hall.streamEvents({ query: { tags: ['guest'] }, signal: abort.signal });
    await stream.next();
    abort.abort();
    expect(await codeOf(all(stream))).toBe('aborted');
    await ramax.spaces.delete('hall');
    expect(await codeOf(all(hall.streamEvents({ direction: 'backwards' })))).toBe('not_found');
    expect(await all(ramax.streamAllEvents({ direction: 'backwards', query: { tags: ['guest'] } }))).toEqual(
      [],
    );
  });
});

/** Conditional commands on real threads: refused when an event that the caller has not seen matches, whoever else writes and whatever dies. */

import { join } from 'node:path';
import type { Ramax, RecordedEvent, SpaceHandle } from 'ramax';
import { memory } from 'ramax/storage/memory';
import { sqlite } from 'ramax/storage/sqlite';
import { afterEach, describe, expect, it } from 'vitest';
import type { FaultApp } from '../fixtures/fault.app.mjs';
import { all, errorOf, fixture, RuntimeBed, range } from './runtime-bed.js';

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

const seats = 20;
const clients = ['ann', 'bob'];
const tries = 100;

interface Try {
  readonly seat: number;
  readonly after: number;
  /** The sequence of the event, or the one that forbade it. */
  readonly outcome: { readonly accepted: number } | { readonly refusedBy: number };
}

const taken = (seat: number, guest: string) => ({
  entityId: `seat:${seat}`,
  type: 'seat.taken',
  tags: [`seat:${seat}`, guest],
  payload: guest,
});

/** Takes a seat unless somebody has it. */
async function tryTo(
  space: SpaceHandle<FaultApp>,
  seat: number,
  guest: string,
  after: number,
  n: number,
): Promise<Try> {
  const failIfEventsMatch = { query: { types: ['seat.taken'], tags: [`seat:${seat}`] }, after };
  const options = { failIfEventsMatch, commandId: `${guest}-${n}`, overload: 'wait' } as const;
  try {
    const { spaceSequence } = await space.execute('event', taken(seat, guest), options);
    return { seat, after, outcome: { accepted: spaceSequence } };
  } catch (error) {
    expect(error).toMatchObject({ code: 'conflict', details: { after } });
    return {
      seat,
      after,
      outcome: { refusedBy: Number((error as { details: object }).details['matchingSequence' as never]) },
    };
  }
}

/** Every answer is what the log says: an event that matches and was not seen by the caller forbids, and nothing else does. */
function check(log: readonly RecordedEvent[], answers: readonly Try[]): void {
  for (const { seat, after, outcome } of answers) {
    const first = (upTo: number): number | undefined =>
      log.find(
        ({ spaceSequence, tags }) =>
          spaceSequence > after && spaceSequence < upTo && tags.includes(`seat:${seat}`),
      )?.spaceSequence;
    if ('accepted' in outcome) expect(first(outcome.accepted)).toBeUndefined();
    else expect(outcome.refusedBy).toBe(first(Number.MAX_SAFE_INTEGER));
  }
}

describe.each(storages)('conditional commands on %s', (_name, storageOf, spaceOptions) => {
  let ramax: Ramax<FaultApp>;

  async function started(): Promise<SpaceHandle<FaultApp>> {
    const app = fixture('fault.app.mjs');
    ramax = await bed.start<FaultApp>({ app, storage: await storageOf(), encryption: { keyOf } });
    return ramax.spaces.getOrCreate('hall', spaceOptions);
  }

  it('let one of those in who want the same, of two clients that race', async () => {
    await started();
    const answers = await Promise.all(
      clients.map(async (guest) => {
        const hall = (await ramax.spaces.findByName('hall')) as SpaceHandle<FaultApp>;
        return Promise.all(range(tries).map((n) => tryTo(hall, n % seats, guest, 0, n)));
      }),
    );
    const hall = (await ramax.spaces.findByName('hall')) as SpaceHandle<FaultApp>;
    const log = await all(hall.streamEvents());
    expect(log.map(({ entityId }) => entityId).sort()).toEqual(
      range(seats, 0)
        .map((n) => `seat:${n}`)
        .sort(),
    );
    check(log, answers.flat());
  });

  it('count only what comes behind `after`, through a restart of the shard', async () => {
    const hall = await started();
    const answers: Try[] = [];
    let known = 0;
    const racing = clients.map(async (guest) => {
      for (const n of range(tries)) {
        // What the caller has seen is now and then old.
        const answer = await tryTo(hall, n % seats, guest, Math.max(0, known - (n % 7)), n);
        answers.push(answer);
        const { outcome } = answer;
        known = Math.max(known, 'accepted' in outcome ? outcome.accepted : outcome.refusedBy);
      }
    });
    const marker = join(await bed.directory(), 'exited');
    await hall.execute('exitOnce', { marker, n: 1 }, { commandId: 'exit' });
    await Promise.all(racing);
    expect((await ramax.stats()).restarts.shards).toContain(1);
    const log = await all(hall.streamEvents());
    expect(answers).toHaveLength(clients.length * tries);
    const accepted = answers.filter(({ outcome }) => 'accepted' in outcome).length;
    expect(log.filter(({ type }) => type === 'seat.taken')).toHaveLength(accepted);
    check(log, answers);
  });

  it('are answered as before when they are sent again, and refused when they are none', async () => {
    const hall = await started();
    const failIfEventsMatch = { query: { tags: ['seat:1'] } };
    const first = await hall.execute('event', taken(1, 'ann'), { failIfEventsMatch, commandId: 'once' });
    expect(await hall.execute('event', taken(1, 'ann'), { failIfEventsMatch, commandId: 'once' })).toEqual(
      first,
    );
    expect(await errorOf(hall.execute('event', taken(1, 'bob'), { failIfEventsMatch }))).toMatchObject({
      code: 'conflict',
      retryable: false,
      details: { matchingSequence: 1, after: 0 },
    });
    const ahead = { failIfEventsMatch: { query: {}, after: 9 } };
    expect(await errorOf(hall.execute('event', taken(1, 'bob'), ahead))).toMatchObject({
      code: 'conflict',
      details: { after: 9, actualSequence: 1 },
    });
    const wrong: readonly (readonly [condition: unknown, field: string])[] = [
      [null, 'failIfEventsMatch'],
      [{}, 'failIfEventsMatch.query'],
      [{ query: {}, after: -1 }, 'failIfEventsMatch.after'],
      [{ query: [] }, 'failIfEventsMatch.query'],
      [{ query: [{ types: [] }] }, 'failIfEventsMatch.query[0].types'],
      [{ query: { tags: 'seat:1' } }, 'failIfEventsMatch.query.tags'],
      [{ query: {}, since: 1 }, 'failIfEventsMatch.since'],
    ];
    for (const [condition, field] of wrong) {
      const options = { failIfEventsMatch: condition as never };
      expect(await errorOf(hall.execute('event', taken(2, 'bob'), options))).toMatchObject({
        code: 'invalid_input',
        details: { field },
      });
    }
    expect(await hall.latestSequence()).toBe(1);
  });
});

/**
 * Random conditional commands in the one-thread house, through deaths of the writer, of shards and of everything, and the check of what
 * they did: by the final log and the answers alone.
 */

import { defineApp } from '../../src/core/define-app.js';
import { asRamaxError } from '../../src/core/errors.js';
import type { RecordedEvent } from '../../src/core/event.js';
import { House } from '../../src/testing/house.js';

/** What a client asks for; its events carry it, so that the log says under which condition it took them. */
export interface Wish {
  readonly id: string;
  readonly type: string;
  readonly entityId: string;
  readonly tags: readonly string[];
  readonly count: number;
  readonly after: number;
  readonly query: WishQuery | null;
}

type WishQuery = { readonly types?: string[]; readonly tags?: string[]; readonly entityId?: string };

const app = defineApp({
  name: 'wishes',
  commands: {
    wish: (_pstate, wish: Wish) =>
      Array.from({ length: wish.count }, () => ({
        entityId: wish.entityId,
        type: wish.type,
        tags: wish.tags,
        payload: wish,
      })),
  },
  projections: {},
});

/** What a client was told. */
export interface Answered {
  readonly space: number;
  readonly wish: Wish;
  readonly outcome:
    | { readonly accepted: number }
    | { readonly refusedBy: number }
    | { readonly late: 'timeout' | 'outcome_unknown' }
    | { readonly failed: string };
}

/** What has happened: the whole log of each space, and every answer. */
export interface ConditionalHistory {
  readonly logs: readonly (readonly RecordedEvent[])[];
  readonly answered: readonly Answered[];
}

const spaceNames = ['a', 'b'];
const wishesEach = 14;
const types = ['x', 'y'];
const tags = ['red', 'green'];
const entities = ['e', 'f'];

/** Plays the history of a seed. */
export async function playConditionalHistory(seed: number): Promise<ConditionalHistory> {
  const house = new House({ app, seed });
  const { random } = house;
  const limits = { recentEventsMax: random.pick([1, 2, 1_024]) ?? 1, scanEventsMax: 1 + random.below(4) };
  const answered: Answered[] = [];
  const pause = (ms: number): Promise<void> =>
    new Promise((resolve) => house.scheduler.plan(random.fraction() * ms, resolve));
  const pick = (from: readonly string[]): string => from[random.below(from.length)] ?? '';
  const newQuery = (): WishQuery => ({
    ...(random.oneIn(2) ? { types: [pick(types)] } : {}),
    ...(random.oneIn(2) ? { tags: [pick(tags)] } : {}),
    ...(random.oneIn(3) ? { entityId: pick(entities) } : {}),
  });
  const newWish = (known: number): Wish => ({
    id: random.uuid(),
    type: pick(types),
    entityId: pick(entities),
    tags: tags.filter(() => random.oneIn(2)),
    count: 1 + random.below(2),
    after: Math.max(0, known - random.below(5)),
    query: random.oneIn(5) ? null : newQuery(),
  });
  const logs: RecordedEvent[][] = [];
  for (let life = 0; life < 3; life++) {
    const living = { is: true };
    const ramax = await house.start({ shards: 2, limits });
    const spaces = await house.run(Promise.all(spaceNames.map((name) => ramax.spaces.getOrCreate(name))));
    const known = await house.run(Promise.all(spaces.map((space) => space.latestSequence())));
    const client = async (space: number): Promise<void> => {
      const all: Promise<void>[] = [];
      for (let n = 0; n < wishesEach; n++) {
        await pause(12);
        if (!living.is) return;
        const wish = newWish(known[space] ?? 0);
        const { query, after } = wish;
        const options = {
          commandId: wish.id,
          // Whose time is over is not decided again, and those behind it are decided without it.
          timeoutMs: random.oneIn(3) ? 1 + random.below(60) : 600_000,
          ...(query === null ? {} : { failIfEventsMatch: { query, after } }),
        };
        const handle = spaces[space];
        if (handle === undefined) return;
        const calls = [handle.execute('wish', wish, options)];
        if (random.oneIn(6)) calls.push(handle.execute('wish', wish, options));
        const told = calls.map(async (call) => {
          const outcome = await outcomeOf(call);
          if (!living.is) return;
          answered.push({ space, wish, outcome });
          if ('accepted' in outcome) known[space] = Math.max(known[space] ?? 0, outcome.accepted);
        });
        all.push(...told);
        // Some send the next one before they are answered.
        if (random.oneIn(2)) await Promise.all(told);
      }
      await Promise.all(all);
    };
    const clients = Promise.all([client(0), client(0), client(0), client(1)]);
    clients.catch(() => {});
    const trouble = (async () => {
      for (let times = 0; times < 3; times++) {
        await pause(80);
        if (!living.is) return;
        // The same call on a shard that dies three times would be refused as its killer.
        if (times === 2 || random.oneIn(2)) house.killWriter();
        else house.killShard(random.below(2));
      }
    })();
    if (life < 2) {
      await house.run(Promise.race([Promise.all([clients, trouble]), pause(300)]));
      living.is = false;
      house.killAll();
      continue;
    }
    await house.run(Promise.all([clients, trouble]));
    for (const space of spaces) {
      const log: RecordedEvent[] = [];
      await house.run(
        (async () => {
          for await (const event of space.streamEvents()) log.push(event);
        })(),
      );
      logs.push(log);
    }
    await house.run(ramax.close());
  }
  return { logs, answered };
}

async function outcomeOf(call: Promise<{ readonly spaceSequence: number }>): Promise<Answered['outcome']> {
  try {
    return { accepted: (await call).spaceSequence };
  } catch (thrown) {
    const error = asRamaxError(thrown, 'storage', 'failed');
    const { matchingSequence } = error.details;
    if (error.code === 'timeout' || error.code === 'outcome_unknown') return { late: error.code };
    return typeof matchingSequence === 'number' ? { refusedBy: matchingSequence } : { failed: String(error) };
  }
}

/** What is wrong with a history, in words; nothing when all is well. */
export function brokenConditions({ logs, answered }: ConditionalHistory): readonly string[] {
  const broken: string[] = [];
  for (const log of logs) {
    for (const event of log) {
      const wish = event.payload as unknown as Wish;
      const own = log.find(({ payload }) => (payload as unknown as Wish).id === wish.id)?.spaceSequence ?? 0;
      const match = firstMatch(log, wish, own);
      if (match !== undefined) broken.push(`event ${event.spaceSequence} is there in spite of ${match}`);
    }
  }
  for (const { space, wish, outcome } of answered) {
    const log = logs[space] ?? [];
    const events = log.filter(({ payload }) => (payload as unknown as Wish).id === wish.id);
    const last = events.at(-1)?.spaceSequence;
    if ('late' in outcome) continue;
    if ('failed' in outcome) broken.push(`a wish has failed: ${outcome.failed}`);
    else if ('accepted' in outcome) {
      if (events.length !== wish.count || last !== outcome.accepted)
        broken.push(`accepted at ${outcome.accepted}, but its events end at ${last}`);
    } else if (events.length > 0) broken.push(`refused by ${outcome.refusedBy}, but it is in the log`);
    else if (firstMatch(log, wish, Number.POSITIVE_INFINITY) !== outcome.refusedBy)
      broken.push(`refused by ${outcome.refusedBy}, which is not the first that matches`);
  }
  return broken;
}

/** The first event of the log behind what the client had seen, and before `upTo`, that it did not want. */
function firstMatch(log: readonly RecordedEvent[], { query, after }: Wish, upTo: number): number | undefined {
  if (query === null) return undefined;
  return log.find(
    ({ spaceSequence, type, entityId, tags: has }) =>
      spaceSequence > after &&
      spaceSequence < upTo &&
      (query.types === undefined || query.types.includes(type)) &&
      (query.entityId === undefined || query.entityId === entityId) &&
      (query.tags ?? []).every((tag) => has.includes(tag)),
  )?.spaceSequence;
}

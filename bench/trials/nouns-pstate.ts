/** The rows about the PState: reads and writes of many keys, references, migrations, and gets in a loop. */

import { type OpenStorage, PState, type PStateOptions, ref, type Schema } from 'ramax';
import { deckSchema, renamedSchema } from '../nouns.app.js';
import type { Sizes } from '../sizes.js';
import type { Figures } from '../trial-spec.js';
import { XorShift } from '../xor-shift.js';
import { timedCalls } from './timed-calls.js';

const manyKeys = 100;
const warmKeys = 1_000;

/** Spaces of these numbers are nobody else's here: a store needs no row for them. */
let nextSpaceId = 1_000_001;

export async function measurePState(storage: OpenStorage, sizes: Sizes): Promise<Figures> {
  const { nounCalls: calls, nounKeys: keys, nounGets } = sizes;
  const plain = newPlace(storage);
  fill(new PState(plain), keys, (n) => [`note:${n}`, { id: `n${n}`, text: `the text of note ${n}` }]);
  const random = new XorShift(1);
  // A state that knows nothing yet: what it is asked for comes from the file.
  const cold = new PState(plain);
  const someKeys = () => Array.from({ length: manyKeys }, () => `note:${random.below(keys)}`);
  return {
    getManyMs: await timedCalls(calls, () => cold.getMany(someKeys())),
    putManyMs: await timedCalls(calls, (n) => putMany(cold, n)),
    preloadMs: await preload(storage, calls),
    ...(await migratedReads(storage, calls)),
    warmGetPerSecond: warmGet(plain, nounGets),
    coldGetPerSecond: coldGet(plain, keys, random),
  };
}

type Place = Pick<PStateOptions, 'spaceId' | 'view' | 'store'>;

function newPlace(storage: OpenStorage): Place {
  const spaceId = nextSpaceId++;
  return { spaceId, view: { name: 'main', version: 1 }, store: storage.pstates(spaceId) };
}

function fill(pstate: PState, count: number, entry: (n: number) => readonly [string, unknown]): void {
  pstate.putMany(Array.from({ length: count }, (_, n) => entry(n)));
  pstate.flush();
}

/** With the flush: what was put is in the file. */
function putMany(pstate: PState, round: number): void {
  const entry = (n: number) => [`note:${n * 7}`, { id: `n${n}`, text: `round ${round}` }] as const;
  pstate.putMany(Array.from({ length: manyKeys }, (_, n) => entry(n)));
  pstate.flush();
}

/** One deck with 100 cards for each call, each deck touched for the first time. */
function preload(storage: OpenStorage, calls: number): Promise<number> {
  const place = newPlace(storage);
  const writer = new PState(place);
  for (let deck = 0; deck < calls; deck++) {
    const ids = Array.from({ length: manyKeys }, (_, n) => `${deck}-${n}`);
    const cards = Object.fromEntries(ids.map((id) => [id, ref(`card:${id}`)]));
    writer.put(`deck:${deck}`, { name: `Deck ${deck}`, cards });
    for (const id of ids) writer.put(`card:${id}`, { front: id, deck: ref(`deck:${deck}`) });
  }
  writer.flush();
  const reader = withSchema(place, deckSchema);
  return timedCalls(calls, (deck) => {
    const loaded = reader.preload(`deck:${deck}`, ['cards']);
    if (loaded !== manyKeys + 1) throw new Error(`${loaded} values were loaded`);
  });
}

async function migratedReads(storage: OpenStorage, calls: number): Promise<Figures> {
  const place = newPlace(storage);
  fill(new PState(place), calls, (n) => [`card:${n}`, { text: `front ${n}` }]);
  const reader = withSchema(place, renamedSchema);
  const read = (n: number): void => {
    const card = reader.get<{ readonly front: string }>(`card:${n}`);
    if (card?.front !== `front ${n}`) throw new Error(`card ${n} was not migrated`);
  };
  const firstMigratedReadMs = await timedCalls(calls, read);
  const secondMigratedReadMs = await timedCalls(calls, read);
  return { firstMigratedReadMs, secondMigratedReadMs };
}

function withSchema(place: Place, schema: Schema): PState {
  return new PState({ ...place, schema });
}

/** Gets of a few keys that are in memory, over and over. */
function warmGet(place: Place, times: number): number {
  const pstate = new PState(place);
  const names = Array.from({ length: warmKeys }, (_, n) => `note:${n}`);
  const gets = (count: number): number => {
    let found = 0;
    for (let n = 0; n < count; n++) if (pstate.get(names[n % warmKeys] ?? '') !== undefined) found++;
    return found;
  };
  gets(warmKeys * 100);
  return perSecond(times, () => gets(times));
}

/** Each key of a state that knows nothing yet, once, in random order: every get reads the file. */
function coldGet(place: Place, keys: number, random: XorShift): number {
  const names = Array.from({ length: keys }, (_, n) => `note:${n}`);
  for (let n = names.length - 1; n > 0; n--) {
    const other = random.below(n + 1);
    [names[n], names[other]] = [names[other] ?? '', names[n] ?? ''];
  }
  const gets = (pstate: PState): number => names.filter((name) => pstate.get(name) !== undefined).length;
  gets(new PState(place));
  const pstate = new PState(place);
  return perSecond(keys, () => gets(pstate));
}

function perSecond(expected: number, work: () => number): number {
  const startedMs = performance.now();
  const found = work();
  const elapsedMs = performance.now() - startedMs;
  if (found !== expected) throw new Error(`${found} of ${expected} values were found`);
  return (found / elapsedMs) * 1_000;
}

/**
 * The targets of the seed, on the nouns alone: one thread, SQLite, each call by itself. Milliseconds are the 99th
 * percentile of many calls, and the median of the few rebuilds.
 */

import { ContentStore, EventStore, nodePlatform, type OpenStorage, openStorage, SpaceRegistry } from 'ramax';
import { sqlite } from 'ramax/storage/sqlite';
import notes from '../nouns.app.js';
import { spreadOf } from '../spread.js';
import type { Figures, TrialSpec } from '../trial-spec.js';
import type { Finding } from './finding.js';
import { measurePState } from './nouns-pstate.js';
import { timedCalls } from './timed-calls.js';

const rebuilds = 5;

export async function measureNouns({ directory, sizes }: TrialSpec): Promise<Finding> {
  await using storage = await openStorage(sqlite({ directory }));
  const calls = sizes.nounCalls;
  const registry = new SpaceRegistry({ log: storage.log, clock: nodePlatform.clock });
  const store = await EventStore.open({ log: storage.log, platform: nodePlatform });
  const createSpaceMs = await timedCalls(calls, (n) => registry.getOrCreate(`space-${n}`));
  const findByNameMs = await timedCalls(calls, (n) => registry.findByName(`space-${n}`));
  const { spaceId } = await registry.getOrCreate('appends');
  const appendMs = await timedCalls(calls, (n) => store.append(spaceId, noteOf(n)));
  const rebuild1kMs = await rebuildMs(storage, registry, store, 1_000);
  const rebuild10kMs = await rebuildMs(storage, registry, store, 10_000);
  const figures: Figures = {
    createSpaceMs,
    findByNameMs,
    appendMs,
    rebuild1kMs,
    rebuild10kMs,
    ...(await measurePState(storage, sizes)),
  };
  return { figures };
}

function noteOf(n: number) {
  const id = `n${n % 500}`;
  return { entityId: `note:${id}`, type: 'note.put', payload: { id, text: `the text of note ${n}` } };
}

async function rebuildMs(
  storage: OpenStorage,
  registry: SpaceRegistry,
  store: EventStore,
  events: number,
): Promise<number> {
  const space = await registry.getOrCreate(`rebuild-${events}`);
  for (let n = 0; n < events; n += 1_000) {
    await store.append(
      space.spaceId,
      Array.from({ length: 1_000 }, (_, index) => noteOf(n + index)),
    );
  }
  const pstates = storage.pstates(space.spaceId);
  const options = { space, app: notes, log: storage.log, pstates, platform: nodePlatform };
  const content = await ContentStore.open(options);
  const times: number[] = [];
  for (let count = 0; count < rebuilds; count++) {
    const startedMs = performance.now();
    const { eventsApplied } = await content.rebuildPState();
    times.push(performance.now() - startedMs);
    if (eventsApplied !== events) throw new Error(`a rebuild applied ${eventsApplied} of ${events} events`);
  }
  await content.close();
  return spreadOf(times).median;
}

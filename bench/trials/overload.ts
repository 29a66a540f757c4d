/**
 * Ten times what the runtime can take, offered whether it is answered or not: what it accepts, how quiet spaces fare meanwhile, and
 * whether memory stays flat. The load is offered, and refused, in the client's own thread: where that cannot keep up less is
 * offered, and a figure says how much.
 */

import { join } from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { RamaxError, type SpaceHandle } from 'ramax';
import { runClosedLoop } from '../closed-loop.js';
import { quarterMedian } from '../spread.js';
import { countEvents } from '../subjects/event-table.js';
import { type Contacts, spaceNameOf, startRamax } from '../subjects/ramax.js';
import type { TrialSpec } from '../trial-spec.js';
import { checkCount } from './commands.js';
import { contact, sendAll } from './fairness.js';
import type { Finding } from './finding.js';

const factor = 10;
const loudSpaces = 100;
const quietSpaces = 8;
/** Offered in one turn of the event loop at most: answers have to come through, too. */
const callsPerTurnMax = 1_000;
const samplePauseMs = 20;

export async function measureOverload(spec: TrialSpec): Promise<Finding> {
  const ramax = await startRamax(spec);
  try {
    const names = Array.from({ length: loudSpaces + quietSpaces }, (_, index) => spaceNameOf(index));
    const spaces = await Promise.all(names.map((name) => ramax.spaces.getOrCreate(name)));
    await Promise.all(spaces.map((space) => space.execute('addContact', contact)));
    const load = new OpenLoad(spaces.slice(0, loudSpaces));
    const sustained = await runClosedLoop(() => load.call(), { ...spec, inFlight: 1_024 });
    const stop = load.offer((sustained.meter.figures.perSecond ?? 0) * factor);
    const quiet = await sendAll(spaces.slice(loudSpaces), spec.measured);
    const { offered, accepted, elapsedMs, resident } = await stop();
    await ramax.close();
    const events = spaces.length + sustained.answered + accepted + quiet.answered;
    checkCount(countEvents(join(spec.directory, 'ramax.db')), events);
    return {
      figures: {
        ...quiet.meter.figures,
        perSecond: (accepted * 1_000) / elapsedMs,
        offeredPerSecond: (offered * 1_000) / elapsedMs,
        secondQuarterBytes: quarterMedian(resident, 1),
        lastQuarterBytes: quarterMedian(resident, 3),
      },
      latencies: quiet.meter.encodedLatencies,
    };
  } catch (error) {
    await ramax.close();
    throw error;
  }
}

/** What came of an open load. */
interface Offered {
  readonly offered: number;
  readonly accepted: number;
  readonly elapsedMs: number;
  /** Resident sizes of the process, from beginning to end. */
  readonly resident: readonly number[];
}

/** Commands to spaces in turn. */
class OpenLoad {
  readonly #spaces: readonly SpaceHandle<Contacts>[];
  #calls = 0;
  #accepted = 0;
  #unanswered = 0;

  constructor(spaces: readonly SpaceHandle<Contacts>[]) {
    this.#spaces = spaces;
  }

  call(): Promise<unknown> {
    const space = this.#spaces[this.#calls++ % this.#spaces.length];
    if (space === undefined) throw new Error('there are spaces');
    return space.execute('updateContact', contact);
  }

  /** Offers so many a second from now on, until the function that this gives is called. */
  offer(perSecond: number): () => Promise<Offered> {
    const startedMs = performance.now();
    const resident: number[] = [];
    let isOver = false;
    let offered = 0;
    const loop = (async () => {
      for (let skipped = 0; !isOver; ) {
        const elapsedMs = performance.now() - startedMs;
        const due = Math.floor((elapsedMs * perSecond) / 1_000) - offered - skipped;
        const now = Math.min(due, callsPerTurnMax);
        // What the thread could not offer in time is not made up for.
        skipped += due - now;
        offered += now;
        for (let n = 0; n < now; n++) this.#send();
        if (elapsedMs > resident.length * samplePauseMs) resident.push(process.memoryUsage.rss());
        await nextTurn();
      }
      while (this.#unanswered > 0) await nextTurn();
      const elapsedMs = performance.now() - startedMs;
      return { offered, accepted: this.#accepted, elapsedMs, resident };
    })();
    loop.catch(() => {});
    return () => {
      isOver = true;
      return loop;
    };
  }

  #send(): void {
    this.#unanswered++;
    this.call().then(
      () => {
        this.#unanswered--;
        this.#accepted++;
      },
      (error: unknown) => {
        this.#unanswered--;
        if (!(error instanceof RamaxError && error.code === 'overloaded')) throw error;
      },
    );
  }
}

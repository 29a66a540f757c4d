/**
 * How quiet spaces fare beside a loud one: each quiet space sends one command after the other at a fixed rate, and its latency
 * counts from when the command was due, so that a client that is held up hides nothing. Beside them, one space floods the runtime
 * with as much as it may have in flight, or runs commands that take 5 ms of CPU each, eight at a time.
 */

import { setTimeout as sleep } from 'node:timers/promises';
import type { SpaceHandle } from 'ramax';
import type { FairnessConfiguration } from '../configuration.js';
import { Meter } from '../meter.js';
import { type Contacts, spaceNameOf, startRamax } from '../subjects/ramax.js';
import type { Bound, TrialSpec } from '../trial-spec.js';
import type { Finding } from './finding.js';

const quietSpaces = 8;
/** So that all quiet spaces together send 200 commands a second: nothing that a runtime would notice. */
const periodMs = 40;
/** The bound of a space in flight (`spaceInFlightMax`). */
const floodInFlight = 4_096;
const slowInFlight = 8;
const slowMs = 5;
const shards = 2;

export const contact = { id: 'c1', name: 'Grace Hopper', email: 'c1@acme.example' };

export async function measureFairness(spec: TrialSpec, { beside }: FairnessConfiguration): Promise<Finding> {
  const ramax = await startRamax({ ...spec, shards });
  const loud = new Loud();
  try {
    // Spaces go to the shards in turn: the quiet ones and one of the loud to one of them, the other loud one to the other.
    const names = Array.from({ length: (quietSpaces + 1) * shards }, (_, index) => spaceNameOf(index));
    const spaces = await Promise.all(names.map((name) => ramax.spaces.getOrCreate(name)));
    await Promise.all(spaces.map((space) => space.execute('addContact', contact)));
    const [loudHere, ...quiet] = spaces.filter(({ spaceId }) => spaceId % shards === 0);
    const loudElsewhere = spaces.find(({ spaceId }) => spaceId % shards !== 0);
    if (loudHere === undefined || loudElsewhere === undefined) throw new Error('there are loud spaces');
    const space = beside === 'a flood on the other shard' ? loudElsewhere : loudHere;
    if (beside === 'slow commands') {
      loud.start(slowInFlight, () => space.execute('takeLong', slowMs));
    } else if (beside !== 'nobody') {
      loud.start(floodInFlight, () => space.execute('updateContact', contact, { overload: 'wait' }));
    }
    await sendAll(quiet, spec.warmUp);
    const { meter } = await sendAll(quiet, spec.measured);
    return { figures: meter.figures, latencies: meter.encodedLatencies };
  } finally {
    await loud.stop();
    await ramax.close();
  }
}

/** A number of calls that are always under way. */
class Loud {
  #isLoud = true;
  #callers: Promise<unknown> = Promise.resolve();

  start(inFlight: number, ask: () => Promise<unknown>): void {
    const call = async (): Promise<void> => {
      while (this.#isLoud) await ask();
    };
    this.#callers = Promise.all(Array.from({ length: inFlight }, call));
    this.#callers.catch(() => {});
  }

  async stop(): Promise<void> {
    this.#isLoud = false;
    await this.#callers;
  }
}

/** Lets each quiet space send until the bound is reached. */
export async function sendAll(
  quiet: readonly SpaceHandle<Contacts>[],
  bound: Bound,
): Promise<{ readonly meter: Meter; readonly answered: number }> {
  const meter = new Meter(bound);
  let isOver = false;
  let answered = 0;
  void meter.ended.then(() => {
    isOver = true;
  });
  const startedMs = performance.now();
  const send = async (space: SpaceHandle<Contacts>, place: number): Promise<void> => {
    let dueMs = startedMs + (place * periodMs) / quiet.length;
    for (; !isOver; dueMs = Math.max(dueMs + periodMs, performance.now())) {
      await sleep(Math.max(0, dueMs - performance.now()));
      await space.execute('updateContact', contact);
      answered++;
      meter.recordAnswer(dueMs);
    }
  };
  await Promise.all(quiet.map(send));
  return { meter, answered };
}

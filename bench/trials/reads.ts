/**
 * W3: reads of warm state. Ramax answers from another thread, so many are kept in flight; the yardstick is a prepared get
 * in the caller's own thread, decoded, of a table in the page cache.
 */

import { runClosedLoop } from '../closed-loop.js';
import type { ReadConfiguration } from '../configuration.js';
import { contactIdOf } from '../contact-load.js';
import { Meter } from '../meter.js';
import { byHandFile } from '../subjects/by-hand.js';
import { EventTable } from '../subjects/event-table.js';
import { RamaxSubject } from '../subjects/ramax.js';
import { StateTable } from '../subjects/state-table.js';
import type { Bound, TrialSpec } from '../trial-spec.js';
import { type Workload, workloadOf } from '../workloads.js';
import { XorShift } from '../xor-shift.js';
import type { Finding } from './finding.js';

export async function measureReads(spec: TrialSpec, asked: ReadConfiguration): Promise<Finding> {
  const workload = workloadOf('w1', spec.sizes);
  if (asked.subject === 'prepared get') return measureGets(spec, workload);
  const { directory, shards } = spec;
  const subject = await RamaxSubject.start({ directory, shards, spaces: workload.spaces, withIds: false });
  try {
    const ask =
      asked.subject === 'fetch' ? fetches(subject, workload, spec) : queries(subject, workload, spec);
    await warm(subject, workload);
    const { meter } = await runClosedLoop(ask, { ...spec, inFlight: asked.inFlight });
    return { figures: meter.figures, latencies: meter.encodedLatencies };
  } finally {
    await subject.close();
  }
}

/** Every contact once: what is measured are reads of memory. */
async function warm(subject: RamaxSubject, workload: Workload): Promise<void> {
  const keys = contactIds(workload).map((id) => `contact:${id}`);
  for (const handle of subject.handles) await Promise.all(keys.map((key) => handle.fetch(key)));
}

function fetches(subject: RamaxSubject, workload: Workload, { seed }: TrialSpec): () => Promise<unknown> {
  const random = new XorShift(seed);
  const keys = contactIds(workload).map((id) => `contact:${id}`);
  return () => subject.handle(random.below(workload.spaces)).fetch(keys[random.below(keys.length)] ?? '');
}

function queries(subject: RamaxSubject, workload: Workload, { seed }: TrialSpec): () => Promise<unknown> {
  const random = new XorShift(seed);
  const ids = contactIds(workload);
  return () =>
    subject.handle(random.below(workload.spaces)).query('contact', ids[random.below(ids.length)] ?? '');
}

/** Made before: whoever is asked does not pay for their making. */
function contactIds({ contactsPerSpace }: Workload): readonly string[] {
  return Array.from({ length: contactsPerSpace }, (_, place) => contactIdOf(place));
}

const getsPerGroup = 1_000;

function measureGets({ directory, seed, warmUp, measured }: TrialSpec, workload: Workload): Finding {
  const table = new EventTable(byHandFile(directory));
  const state = new StateTable(table.connection);
  const random = new XorShift(seed);
  const ids = contactIds(workload);
  let found = 0;
  const phase = (bound: Bound): Meter => {
    const meter = new Meter(bound);
    while (meter.reading === undefined) {
      for (let count = 0; count < getsPerGroup; count++) {
        const value = state.get(random.below(workload.spaces) + 1, ids[random.below(ids.length)] ?? '');
        if (value !== undefined) found++;
      }
      meter.recordGroup(getsPerGroup);
    }
    return meter;
  };
  phase(warmUp);
  const { figures } = phase(measured);
  table.close();
  if (found === 0) throw new Error('there was nothing to read');
  return { figures };
}

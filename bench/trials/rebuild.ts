/** W4: one space is rebuilt, in a log of ten spaces or in one that holds nothing else. */

import type { RebuildConfiguration } from '../configuration.js';
import { byHandFile } from '../subjects/by-hand.js';
import { EventTable } from '../subjects/event-table.js';
import { RamaxSubject } from '../subjects/ramax.js';
import { StateTable } from '../subjects/state-table.js';
import type { TrialSpec } from '../trial-spec.js';
import { workloadOf } from '../workloads.js';
import type { Finding } from './finding.js';
import { repeat } from './repeat.js';

export async function measureRebuild(spec: TrialSpec, asked: RebuildConfiguration): Promise<Finding> {
  const options = { warmUps: 2, timesMin: 3, bound: spec.measured };
  const { spaces } = workloadOf(asked.workload, spec.sizes);
  const expected = asked.history / spaces;
  const checked = (events: number): number => {
    if (events === expected) return events;
    throw new Error(`a rebuild went over ${events} events and not ${expected}`);
  };
  if (asked.subject === 'by hand') {
    const table = new EventTable(byHandFile(spec.directory));
    const state = new StateTable(table.connection);
    const figures = await repeat(() => checked(state.rebuild(1)), options);
    table.close();
    return { figures };
  }
  const { directory, shards } = spec;
  const subject = await RamaxSubject.start({ directory, shards, spaces, withIds: false });
  try {
    const space = subject.handle(0);
    return { figures: await repeat(async () => checked((await space.rebuild()).eventsApplied), options) };
  } finally {
    await subject.close();
  }
}

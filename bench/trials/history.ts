/** Makes a log that trials begin with: through Ramax itself, or in the table of `by hand` with its state beside it. */

import { ContactLoad, historySeed } from '../contact-load.js';
import { byHandFile } from '../subjects/by-hand.js';
import { EventTable } from '../subjects/event-table.js';
import { RamaxSubject } from '../subjects/ramax.js';
import { writeRaw } from '../subjects/raw.js';
import { StateTable } from '../subjects/state-table.js';
import type { HistorySpec } from '../trial-spec.js';
import { workloadOf } from '../workloads.js';
import { checkCount } from './commands.js';

const inFlight = 2_048;

export async function makeHistory(spec: HistorySpec): Promise<void> {
  const { subject, workload, events } = spec.history;
  const shape = workloadOf(workload, spec.sizes);
  const load = new ContactLoad(shape, historySeed);
  if (subject === 'ramax') await makeWithRamax(spec, load, shape.spaces);
  else makeByHand(spec.directory, load, shape.spaces, events);
}

async function makeWithRamax(spec: HistorySpec, load: ContactLoad, spaces: number): Promise<void> {
  const { directory, shards, history } = spec;
  const subject = await RamaxSubject.start({ directory, spaces, shards, withIds: false });
  let left = history.events;
  const call = async () => {
    while (left > 0) {
      left--;
      await subject.execute(load.next());
    }
  };
  await Promise.all(Array.from({ length: inFlight }, call));
  await subject.close();
  checkCount(await subject.countEvents(), history.events);
}

/** The state is what a rebuild by hand writes and a prepared get reads. */
function makeByHand(directory: string, load: ContactLoad, spaces: number, events: number): void {
  const table = new EventTable(byHandFile(directory));
  writeRaw(table, load, spaces, events);
  const state = new StateTable(table.connection);
  for (let space = 0; space < spaces; space++) state.rebuild(space + 1);
  table.connection.pragma('wal_checkpoint(TRUNCATE)');
  table.close();
}

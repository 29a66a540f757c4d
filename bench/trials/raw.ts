/** The yardsticks of the machine: events without Ramax, without state, and without anybody who waits. */

import type { RawConfiguration } from '../configuration.js';
import { ContactLoad } from '../contact-load.js';
import { countEvents } from '../subjects/event-table.js';
import { rawFile, runRaw } from '../subjects/raw.js';
import type { TrialSpec } from '../trial-spec.js';
import { workloadOf } from '../workloads.js';
import { checkCount } from './commands.js';
import type { Finding } from './finding.js';

export async function measureRaw(spec: TrialSpec, { subject }: RawConfiguration): Promise<Finding> {
  const workload = workloadOf('w1', spec.sizes);
  const load = new ContactLoad(workload, spec.seed);
  const file = rawFile(spec.directory);
  const raw = runRaw(load, { ...spec, subject, file, spaces: workload.spaces });
  checkCount(countEvents(file), raw.written);
  const { meter, eventsPerTransaction } = raw;
  return {
    figures: { ...meter.figures, perTransaction: eventsPerTransaction },
    latencies: meter.encodedLatencies,
  };
}

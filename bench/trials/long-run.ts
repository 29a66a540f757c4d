/** Whether memory grows with the number of commands: the resident size over a long run of W1 at 1,024 in flight. */

import { runClosedLoop } from '../closed-loop.js';
import { ContactLoad } from '../contact-load.js';
import { quarterMedian } from '../spread.js';
import { RamaxSubject } from '../subjects/ramax.js';
import type { TrialSpec } from '../trial-spec.js';
import { workloadOf } from '../workloads.js';
import { checkCount } from './commands.js';
import type { Finding } from './finding.js';

const samples = 1_000;

/** A long run ends here, whatever it has come to. */
export const longRunMsMax = 20 * 60_000;

export async function measureLongRun(spec: TrialSpec): Promise<Finding> {
  const { directory, shards, seed, sizes } = spec;
  const workload = workloadOf('w1', sizes);
  const load = new ContactLoad(workload, seed);
  const subject = await RamaxSubject.start({ directory, shards, spaces: workload.spaces, withIds: false });
  const resident: number[] = [];
  let sent = 0;
  const ask = (): Promise<unknown> => {
    // By count and not by time: no timer stands beside the measured loop.
    if (sent++ % Math.ceil(sizes.longRunCommands / samples) === 0) resident.push(process.memoryUsage.rss());
    return subject.execute(load.next());
  };
  const measured = { countMax: sizes.longRunCommands, timeMsMax: longRunMsMax };
  const warmUp = { countMax: 1, timeMsMax: 60_000 };
  const { meter, answered } = await runClosedLoop(ask, { inFlight: 1_024, warmUp, measured });
  await subject.close();
  checkCount(await subject.countEvents(), answered);
  if (answered < sizes.longRunCommands) throw new Error(`only ${answered} commands in ${longRunMsMax} ms`);
  return {
    figures: {
      ...meter.figures,
      secondQuarterBytes: quarterMedian(resident, 1),
      lastQuarterBytes: quarterMedian(resident, 3),
    },
    latencies: meter.encodedLatencies,
  };
}

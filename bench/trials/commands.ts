/**
 * W1, W2 and W6: a closed loop of commands, on an empty log or behind a history.
 *
 * Every trial ends with a check: the log has grown by exactly as many events as commands were acknowledged.
 */

import { runClosedLoop } from '../closed-loop.js';
import type { CommandConfiguration } from '../configuration.js';
import { ContactLoad } from '../contact-load.js';
import { startSubject } from '../start-subject.js';
import type { CommitCounts, TrialSpec } from '../trial-spec.js';
import { workloadOf } from '../workloads.js';
import type { Finding } from './finding.js';

export async function measureCommands(spec: TrialSpec, asked: CommandConfiguration): Promise<Finding> {
  const { withIds, history, inFlight } = asked;
  const workload = workloadOf(asked.workload, spec.sizes);
  const load = new ContactLoad(workload, spec.seed, { withIds, history });
  const options = { directory: spec.directory, spaces: workload.spaces, withIds, shards: spec.shards };
  const subject = await startSubject(asked.subject, options);
  let before: CommitCounts | null = null;
  try {
    const ask = () => subject.execute(load.next());
    const betweenPhases = async () => {
      before = await subject.commitCounts();
    };
    const { meter, answered } = await runClosedLoop(ask, { ...spec, inFlight, betweenPhases });
    const perTransaction = commandsPerTransaction(before, await subject.commitCounts());
    const peakRssBytes = process.resourceUsage().maxRSS * 1_024;
    await subject.close();
    checkCount(await subject.countEvents(), history + answered);
    return {
      figures: { ...meter.figures, ...perTransaction },
      latencies: meter.encodedLatencies,
      peakRssBytes,
    };
  } catch (error) {
    await subject.close();
    throw error;
  }
}

/** Of the measured phase, until its last answer. */
function commandsPerTransaction(before: CommitCounts | null, after: CommitCounts | null) {
  if (before === null || after === null) return {};
  return { perTransaction: (after.commands - before.commands) / (after.commits - before.commits) };
}

/** @throws when events are missing, or when there are more than there should be */
export function checkCount(found: number | null, expected: number): void {
  if (found === null || found === expected) return;
  throw new Error(`the log holds ${found} events, but ${expected} were acknowledged`);
}

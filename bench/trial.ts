/**
 * The child process of one trial: takes a `TrialSpec` as its one argument, prints a `TrialResult` as JSON.
 *
 * Every trial ends with a check: the file holds exactly as many events as commands were acknowledged.
 */

import { type LoopResult, runClosedLoop } from './closed-loop.js';
import { ContactLoad } from './contact-load.js';
import { startSubject } from './start-subject.js';
import { countEvents } from './subjects/event-table.js';
import { rawFile, runRaw } from './subjects/raw.js';
import type { TrialResult, TrialSpec } from './trial-spec.js';
import { workloads } from './workloads.js';

const spec = JSON.parse(process.argv[2] ?? '') as TrialSpec;
process.stdout.write(JSON.stringify(await runTrial(spec)));

async function runTrial(spec: TrialSpec): Promise<TrialResult> {
  const workload = workloads[spec.workload];
  const load = new ContactLoad(workload, spec.seed);
  const { result, file } =
    spec.inFlight === null
      ? {
          result: runRaw(spec.directory, load, { ...spec, spaces: workload.spaces }),
          file: rawFile(spec.directory),
        }
      : await runCommands(spec, load, spec.inFlight);
  const peakRssBytes = process.resourceUsage().maxRSS * 1_024;
  checkEvents(file, result.acknowledged);
  return { ...result, peakRssBytes };
}

async function runCommands(
  spec: TrialSpec,
  load: ContactLoad,
  inFlight: number,
): Promise<{ readonly result: LoopResult; readonly file: string }> {
  const subject = await startSubject(spec);
  try {
    return { result: await runClosedLoop(subject, load, { ...spec, inFlight }), file: subject.file };
  } finally {
    await subject.close();
  }
}

function checkEvents(file: string, acknowledged: number): void {
  const events = countEvents(file);
  if (events !== acknowledged) {
    throw new Error(`${file} holds ${events} events, but ${acknowledged} commands were acknowledged`);
  }
}

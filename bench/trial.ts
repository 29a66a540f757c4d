/** The child process of the benchmark: takes a spec as its one argument and prints what it has found as JSON. */

import type { HistorySpec, TrialResult, TrialSpec } from './trial-spec.js';
import { measureColdStart } from './trials/cold-start.js';
import { measureCommands } from './trials/commands.js';
import { measureFairness } from './trials/fairness.js';
import type { Finding } from './trials/finding.js';
import { makeHistory } from './trials/history.js';
import { measureIdleSpaces } from './trials/idle-spaces.js';
import { measureLongRun } from './trials/long-run.js';
import { measureNouns } from './trials/nouns.js';
import { measureOverload } from './trials/overload.js';
import { measureRaw } from './trials/raw.js';
import { measureReads } from './trials/reads.js';
import { measureRebuild } from './trials/rebuild.js';
import { measureStream } from './trials/stream.js';

const spec = JSON.parse(process.argv[2] ?? '') as TrialSpec | HistorySpec;
process.stdout.write(`${JSON.stringify(await run(spec))}\n`);

async function run(spec: TrialSpec | HistorySpec): Promise<TrialResult> {
  if (spec.task === 'history') await makeHistory(spec);
  const found = spec.task === 'history' ? { figures: {} } : await measure(spec);
  return { latencies: null, peakRssBytes: process.resourceUsage().maxRSS * 1_024, ...found };
}

function measure(spec: TrialSpec): Promise<Finding> {
  const { configuration } = spec;
  switch (configuration.kind) {
    case 'commands':
      return measureCommands(spec, configuration);
    case 'raw':
      return measureRaw(spec, configuration);
    case 'reads':
      return measureReads(spec, configuration);
    case 'rebuild':
      return measureRebuild(spec, configuration);
    case 'stream':
      return measureStream(spec, configuration);
    case 'fairness':
      return measureFairness(spec, configuration);
    case 'cold start':
      return measureColdStart(spec);
    case 'idle spaces':
      return measureIdleSpaces(spec);
    case 'long run':
      return measureLongRun(spec);
    case 'overload':
      return measureOverload(spec);
    case 'nouns':
      return measureNouns(spec);
  }
}

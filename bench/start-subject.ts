/** Which subject a trial measures. */

import type { Subject } from './subject.js';
import { ByHand } from './subjects/by-hand.js';
import { Naive } from './subjects/naive.js';
import { RamaxSubject } from './subjects/ramax.js';
import type { TrialSpec } from './trial-spec.js';
import { workloads } from './workloads.js';

/** Starts the subject of a trial in the trial's directory. */
export async function startSubject({ subject, directory, workload, shards }: TrialSpec): Promise<Subject> {
  const { spaces } = workloads[workload];
  switch (subject) {
    case 'ramax':
      return RamaxSubject.start(directory, spaces, shards);
    case 'by hand':
      return new ByHand(directory, spaces);
    case 'naive':
      return new Naive(directory);
    case 'raw':
      throw new Error('raw executes no commands');
  }
}

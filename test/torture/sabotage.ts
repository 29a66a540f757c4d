/** Bugs that are planted in a process of its own, for the controls of the simulation. */

import { OutputGate } from '../../src/content-store/output-gate.js';
import { MemoryPStateStore } from '../../src/pstate/memory/memory-pstate-store.js';
import { Generations } from '../../src/writer/generations.js';

/** Bugs by name. */
const bugs: Readonly<Record<string, () => void>> = {
  /** Answers go out while what they saw is still on its way to the disk. */
  'no gate'() {
    const { hold } = OutputGate.prototype;
    OutputGate.prototype.hold = function (this: OutputGate, held) {
      if (held.kind === 'answer') held.release();
      else hold.call(this, held);
    };
  },
  /** What a dead shard has sent is written behind what its successor has decided. */
  'no generations'() {
    Generations.prototype.isCurrent = () => true;
  },
  /** A projection is applied twice after a restart. */
  'a late checkpoint'() {
    const { builds } = MemoryPStateStore.prototype;
    MemoryPStateStore.prototype.builds = function (this: MemoryPStateStore, spaceId) {
      return builds.call(this, spaceId).map((build) => {
        const { checkpoint } = build;
        const lastSpaceSequence = Math.max(0, checkpoint.lastSpaceSequence - 1);
        return { ...build, checkpoint: { ...checkpoint, lastSpaceSequence } };
      });
    };
  },
};

/** Plants one. */
export function sabotage(bug: string): void {
  const plant = bugs[bug];
  if (plant === undefined) throw new Error(`there is no bug '${bug}'`);
  plant();
}

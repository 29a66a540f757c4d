/** Bugs that are planted in a process of its own, for the controls of the simulations. */

import { AppendConditions } from '../../src/content-store/append-conditions.js';
import { OutputGate } from '../../src/content-store/output-gate.js';
import { MemoryPStateStore } from '../../src/pstate/memory/memory-pstate-store.js';
import { ReactorLane } from '../../src/shard/reactor-lane.js';
import { TailReads } from '../../src/supervisor/tail-reads.js';
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
  /** A reactor's position is written as of the end of the space: what was not handled is lost in a crash. */
  'a hasty reactor'() {
    const { takePosition } = ReactorLane.prototype;
    ReactorLane.prototype.takePosition = function (this: ReactorLane) {
      const position = takePosition.call(this);
      return position === undefined ? undefined : position + this.figures.lag;
    };
  },
  /** A subscription that goes on behind the end passes over what comes next, now and then. */
  'a page too far'() {
    const { page } = TailReads.prototype;
    let pages = 0;
    TailReads.prototype.page = function (this: TailReads, spaceId, after) {
      return page.call(this, spaceId, ++pages % 20 === 0 ? after + 1 : after);
    };
  },
  /** A condition sees what is committed, and nothing of what is decided before it. */
  'a blind condition'() {
    AppendConditions.prototype.decided = () => {};
  },
};

/** Plants one. */
export function sabotage(bug: string): void {
  const plant = bugs[bug];
  if (plant === undefined) throw new Error(`there is no bug '${bug}'`);
  plant();
}

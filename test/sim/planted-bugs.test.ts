/** The check is checked: each of these bugs breaks the protocol in one place, and the simulation must find it. */

import { afterEach, describe, expect, it, vi } from 'vitest';
import { Changes } from '../../src/content-store/changes.js';
import { CommandMemory } from '../../src/content-store/command-memory.js';
import { History } from '../../src/content-store/history.js';
import { type Held, OutputGate } from '../../src/content-store/output-gate.js';
import { CommandTurn } from '../../src/content-store/turn.js';
import { ViewFill } from '../../src/content-store/view-fill.js';
import { MemoryPStateStore } from '../../src/pstate/memory/memory-pstate-store.js';
import { HousePort } from '../../src/testing/house-port.js';
import { Generations } from '../../src/writer/generations.js';
import { brokenPromises } from './check-history.js';
import { playHistory } from './history.js';

const seedsMax = 1_500;

/** Plays histories until one breaks a promise, and says how. */
async function firstBroken(
  from: number,
): Promise<{ readonly seed: number; readonly broken: readonly string[] }> {
  for (let seed = from; seed < from + seedsMax; seed++) {
    const broken = await brokenOf(seed);
    if (broken.length > 0) return { seed, broken };
  }
  return { seed: 0, broken: [] };
}

async function brokenOf(seed: number): Promise<readonly string[]> {
  try {
    return brokenPromises(await playHistory(seed));
  } catch (error) {
    return [String(error)];
  }
}

interface PlantedBug {
  readonly plant: () => void;
  /** What the checker must say. */
  readonly found: RegExp;
  /** The first seed that is tried: what shows in one history of hundreds is not looked for in all of them every time. */
  readonly from?: number;
}

/** Bugs by name. */
const bugs: Readonly<Record<string, PlantedBug>> = {
  'a reply before the commit': {
    plant() {
      const hold = OutputGate.prototype.hold;
      vi.spyOn(OutputGate.prototype, 'hold').mockImplementation(function (this: OutputGate, held: Held) {
        if (held.kind === 'write') held.appended = { firstEventId: 1, spaceSequence: held.sequence };
        hold.call(this, held);
      });
    },
    found: /before it was on disk/,
  },
  'answers that do not wait for what they saw': {
    plant() {
      const next = OutputGate.prototype.next;
      vi.spyOn(OutputGate.prototype, 'next').mockImplementation(function (this: OutputGate) {
        return next.call(this, Number.MAX_SAFE_INTEGER);
      });
      const hold = OutputGate.prototype.hold;
      vi.spyOn(OutputGate.prototype, 'hold').mockImplementation(function (this: OutputGate, held: Held) {
        if (held.kind === 'answer' && this.size > 0) held.release();
        else hold.call(this, held);
      });
    },
    found: /(a read saw sequence|a rejection saw|first copy leaves the gate)/,
  },
  'no generation check': {
    plant() {
      vi.spyOn(Generations.prototype, 'isCurrent').mockReturnValue(true);
    },
    found: /(refused with|is in the log)/,
    from: 620,
  },
  'a duplicate check that sees uncommitted commands': {
    plant() {
      vi.spyOn(CommandMemory.prototype, 'pending').mockImplementation(function (
        this: CommandMemory,
        turn: CommandTurn,
      ) {
        this.accepted(turn, { firstEventId: 1, eventCount: 1, spaceSequence: 1 });
      });
      vi.spyOn(CommandMemory.prototype, 'clear').mockImplementation(() => {});
    },
    found: /(copies of|answered events)/,
  },
  'a projection that is applied twice after a restart': {
    plant() {
      const builds = MemoryPStateStore.prototype.builds;
      vi.spyOn(MemoryPStateStore.prototype, 'builds').mockImplementation(function (
        this: MemoryPStateStore,
        spaceId,
      ) {
        return builds.call(this, spaceId).map((build) => {
          const { checkpoint } = build;
          const lastSpaceSequence = Math.max(0, checkpoint.lastSpaceSequence - 1);
          return { ...build, checkpoint: { ...checkpoint, lastSpaceSequence } };
        });
      });
    },
    found: /the fold is/,
  },
  'delivery out of order': {
    plant() {
      vi.spyOn(HousePort.prototype, 'arrivalMs').mockImplementation(function (this: HousePort) {
        return this.unorderedArrivalMs();
      });
    },
    found: /./,
  },
  'a command that is sent again and does not ask the log first': {
    plant() {
      const { get } = Object.getOwnPropertyDescriptor(CommandTurn.prototype, 'invocation')!;
      vi.spyOn(CommandTurn.prototype, 'invocation', 'get').mockImplementation(function (this: CommandTurn) {
        return { ...get!.call(this), resentAfter: undefined };
      });
    },
    found: /(times|is in the log)/,
  },
  'a view that is adopted before it has caught up': {
    plant() {
      const finish = ViewFill.prototype.finish;
      vi.spyOn(ViewFill.prototype, 'finish').mockImplementation(function (this: ViewFill, committed) {
        const lastSpaceSequence = Math.max(0, committed.lastSpaceSequence - 1);
        return finish.call(this, { ...committed, lastSpaceSequence });
      });
    },
    found: /(the fold is|which it never was)/,
  },
  'a past that is one event short': {
    plant() {
      const at = History.prototype.at;
      vi.spyOn(History.prototype, 'at').mockImplementation(function (this: History, request) {
        const spaceSequence = Math.max(0, request.spaceSequence - 1);
        return at.call(this, { ...request, spaceSequence });
      });
    },
    found: /a look at \d+ .* the fold is/,
  },
  'a change of which watchers are not told now and then': {
    plant() {
      let changes = 0;
      const changed = Changes.prototype.changed;
      vi.spyOn(Changes.prototype, 'changed').mockImplementation(function (this: Changes, view, key) {
        if (changes++ % 7 > 0) changed.call(this, view, key);
      });
    },
    found: /was shown .* last, but it is/,
  },
};

describe('the simulation finds', () => {
  afterEach(() => {
    vi.restoreAllMocks();
  });

  for (const [name, { plant, found, from = 1 }] of Object.entries(bugs)) {
    it(name, { timeout: 300_000 }, async () => {
      plant();
      const { seed, broken } = await firstBroken(from);
      expect(seed, `not found within ${seedsMax} seeds`).toBeGreaterThan(0);
      expect(broken.join('\n')).toMatch(found);
      if (process.env['RAMAX_SIM_SHOW']) process.stdout.write(`${name}: seed ${seed}: ${broken[0]}\n`);
    });
  }
});

/** The check is checked: mistakes of the engine that break what the kit always looks at. */

import { afterEach, describe, expect, it, vi } from 'vitest';
import { type Held, OutputGate } from '../../src/content-store/output-gate.js';
import { MemoryLogReader } from '../../src/event-store/memory/memory-log-reader.js';
import { MemoryTables } from '../../src/event-store/memory/memory-tables.js';
import { MemoryPStateStore } from '../../src/pstate/memory/memory-pstate-store.js';
import { simulate } from '../../src/testing/simulate.js';
import { SimulationFailure } from '../../src/testing/simulation-failure.js';
import { accounts, bankWith } from './bank-app.js';

const seedsMax = 300;

/** Mistakes by name: how each is planted, and which rules may notice it. */
const bugs: Readonly<Record<string, { readonly plant: () => void; readonly found: readonly string[] }>> = {
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
    found: ['stateIsFold'],
  },
  'an answer before the commit': {
    plant() {
      const hold = OutputGate.prototype.hold;
      vi.spyOn(OutputGate.prototype, 'hold').mockImplementation(function (this: OutputGate, held: Held) {
        if (held.kind === 'write') held.appended = { firstEventId: 1, spaceSequence: held.sequence };
        hold.call(this, held);
      });
    },
    found: ['onceInTheLog'],
  },
  'a command id that is forgotten': {
    plant() {
      vi.spyOn(MemoryLogReader.prototype, 'findCommands').mockResolvedValue([]);
      vi.spyOn(MemoryTables.prototype, 'insertCommand').mockReturnValue(true);
    },
    found: ['onceInTheLog'],
  },
};

describe('the kit finds', () => {
  afterEach(() => {
    vi.restoreAllMocks();
  });

  for (const [name, { plant, found }] of Object.entries(bugs)) {
    it(name, { timeout: 120_000 }, async () => {
      plant();
      const outcome: unknown = await simulate({
        app: bankWith(),
        seeds: seedsMax,
        shrink: false,
        commands: {
          transfer: (random) => ({
            id: `t${random.below(1e6)}`,
            from: random.pick(accounts),
            to: random.pick(accounts),
            amount: 1 + random.below(60),
          }),
        },
      }).catch((error: unknown) => error);
      expect(outcome).toBeInstanceOf(SimulationFailure);
      expect(found, (outcome as SimulationFailure).message).toContain(
        (outcome as SimulationFailure).invariant,
      );
    });
  }
});

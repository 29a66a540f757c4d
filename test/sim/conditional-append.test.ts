/** Conditional commands in the simulation, and the check of the check: each planted bug is found. */

import { afterEach, describe, expect, it, vi } from 'vitest';
import { AppendConditions } from '../../src/content-store/append-conditions.js';
import { type Held, OutputGate } from '../../src/content-store/output-gate.js';
import type { CommandTurn } from '../../src/content-store/turn.js';
import { brokenConditions, playConditionalHistory } from './conditional-history.js';

const seeds = Number(process.env['RAMAX_SIM_SEEDS'] ?? 40);
const plantedSeedsMax = 300;

afterEach(() => vi.restoreAllMocks());

/** Bugs by name: how each is planted, and what the checker must say. */
const bugs: Readonly<Record<string, { readonly plant: () => void; readonly found: RegExp }>> = {
  'events that are decided and not committed are not looked at': {
    plant() {
      vi.spyOn(AppendConditions.prototype, 'decided').mockImplementation(() => {});
    },
    found: /is there in spite of/,
  },
  'the condition is asked of the log and not looked at in the turn': {
    plant() {
      const check = AppendConditions.prototype.check;
      vi.spyOn(AppendConditions.prototype, 'check').mockImplementation(function (
        this: AppendConditions,
        turn: CommandTurn,
      ) {
        if (turn.asked?.match !== undefined) check.call(this, turn);
      });
    },
    found: /is there in spite of/,
  },
  'events that were discarded are remembered': {
    plant() {
      const seen = new WeakSet<AppendConditions>();
      const begin = AppendConditions.prototype.begin;
      vi.spyOn(AppendConditions.prototype, 'begin').mockImplementation(function (this: AppendConditions) {
        if (!seen.has(this)) begin.call(this);
        seen.add(this);
      });
    },
    found: /(not the first that matches|is there in spite of)/,
  },
  'a refusal does not wait for what it saw': {
    plant() {
      const hold = OutputGate.prototype.hold;
      vi.spyOn(OutputGate.prototype, 'hold').mockImplementation(function (this: OutputGate, held: Held) {
        if (held.kind === 'answer' && this.size > 0) held.release();
        else hold.call(this, held);
      });
    },
    found: /(not the first that matches|first copy leaves the gate)/,
  },
};

describe('conditional commands in the simulation', () => {
  it(`are in the log only when nothing forbids it, over ${seeds} seeds`, { timeout: 300_000 }, async () => {
    let [accepted, refused] = [0, 0];
    for (let seed = 1; seed <= seeds; seed++) {
      const history = await playConditionalHistory(seed);
      expect(brokenConditions(history), `seed ${seed}`).toEqual([]);
      accepted += history.answered.filter(({ outcome }) => 'accepted' in outcome).length;
      refused += history.answered.filter(({ outcome }) => 'refusedBy' in outcome).length;
    }
    expect(Math.min(accepted, refused)).toBeGreaterThan(10 * seeds);
  });

  it.each(Object.entries(bugs))('notice when %s', { timeout: 300_000 }, async (_name, { plant, found }) => {
    plant();
    expect(await firstBroken()).toMatch(found);
  });
});

async function firstBroken(): Promise<string> {
  for (let seed = 1; seed <= plantedSeedsMax; seed++) {
    const broken = brokenConditions(await playConditionalHistory(seed));
    if (broken.length > 0) return `seed ${seed}: ${broken.join('; ')}`;
  }
  return 'nothing';
}

import { describe, expect, it } from 'vitest';
import { brokenPromises } from './check-history.js';
import { playHistory } from './history.js';

const seeds = Number(process.env['RAMAX_SIM_SEEDS'] ?? 100);
const firstSeed = Number(process.env['RAMAX_SIM_FIRST'] ?? 1);

describe('random histories over several spaces, with threads that die and commits in doubt', () => {
  it(`keeps the promises 1 to 5 over ${seeds} seeds`, { timeout: 600_000 }, async () => {
    let [recoveries, crashes, commands, shown, ofThePast, raised] = [0, 0, 0, 0, 0, 0];
    let [fullDisks, refusedByDisk, readsOnFullDisk] = [0, 0, 0];
    for (let seed = firstSeed; seed < firstSeed + seeds; seed++) {
      const history = await playHistory(seed);
      expect(brokenPromises(history), `seed ${seed}`).toEqual([]);
      recoveries += history.recoveries;
      crashes += history.crashes;
      commands += history.commands.length;
      for (const { seen } of history.watchers) shown += seen.length;
      ofThePast += history.pictures.filter(({ at }) => at !== undefined && at > 0).length;
      if (history.isRaised) raised++;
      fullDisks += history.fullDisks;
      refusedByDisk += history.refusedByDisk;
      readsOnFullDisk += history.readsOnFullDisk;
    }
    // A simulation in which nothing ever went wrong would prove nothing.
    expect(crashes).toBeGreaterThan(seeds / 2);
    expect(recoveries).toBeGreaterThan(seeds / 10);
    expect(commands).toBeGreaterThan(seeds * 20);
    expect(shown).toBeGreaterThan(seeds * 5);
    expect(ofThePast).toBeGreaterThan(seeds / 2);
    expect(raised).toBeGreaterThan(seeds / 3);
    expect(fullDisks).toBeGreaterThan(seeds / 6);
    expect(refusedByDisk).toBeGreaterThan(seeds / 2);
    expect(readsOnFullDisk).toBeGreaterThan(seeds / 4);
  });
});

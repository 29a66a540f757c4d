/** Upcasters, reactors, timers, subscribers and conditional commands in one history; see `together.ts`. */

import { describe, expect, it } from 'vitest';
import { together } from './together.js';

const seeds = Number(process.env['RAMAX_TOGETHER_SEEDS'] ?? 40);
const firstSeed = Number(process.env['RAMAX_SIM_FIRST'] ?? 1);

describe('reading and reacting together', () => {
  it(`hold what they promise over ${seeds} seeds`, { timeout: 3_600_000 }, async () => {
    const report = await together({ seeds, firstSeed, shrink: false });
    expect(report.seeds).toBe(seeds);
    // A simulation in which nothing ever went wrong would prove nothing.
    expect(Math.min(report.crashes, report.restarts)).toBeGreaterThan(seeds);
  });
});

import { describe, expect, it } from 'vitest';
import { Meter } from '../../bench/meter.js';

/** A clock that stands still unless it is moved, on which a millisecond costs 500 µs of CPU. */
function standingClock() {
  const clock = { ms: 1_000 };
  return { clock, sources: { nowMs: () => clock.ms, cpuMicros: () => clock.ms * 500 } };
}

describe('a meter', () => {
  it('ends with the command that reaches the count, and ignores what comes later', () => {
    const { clock, sources } = standingClock();
    const meter = new Meter({ countMax: 2, timeMsMax: 1_000 }, sources);
    clock.ms += 4;
    meter.recordAnswer(1_000);
    expect(meter.reading).toBeUndefined();
    meter.recordAnswer(1_002);
    clock.ms += 100;
    meter.recordAnswer(1_000);
    expect(meter.reading).toEqual({ commands: 2, elapsedMs: 4, cpuMicros: 2_000 });
    expect(meter.latencies.totalCount).toBe(2);
  });

  it('ends with the first command behind the time, which counts with its time', async () => {
    const { clock, sources } = standingClock();
    const meter = new Meter({ countMax: 100, timeMsMax: 10 }, sources);
    clock.ms += 9;
    meter.recordAnswer(1_000);
    clock.ms += 3;
    meter.recordAnswer(1_001);
    await meter.ended;
    expect(meter.reading).toEqual({ commands: 2, elapsedMs: 12, cpuMicros: 6_000 });
  });

  it('records latencies in microseconds from call to answer', () => {
    const { clock, sources } = standingClock();
    const meter = new Meter({ countMax: 10, timeMsMax: 1_000 }, sources);
    clock.ms += 2;
    meter.recordAnswer(1_000.5);
    expect(meter.latencies.getValueAtPercentile(50)).toBe(1_500);
  });

  it('counts groups that nobody waits for, without latencies', () => {
    const { clock, sources } = standingClock();
    const meter = new Meter({ countMax: 1_500, timeMsMax: 1_000 }, sources);
    clock.ms += 1;
    meter.recordGroup(1_000);
    meter.recordGroup(1_000);
    expect(meter.reading?.commands).toBe(2_000);
    expect(meter.latencies.totalCount).toBe(0);
  });

  it('gives figures of an ended phase, without latencies where nobody waited', () => {
    const { clock, sources } = standingClock();
    const waited = new Meter({ countMax: 2, timeMsMax: 1_000 }, sources);
    expect(() => waited.figures).toThrow('not ended');
    clock.ms += 4;
    waited.recordAnswer(1_000);
    waited.recordAnswer(1_002);
    expect(waited.figures).toMatchObject({ perSecond: 500, cpuMicros: 1_000, p50Micros: 2_000 });
    const alone = new Meter({ countMax: 1, timeMsMax: 1_000 }, sources);
    clock.ms += 1;
    alone.recordGroup(10);
    expect(alone.figures).toEqual({ perSecond: 10_000, cpuMicros: 50 });
    expect(alone.encodedLatencies).toBeNull();
  });
});

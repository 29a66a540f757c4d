import { beforeEach, describe, expect, it } from 'vitest';
import type { Clock } from '../../src/core/clock.js';
import type { Measurements } from '../../src/telemetry/measurements.js';
import { type Listener, Recorder, spansMax } from '../../src/telemetry/recorder.js';

let timers: (() => void)[];
let reports: Measurements[];
let ends: number;
let recorder: Recorder;

const clock: Clock = {
  now: () => 1_000,
  monotonicMs: () => 0,
  soon: () => {},
  after(_delayMs, task) {
    timers.push(task);
    return {
      cancel() {
        timers = timers.filter((other) => other !== task);
      },
    };
  },
};

const listener: Listener = {
  report: (batch) => void reports.push(batch),
  answered: () => void ends++,
};

const everything = { turns: true, commits: true, spans: true };
const nothing = { turns: false, commits: false, spans: false };
const commit = { commands: 2, events: 3, startedAt: 1, durationMs: 4 };
const span = { name: 'ramax.turn', traceparent: 't', startedAt: 1, endedAt: 2, attributes: {} };

beforeEach(() => {
  timers = [];
  reports = [];
  ends = 0;
  recorder = new Recorder(clock);
});

function recordOneOfEach(): void {
  recorder.turn(5);
  recorder.commit(commit);
  recorder.span(span);
}

describe('the recorder of a thread', () => {
  it('gathers nothing and sets no timer while nobody listens', () => {
    recordOneOfEach();
    recorder.flush();
    expect([timers, reports]).toEqual([[], []]);
    recorder.observe(everything, listener);
    recorder.flush();
    expect(reports).toEqual([]);
  });

  it('reports what was recorded in one batch, when its time is up', () => {
    recorder.observe(everything, listener);
    recordOneOfEach();
    recorder.turn(6);
    expect([timers.length, reports.length]).toEqual([1, 0]);
    timers[0]?.();
    expect(reports).toEqual([{ turnsMs: [5, 6], commits: [commit], spans: [span], spansDropped: 0 }]);
    expect(timers).toEqual([]);
  });

  it('gathers only what is asked for', () => {
    recorder.observe({ ...nothing, commits: true }, listener);
    recordOneOfEach();
    recorder.flush();
    expect(reports).toEqual([{ turnsMs: [], commits: [commit], spans: [], spansDropped: 0 }]);
  });

  it('sends figures over the bound of a batch at once, and loses none', () => {
    recorder.observe(everything, listener);
    for (let n = 0; n < 2_500; n++) recorder.turn(n);
    recorder.flush();
    expect(reports.map(({ turnsMs }) => turnsMs.length)).toEqual([1_024, 1_024, 452]);
  });

  it('drops spans over the bound of a batch, and counts them', () => {
    recorder.observe(everything, listener);
    for (let n = 0; n < spansMax + 7; n++) recorder.span(span);
    recorder.flush();
    recorder.span(span);
    recorder.flush();
    expect(reports.map(({ spans, spansDropped }) => [spans.length, spansDropped])).toEqual([
      [spansMax, 7],
      [1, 0],
    ]);
  });

  it('ends with the next listener, who gets nothing that was meant for the one before', () => {
    recorder.observe(everything, listener);
    recorder.turn(5);
    const later: Measurements[] = [];
    recorder.observe(everything, { report: (batch) => void later.push(batch), answered: () => {} });
    expect([ends, reports.length]).toEqual([1, 1]);
    recorder.turn(6);
    recorder.flush();
    expect([reports.length, later.map(({ turnsMs }) => turnsMs)]).toEqual([1, [[6]]]);
  });

  it('answers at once when nothing is wanted any more', () => {
    recorder.observe(everything, listener);
    recorder.observe(nothing, listener);
    expect(ends).toBe(2);
    recordOneOfEach();
    expect(timers).toEqual([]);
  });
});

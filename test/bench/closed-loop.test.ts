import { describe, expect, it } from 'vitest';
import { runClosedLoop } from '../../bench/closed-loop.js';

const bounds = {
  warmUp: { countMax: 50, timeMsMax: 60_000 },
  measured: { countMax: 100, timeMsMax: 60_000 },
};

/** Answers each call in a later turn of the event loop; fails those from the number `failFrom` on. */
class SlowAnswers {
  readonly #failFrom: number;
  unanswered = 0;
  unansweredMax = 0;
  asked = 0;

  constructor(failFrom = Number.POSITIVE_INFINITY) {
    this.#failFrom = failFrom;
  }

  readonly ask = async (): Promise<void> => {
    this.asked++;
    const isFailing = this.asked >= this.#failFrom;
    this.unanswered++;
    this.unansweredMax = Math.max(this.unansweredMax, this.unanswered);
    await new Promise((resolve) => setImmediate(resolve));
    this.unanswered--;
    if (isFailing) throw new Error('contact_exists');
  };
}

describe('the closed loop', () => {
  it('keeps as many calls in flight as it was told, and never more', async () => {
    const answers = new SlowAnswers();
    await runClosedLoop(answers.ask, { inFlight: 8, ...bounds });
    expect(answers.unansweredMax).toBe(8);
    expect(answers.unanswered).toBe(0);
  });

  it('measures only what lies behind the warm-up, and counts everything that was answered', async () => {
    const answers = new SlowAnswers();
    const { meter, answered } = await runClosedLoop(answers.ask, { inFlight: 8, ...bounds });
    expect(meter.reading?.commands).toBe(100);
    expect(answered).toBe(answers.asked);
    expect(answered).toBeGreaterThanOrEqual(150);
  });

  it('goes on sending between the phases, and counts that in neither', async () => {
    const answers = new SlowAnswers();
    let [before, behind] = [0, 0];
    const betweenPhases = async () => {
      before = answers.asked;
      for (let turn = 0; turn < 10; turn++) await new Promise((resolve) => setImmediate(resolve));
      behind = answers.asked;
    };
    const { meter, answered } = await runClosedLoop(answers.ask, { inFlight: 4, ...bounds, betweenPhases });
    expect(behind - before).toBeGreaterThan(10);
    expect(meter.reading?.commands).toBe(100);
    expect(answered).toBeGreaterThanOrEqual(150 + behind - before - 8);
  });

  it.each([10, 120])('fails when calls fail, in either phase (from call %i on)', async (failFrom) => {
    const { ask } = new SlowAnswers(failFrom);
    await expect(runClosedLoop(ask, { inFlight: 4, ...bounds })).rejects.toThrow('contact_exists');
  });
});

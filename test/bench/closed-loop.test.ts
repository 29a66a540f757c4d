import { describe, expect, it } from 'vitest';
import { runClosedLoop } from '../../bench/closed-loop.js';
import { ContactLoad } from '../../bench/contact-load.js';
import type { Subject } from '../../bench/subject.js';
import { workloads } from '../../bench/workloads.js';

const bounds = {
  warmUp: { countMax: 50, timeMsMax: 60_000 },
  measured: { countMax: 100, timeMsMax: 60_000 },
};

/** Answers each command in a later turn of the event loop, one commit each; fails those from the number `failFrom` on. */
class SlowSubject implements Subject {
  readonly file = '';
  readonly #failFrom: number;
  unanswered = 0;
  unansweredMax = 0;
  executed = 0;

  constructor(failFrom = Number.POSITIVE_INFINITY) {
    this.#failFrom = failFrom;
  }

  async execute(): Promise<void> {
    this.executed++;
    const isFailing = this.executed >= this.#failFrom;
    this.unanswered++;
    this.unansweredMax = Math.max(this.unansweredMax, this.unanswered);
    await new Promise((resolve) => setImmediate(resolve));
    this.unanswered--;
    if (isFailing) throw new Error('contact_exists');
  }

  async commitCounts() {
    const answered = this.executed - this.unanswered;
    return { commits: answered, commands: answered };
  }

  async close(): Promise<void> {}
}

const newLoad = () => new ContactLoad(workloads.w1, 1);

describe('the closed loop', () => {
  it('keeps as many commands in flight as it was told, and never more', async () => {
    const subject = new SlowSubject();
    await runClosedLoop(subject, newLoad(), { inFlight: 8, ...bounds });
    expect(subject.unansweredMax).toBe(8);
    expect(subject.unanswered).toBe(0);
  });

  it('measures only what lies behind the warm-up, and counts everything that was acknowledged', async () => {
    const subject = new SlowSubject();
    const result = await runClosedLoop(subject, newLoad(), { inFlight: 8, ...bounds });
    expect(result.commands).toBe(100);
    expect(result.acknowledged).toBe(subject.executed);
    expect(result.acknowledged).toBeGreaterThanOrEqual(150);
    expect(result.committed.commands).toBeGreaterThanOrEqual(100);
    expect(result.committed.commands).toBeLessThanOrEqual(result.acknowledged - 50);
  });

  it.each([10, 120])('fails when commands fail, in either phase (from command %i on)', async (failFrom) => {
    const subject = new SlowSubject(failFrom);
    await expect(runClosedLoop(subject, newLoad(), { inFlight: 4, ...bounds })).rejects.toThrow(
      'contact_exists',
    );
  });
});

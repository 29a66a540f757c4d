import { describe, expect, it } from 'vitest';
import { RestartPolicy } from '../../src/supervisor/restart-policy.js';

describe('the restart policy', () => {
  it('waits longer from restart to restart, and gives up when there are too many inside the window', () => {
    const policy = new RestartPolicy({ restartsMax: 4, restartWindowMs: 1_000 });
    const decisions = [0, 10, 20, 30, 40].map((nowMs) => policy.ended(nowMs));
    const delays = decisions
      .slice(0, 4)
      .map((decision) => (decision.kind === 'restart' ? decision.delayMs : -1));
    expect(delays).toEqual([...delays].sort((a, b) => a - b));
    expect(new Set(delays).size).toBe(4);
    expect(decisions[4]).toEqual({ kind: 'giveUp' });
  });

  it('forgets what lies before the window', () => {
    const policy = new RestartPolicy({ restartsMax: 1, restartWindowMs: 1_000 });
    expect(policy.ended(0).kind).toBe('restart');
    expect(policy.ended(1_001).kind).toBe('restart');
    expect(policy.ended(1_500).kind).toBe('giveUp');
  });
});

import { describe, expect, it } from 'vitest';
import { RestartPolicy } from '../../src/supervisor/restart-policy.js';

describe('the restart policy', () => {
  it('waits twice as long from restart to restart, up to two seconds', () => {
    const policy = new RestartPolicy({ restartsMax: 12, restartWindowMs: 60_000 });
    const delays = Array.from({ length: 12 }, (_, n) => policy.ended(n)).map((decision) =>
      decision.kind === 'restart' ? decision.delayMs : -1,
    );
    expect(delays).toEqual([10, 20, 40, 80, 160, 320, 640, 1_280, 2_000, 2_000, 2_000, 2_000]);
  });

  it('gives up when there were too many inside the window', () => {
    const policy = new RestartPolicy({ restartsMax: 3, restartWindowMs: 1_000 });
    expect([0, 100, 200, 300].map((nowMs) => policy.ended(nowMs).kind)).toEqual([
      'restart',
      'restart',
      'restart',
      'giveUp',
    ]);
    expect(policy.recent).toBe(3);
  });

  it('goes on for ever, ever more slowly, where the cause passes, and does not count that for giving up', () => {
    const policy = new RestartPolicy({ restartsMax: 3, restartWindowMs: 60_000 });
    const delays = Array.from({ length: 40 }, (_, n) => policy.ended(n * 2_000, { passes: true })).map(
      (decision) => (decision.kind === 'restart' ? decision.delayMs : -1),
    );
    expect(delays.slice(0, 4)).toEqual([10, 20, 40, 80]);
    expect(delays.slice(8)).toEqual(Array.from({ length: 32 }, () => 2_000));
    expect([1, 2, 3, 4].map((n) => policy.ended(80_000 + n).kind)).toEqual([
      'restart',
      'restart',
      'restart',
      'giveUp',
    ]);
    expect(policy.ended(80_010, { passes: true }).kind).toBe('restart');
  });

  it('forgets what lies before the window, and begins with a short delay again', () => {
    const policy = new RestartPolicy({ restartsMax: 2, restartWindowMs: 1_000 });
    policy.ended(0);
    policy.ended(10);
    expect(policy.ended(1_011)).toEqual({ kind: 'restart', delayMs: 10 });
    expect(policy.recent).toBe(1);
    expect(policy.ended(1_500).kind).toBe('restart');
    expect(policy.ended(1_600).kind).toBe('giveUp');
  });

  it('does not count deaths for which a suspect is known, and waits longer after each of them all the same', () => {
    const policy = new RestartPolicy({ restartsMax: 2, restartWindowMs: 60_000 });
    const delays = Array.from({ length: 10 }, (_, n) => policy.ended(n, { suspect: `${n % 3}` })).map(
      (decision) => (decision.kind === 'restart' ? decision.delayMs : -1),
    );
    expect(delays).toEqual([10, 20, 40, 80, 160, 320, 640, 1_280, 2_000, 2_000]);
    expect(policy.recent).toBe(0);
    expect([policy.ended(20).kind, policy.ended(21).kind, policy.ended(22).kind]).toEqual([
      'restart',
      'restart',
      'giveUp',
    ]);
    // It is what has no suspect that ends the runtime, however much there is of it.
    expect(policy.ended(23, { suspect: '1' }).kind).toBe('restart');
  });

  it('counts the deaths of a suspect that turns out to be innocent', () => {
    const policy = new RestartPolicy({ restartsMax: 2, restartWindowMs: 60_000 });
    for (let n = 0; n < 2; n++) policy.ended(n, { suspect: 'innocent' });
    policy.ended(2, { suspect: 'other' });
    policy.acquitted('innocent');
    expect([policy.recent, policy.ended(3).kind]).toEqual([2, 'giveUp']);
  });
});

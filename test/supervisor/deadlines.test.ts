import { describe, expect, it } from 'vitest';
import { Deadlines } from '../../src/supervisor/deadlines.js';
import { ManualClock } from './manual-clock.js';

describe('deadlines', () => {
  it('expire when their time has come, in the order in which they were set', () => {
    const clock = new ManualClock();
    const deadlines = new Deadlines(clock);
    const expired: string[] = [];
    deadlines.set(10, () => expired.push('a'));
    clock.advance(4);
    deadlines.set(10, () => expired.push('b'));
    deadlines.set(3, () => expired.push('c'));
    clock.advance(5);
    expect(expired).toEqual(['c']);
    clock.advance(1);
    expect(expired).toEqual(['c', 'a']);
    clock.advance(4);
    expect(expired).toEqual(['c', 'a', 'b']);
  });

  it('do not expire once they are cleared', () => {
    const clock = new ManualClock();
    const deadlines = new Deadlines(clock);
    deadlines.set(10, () => expect.unreachable()).clear();
    clock.advance(100);
  });

  it('keep one timer for each timeout, also when an expiry sets a deadline of the same timeout', () => {
    const clock = new ManualClock();
    const deadlines = new Deadlines(clock);
    for (let call = 0; call < 50; call++) {
      deadlines.set(10, () => deadlines.set(10, () => {}));
      clock.advance(1);
    }
    expect(clock.armed).toBe(1);
    clock.advance(1_000);
    expect(clock.armed).toBe(0);
  });

  it('leave no timer behind when they are closed', () => {
    const clock = new ManualClock();
    const deadlines = new Deadlines(clock);
    deadlines.set(10, () => expect.unreachable());
    deadlines.close();
    expect(clock.armed).toBe(0);
  });
});

import { describe, expect, it } from 'vitest';
import { givenEvents } from '../../src/testing/given-events.js';
import { bankWith } from './bank-app.js';

const moved = (id: string, amount: number) => ({
  entityId: `transfer:${id}`,
  type: 'moved',
  payload: { id, from: 'ann', to: 'ben', amount },
});

describe('given events', () => {
  const given = givenEvents(bankWith(), [moved('t1', 30), moved('t2', 5)]);

  it('views show their entries', () => {
    expect(given.view('main')).toEqual({ ann: 65, ben: 135 });
    expect(given.view('times')).toEqual({ t1: 1, t2: 1 });
  });

  it('queries answer, and the state can be read', () => {
    expect(given.query('balance', 'ann')).toBe(65);
    expect(given.state.view('times').has('t3')).toBe(false);
    expect(given.state.events.map(({ spaceSequence }) => spaceSequence)).toEqual([1, 2]);
  });

  it('further events make another space', () => {
    expect(given.and([moved('t3', 1)]).query('balance', 'ann')).toBe(64);
    expect(given.query('balance', 'ann')).toBe(65);
  });

  it('what the log or a projection does not take is said at once', () => {
    expect(() => givenEvents(bankWith(), [{ entityId: '', type: 'moved' }])).toThrow('entityId');
    expect(() => givenEvents(bankWith('a projection that throws'), [moved('t1', 13)])).toThrow("view 'main'");
    expect(() => given.view('tmes' as never)).toThrow("did you mean 'times'");
  });
});

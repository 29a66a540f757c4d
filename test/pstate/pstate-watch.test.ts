import { describe, expect, it } from 'vitest';
import type { PState } from '../../src/pstate/pstate.js';
import { newPState, storeWith } from './new-pstate.js';

describe('a watcher of changes', () => {
  it('is told of each key that a kept turn has written, once, when the turn ends', () => {
    const { pstate, told } = watched();
    pstate.beginTurn();
    pstate.put('a', 2);
    pstate.put('a', 3);
    pstate.delete('b');
    pstate.delete('nothing');
    pstate.putMany([['c', 1]]);
    expect(told).toEqual([]);
    pstate.keepTurn();
    expect(told).toEqual(['a', 'b', 'c']);
  });

  it('is told nothing of a turn that is undone', () => {
    const { pstate, told } = watched();
    pstate.beginTurn();
    pstate.put('a', 2);
    pstate.clear();
    pstate.undoTurn();
    pstate.beginTurn();
    pstate.keepTurn();
    expect(told).toEqual([]);
  });

  it('is told of all keys at once after a clear, a write outside of a turn at once, and a reset', () => {
    const { pstate, told } = watched();
    pstate.beginTurn();
    pstate.put('a', 2);
    pstate.clear();
    pstate.put('b', 2);
    pstate.keepTurn();
    expect(told.splice(0)).toEqual([undefined]);
    pstate.put('a', 2);
    pstate.clear();
    pstate.reset();
    expect(told).toEqual(['a', undefined, undefined]);
  });

  it('reads what is true then', () => {
    const store = storeWith({ a: 1 });
    const pstate = newPState(store);
    const seen: unknown[] = [];
    pstate.watchChanges(() => seen.push(pstate.get('a')));
    pstate.beginTurn();
    pstate.put('a', 2);
    pstate.keepTurn();
    pstate.clear();
    pstate.flush();
    const other = newPState(store);
    other.put('a', 'changed beside it');
    other.flush();
    pstate.reset();
    expect(seen).toEqual([2, undefined, 'changed beside it']);
  });

  it('is not told any more once it is taken away', () => {
    const { pstate, told } = watched();
    pstate.watchChanges(undefined);
    pstate.put('a', 2);
    expect(told).toEqual([]);
  });
});

function watched(): { readonly pstate: PState; readonly told: (string | undefined)[] } {
  const pstate = newPState(storeWith({ a: 1, b: 1 }));
  const told: (string | undefined)[] = [];
  pstate.watchChanges((key) => told.push(key));
  return { pstate, told };
}

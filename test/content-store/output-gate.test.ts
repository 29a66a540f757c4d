import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Held, OutputGate } from '../../src/content-store/output-gate.js';
import { CommandTurn } from '../../src/content-store/turn.js';

function turn(): CommandTurn {
  return new CommandTurn({ invocationId: 'i', command: 'c', params: undefined });
}

function write(sequence: number): Extract<Held, { kind: 'write' }> {
  return { kind: 'write', turn: turn(), eventCount: 1, sequence, appended: undefined };
}

function answer(sequence: number, bytes = 0): Held {
  return { kind: 'answer', turn: turn(), sequence, bytes, release: () => {} };
}

describe('the output gate', () => {
  it('lets a write out after its own acknowledgement, however far the commits are', () => {
    const gate = new OutputGate({ bytes: 0 });
    const held = write(1);
    gate.hold(held);
    expect(gate.next(5)).toBeUndefined();
    held.appended = { firstEventId: 1, spaceSequence: 1 };
    expect(gate.next(0)).toBe(held);
    expect(gate.size).toBe(0);
  });

  it('lets any other answer out when the commits have reached what it could have seen', () => {
    const gate = new OutputGate({ bytes: 0 });
    const held = answer(3);
    gate.hold(held);
    expect(gate.next(2)).toBeUndefined();
    expect(gate.next(3)).toBe(held);
    expect(gate.next(3)).toBeUndefined();
  });

  it('lets nothing overtake', () => {
    const gate = new OutputGate({ bytes: 0 });
    const [first, second] = [write(1), answer(0)];
    gate.hold(first);
    gate.hold(second);
    expect(gate.next(9)).toBeUndefined();
    first.appended = { firstEventId: 1, spaceSequence: 1 };
    expect([gate.next(9), gate.next(9)]).toEqual([first, second]);
  });

  it('gives up everything that it holds, in order', () => {
    const gate = new OutputGate({ bytes: 0 });
    const all = [write(1), answer(1), write(2)];
    for (const held of all) gate.hold(held);
    expect(gate.takeAll()).toEqual(all);
    expect(gate.size).toBe(0);
  });

  it('counts the bytes of the answers that it holds, for itself and for all gates', () => {
    const ofAll = { bytes: 100 };
    const gate = new OutputGate(ofAll);
    for (const held of [answer(0, 5), write(1), answer(1, 7)]) gate.hold(held);
    expect(gate.bytes).toBe(12);
    gate.next(0);
    expect([gate.bytes, ofAll.bytes]).toEqual([7, 107]);
    gate.takeAll();
    expect([gate.bytes, ofAll.bytes]).toEqual([0, 100]);
  });

  it('lets out all in order, each as early as it may', () => {
    const held = fc.array(fc.constantFrom('write', 'answer'), { maxLength: 30 });
    fc.assert(
      fc.property(held, fc.array(fc.nat(), { maxLength: 60 }), (kinds, choices) => {
        const gate = new OutputGate({ bytes: 0 });
        let head = 0;
        const all = kinds.map((kind) => (kind === 'write' ? write(++head) : answer(head)));
        for (const each of all) gate.hold(each);
        const writes = all.filter((each) => each.kind === 'write');
        const left: Held[] = [];
        let committed = 0;
        const leave = (): void => {
          for (let next = gate.next(committed); next !== undefined; next = gate.next(committed)) {
            left.push(next);
            if (next.kind === 'write') committed = next.sequence;
          }
        };
        leave();
        for (const choice of choices) {
          const acknowledged = writes[choice % Math.max(1, writes.length)];
          if (acknowledged) acknowledged.appended = { firstEventId: 1, spaceSequence: 1 };
          leave();
          const waiting = all.findIndex((each) => each.kind === 'write' && each.appended === undefined);
          expect(left).toEqual(waiting === -1 ? all : all.slice(0, waiting));
        }
      }),
    );
  });
});

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { RamaxError } from '../../src/core/errors.js';
import {
  Admission,
  type AdmissionLimits,
  type Entrant,
  type Waiter,
} from '../../src/supervisor/admission.js';
import { ManualClock } from '../testing/manual-clock.js';

const limits: AdmissionLimits = {
  spaceInFlightMax: 3,
  spaceWaitingMax: 4,
  totalWaitingMax: 7,
  totalWaitingBytesMax: 1_000,
  totalInFlightMax: 5,
  totalInFlightBytesMax: 100,
  valueBytesMax: 60,
};

const read = (spaceId: number, bytes: number): Entrant => ({ spaceId, bytes, isCommand: false });
const waiterOf = (entrant: Entrant, admitted: () => void = () => {}): Waiter => ({
  ...entrant,
  admitted,
  refused: () => {},
});

interface Call {
  readonly spaceId: number;
  readonly bytes: number;
  readonly order: number;
}

/** Plays calls against an admission, and keeps its own account of what is in flight and what waits. */
class Player {
  readonly admission = new Admission(limits, new ManualClock());
  readonly inFlight: Call[] = [];
  readonly waiting: { readonly call: Call; readonly waiter: Waiter }[] = [];
  readonly admittedOrder = new Map<number, number[]>();
  #calls = 0;

  call(spaceId: number, bytes: number): void {
    const call = { spaceId, bytes, order: this.#calls++ };
    if (this.admission.enter(read(spaceId, bytes))) {
      this.#admitted(call);
      return;
    }
    const waiter = waiterOf(read(spaceId, bytes), () => {
      this.waiting.splice(
        this.waiting.findIndex((waiting) => waiting.waiter === waiter),
        1,
      );
      this.#admitted(call);
    });
    try {
      this.admission.wait(waiter);
      this.waiting.push({ call, waiter });
    } catch (error) {
      expect(error).toBeInstanceOf(RamaxError);
      expect((error as RamaxError).code).toBe('overloaded');
    }
  }

  answer(index: number): void {
    const [call] = this.inFlight.splice(index % Math.max(1, this.inFlight.length), 1);
    if (call !== undefined) this.admission.leave(read(call.spaceId, call.bytes));
  }

  leaveQueue(index: number): void {
    const [gone] = this.waiting.splice(index % Math.max(1, this.waiting.length), 1);
    if (gone !== undefined) this.admission.leaveQueue(gone.waiter);
  }

  check(): void {
    const perSpace = new Map<number, number>();
    for (const { spaceId } of this.inFlight) perSpace.set(spaceId, (perSpace.get(spaceId) ?? 0) + 1);
    expect(Math.max(0, ...perSpace.values())).toBeLessThanOrEqual(limits.spaceInFlightMax);
    expect(this.inFlight.length).toBeLessThanOrEqual(limits.totalInFlightMax);
    expect(this.admission.inFlight).toBe(this.inFlight.length);
    const bytes = this.inFlight.reduce((sum, call) => sum + call.bytes, 0);
    if (this.inFlight.length > 1) expect(bytes).toBeLessThanOrEqual(limits.totalInFlightBytesMax);
    expect(this.waiting.length).toBeLessThanOrEqual(limits.totalWaitingMax);
    this.#checkRoomIsUsed(perSpace, bytes);
    // Calls of one space are admitted in the order in which they came.
    for (const order of this.admittedOrder.values()) expect(order).toEqual([...order].sort((a, b) => a - b));
  }

  /** Nobody waits for whom there is room, unless bytes are being saved for somebody. */
  #checkRoomIsUsed(perSpace: ReadonlyMap<number, number>, bytes: number): void {
    const first = new Map([...this.waiting].reverse().map(({ call }) => [call.spaceId, call]));
    if (this.inFlight.length >= limits.totalInFlightMax) return;
    const next = [...first.values()].filter(
      ({ spaceId }) => (perSpace.get(spaceId) ?? 0) < limits.spaceInFlightMax,
    );
    const fits = next.filter((call) => bytes + call.bytes <= limits.totalInFlightBytesMax);
    if (next.length > 0) expect(fits.length).toBeLessThan(next.length);
  }

  #admitted(call: Call): void {
    this.inFlight.push(call);
    this.admittedOrder.set(call.spaceId, [...(this.admittedOrder.get(call.spaceId) ?? []), call.order]);
  }
}

const step = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant('call' as const),
      spaceId: fc.integer({ min: 1, max: 4 }),
      n: fc.integer({ min: 0, max: 60 }),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({ kind: fc.constant('answer' as const), spaceId: fc.constant(0), n: fc.nat(9) }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ kind: fc.constant('leave' as const), spaceId: fc.constant(0), n: fc.nat(9) }),
  },
);

describe('admission', () => {
  it('never passes its limits, admits each space in order, and lets everybody through in the end', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 120 }), (steps) => {
        const player = new Player();
        for (const { kind, spaceId, n } of steps) {
          if (kind === 'call') player.call(spaceId, n);
          else if (kind === 'answer') player.answer(n);
          else player.leaveQueue(n);
          player.check();
        }
        for (let answers = 0; player.inFlight.length > 0; answers++) {
          expect(answers).toBeLessThan(500);
          player.answer(0);
        }
        expect(player.waiting).toEqual([]);
        expect(player.admission.inFlight).toBe(0);
      }),
      { numRuns: 500 },
    );
  });

  it('keeps room for a large call, however many small ones go on coming', () => {
    const player = new Player();
    for (let n = 0; n < 5; n++) player.call(1 + (n % 2), 15);
    player.call(3, 60);
    for (let round = 0; player.waiting.some(({ call }) => call.bytes === 60); round++) {
      expect(round).toBeLessThan(5);
      player.answer(0);
      player.call(4, 10);
      player.call(1, 10);
    }
    player.check();
  });

  it('goes on when the large call that it keeps room for has gone', () => {
    const player = new Player();
    for (let n = 0; n < 2; n++) player.call(1, 45);
    player.call(3, 60);
    player.call(4, 5);
    player.answer(0);
    player.call(4, 5);
    expect(player.waiting.map(({ call }) => call.spaceId)).toEqual([3, 4]);
    player.leaveQueue(0);
    expect(player.waiting).toEqual([]);
    player.check();
  });

  it('shares room out in turn: a space with many waiting calls does not hold up one with few', () => {
    const player = new Player();
    for (let n = 0; n < 5; n++) player.call(1 + (n % 2), 1);
    for (let n = 0; n < 4; n++) player.call(3, 1);
    player.call(4, 1);
    for (let n = 0; n < 2; n++) player.answer(0);
    expect(player.waiting.some(({ call }) => call.spaceId === 4)).toBe(false);
  });

  it('gives a caller that must not wait a place only where nobody waits', () => {
    const admission = new Admission(limits, new ManualClock());
    for (let call = 0; call < 3; call++) admission.enter(read(1, 1));
    admission.wait(waiterOf(read(1, 1)));
    expect([admission.enter(read(1, 1)), admission.enter(read(2, 1))]).toEqual([false, true]);
  });

  it('lets no small call overtake a large one of its own space', () => {
    const player = new Player();
    player.call(1, 60);
    player.call(2, 60);
    player.call(2, 5);
    expect(player.waiting.map(({ call }) => call.bytes)).toEqual([60, 5]);
    player.answer(0);
    player.check();
    expect(player.waiting).toEqual([]);
  });

  it('lets no more wait than its bounds, for one space and over all', () => {
    const admission = new Admission(
      {
        ...limits,
        totalInFlightMax: 1,
        spaceWaitingMax: 2,
        totalWaitingMax: 3,
      },
      new ManualClock(),
    );
    admission.enter(read(9, 1));
    const wait = (spaceId: number) => admission.wait(waiterOf(read(spaceId, 1)));
    wait(1);
    wait(1);
    expect(() => wait(1)).toThrow(expect.objectContaining({ code: 'overloaded' }));
    wait(2);
    expect(() => wait(3)).toThrow(expect.objectContaining({ code: 'overloaded' }));
  });

  it('forgets a space of which nothing is left', () => {
    const admission = new Admission(limits, new ManualClock());
    admission.enter(read(1, 1));
    admission.leave(read(1, 1));
    expect(admission.refusal(read(1, 1)).details).toMatchObject({ spaceInFlight: 0, totalInFlight: 0 });
    expect(admission.enter(read(1, 1))).toBe(true);
  });

  it('lets one call of any size through when nothing else is in flight', () => {
    const admission = new Admission(limits, new ManualClock());
    expect(admission.enter(read(1, 10_000))).toBe(true);
    expect(admission.enter(read(2, 1))).toBe(false);
  });

  it('goes on with the room of a call that ends as soon as it is admitted, however many do', () => {
    const admission = new Admission(
      { ...limits, spaceWaitingMax: 100_000, totalWaitingMax: 100_000, totalWaitingBytesMax: 100_000 },
      new ManualClock(),
    );
    for (let call = 0; call < 3; call++) admission.enter(read(1, 1));
    let ended = 0;
    const admitted = (): void => {
      ended++;
      admission.leave(read(1, 1));
    };
    for (let call = 0; call < 50_000; call++) admission.wait(waiterOf(read(1, 1), admitted));
    admission.leave(read(1, 1));
    expect([ended, admission.inFlight]).toEqual([50_000, 2]);
  });

  it('forgets nobody who has come while others ended', () => {
    const admission = new Admission({ ...limits, spaceInFlightMax: 1 }, new ManualClock());
    admission.enter(read(1, 1));
    const admitted = (): void => {
      admission.leave(read(1, 1));
      admission.enter(read(1, 1));
    };
    admission.wait(waiterOf(read(1, 1), admitted));
    admission.leave(read(1, 1));
    expect([admission.enter(read(1, 1)), admission.inFlight]).toEqual([false, 1]);
  });

  it('says in its error what is full', () => {
    const admission = new Admission(limits, new ManualClock());
    for (let call = 0; call < 3; call++) admission.enter(read(1, 1));
    expect(admission.refusal(read(1, 1)).details).toMatchObject({
      spaceInFlight: 3,
      spaceInFlightMax: 3,
      totalInFlight: 3,
    });
  });

  it('lets no more bytes wait than its bound, but one call of any size', () => {
    const admission = new Admission(
      { ...limits, totalInFlightMax: 1, totalWaitingBytesMax: 50 },
      new ManualClock(),
    );
    admission.enter(read(9, 1));
    const large = waiterOf(read(1, 1_000));
    admission.wait(large);
    expect(() => admission.wait(waiterOf(read(2, 1)))).toThrow(
      expect.objectContaining({ code: 'overloaded' }),
    );
    admission.leaveQueue(large);
    admission.wait(waiterOf(read(2, 30)));
    expect(() => admission.wait(waiterOf(read(3, 30)))).toThrow(
      expect.objectContaining({ code: 'overloaded' }),
    );
    admission.wait(waiterOf(read(3, 20)));
  });

  it('keeps the last eighth of all room for spaces that have little of it', () => {
    const wide = {
      ...limits,
      spaceInFlightMax: 5_000,
      totalInFlightMax: 8_192,
      totalInFlightBytesMax: 81_920,
    };
    const fill = (admission: Admission, spaceId: number, bytes: number): number => {
      let count = 0;
      while (admission.enter(read(spaceId, bytes))) count++;
      return count;
    };
    const byCount = new Admission(wide, new ManualClock());
    expect([fill(byCount, 1, 0), fill(byCount, 2, 0)]).toEqual([5_000, 8_192 * (7 / 8) - 5_000]);
    // A space that is not known may have eight calls of the last eighth, and a 1,024th of all is eight.
    expect([fill(byCount, 3, 0), fill(byCount, 4, 0), byCount.inFlight]).toEqual([8, 8, 7_184]);
    const byBytes = new Admission(wide, new ManualClock());
    expect(fill(byBytes, 1, 60)).toBe(Math.floor((81_920 * (7 / 8)) / 60));
    expect([fill(byBytes, 2, 40), fill(byBytes, 3, 40)]).toEqual([2, 2]);
  });

  it('lets those in that wait when the room over all, less the reserve, is there again', () => {
    const wide = { ...limits, spaceInFlightMax: 100, totalInFlightMax: 16 };
    const admission = new Admission(wide, new ManualClock());
    for (let n = 0; n < 14; n++) admission.enter(read(n % 2, 1));
    const admitted: number[] = [];
    for (const spaceId of [0, 1, 0, 1]) {
      admission.wait(waiterOf(read(spaceId, 1), () => admitted.push(spaceId)));
    }
    expect(admission.enter(read(5, 1))).toBe(true);
    for (let n = 0; n < 3; n++) admission.leave(read(n % 2, 1));
    expect(admitted).toEqual([0, 1]);
  });
});

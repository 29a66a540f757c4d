import fc from 'fast-check';
import { beforeEach, describe, expect, it } from 'vitest';
import { Interlock } from '../../src/content-store/interlock.js';
import { RamaxError } from '../../src/core/errors.js';
import { rejectionOf } from '../core/error-of.js';
import { promisesSettle } from '../testing/manual-clock.js';
import { Settlements } from './settlements.js';

const over = new RamaxError('closed', 'it is over');

let hasRoom = true;
let interlock: Interlock;
let settled: Settlements;

beforeEach(() => {
  hasRoom = true;
  interlock = new Interlock(() => hasRoom);
  settled = new Settlements();
});

/** A task that goes on when the test says so. */
class Held {
  #proceed: () => void = () => {};
  readonly done: Promise<void>;
  isRunning = false;

  constructor() {
    this.done = new Promise((proceed) => {
      this.#proceed = proceed;
    });
  }

  readonly run = async (): Promise<void> => {
    this.isRunning = true;
    await this.done;
    this.isRunning = false;
  };

  end(): void {
    this.#proceed();
  }
}

/** A recovery that ends when the test says so. */
function recovery(): Held {
  const held = new Held();
  interlock.recover(async (resume) => {
    await held.run();
    resume();
  });
  return held;
}

describe('the interlock', () => {
  it('is open at first, and a turn may be taken at once', async () => {
    await interlock.ready();
    expect([interlock.open, interlock.recovering, interlock.ended]).toEqual([true, false, undefined]);
  });

  it('lets no turn in while it recovers', async () => {
    const recovering = recovery();
    settled.watch('turn', interlock.ready());
    await promisesSettle();
    expect([interlock.open, settled.names]).toEqual([false, []]);
    recovering.end();
    await promisesSettle();
    expect([interlock.open, settled.names]).toEqual([true, ['turn']]);
  });

  it('lets no turn in while the gate is full, and asks again when room is made', async () => {
    hasRoom = false;
    settled.watch('turn', interlock.ready());
    interlock.roomMade();
    await promisesSettle();
    expect(settled.names).toEqual([]);
    hasRoom = true;
    interlock.roomMade();
    await promisesSettle();
    expect(settled.names).toEqual(['turn']);
  });

  it('wakes everybody when it ends, with the reason', async () => {
    hasRoom = false;
    const turn = rejectionOf(interlock.ready());
    interlock.end(over);
    expect(await turn).toBe(over);
    interlock.end(new RamaxError('storage', 'later'));
    expect(await rejectionOf(interlock.ready())).toBe(over);
    expect(await rejectionOf(interlock.exclusively(async () => {}))).toBe(over);
  });

  it('is quiet when every append has its answer', async () => {
    interlock.appendSent();
    interlock.appendSent();
    settled.watch('quiet', interlock.whenQuiet());
    interlock.appendAnswered();
    await promisesSettle();
    expect(settled.names).toEqual([]);
    interlock.appendAnswered();
    await promisesSettle();
    expect(settled.names).toEqual(['quiet']);
  });
});

describe('an exclusive section', () => {
  it('waits for every append, and lets no turn in meanwhile', async () => {
    interlock.appendSent();
    const section = new Held();
    settled.watch('section', interlock.exclusively(section.run));
    settled.watch('turn', interlock.ready());
    await promisesSettle();
    expect([section.isRunning, interlock.open]).toEqual([false, false]);
    interlock.appendAnswered();
    await promisesSettle();
    expect([section.isRunning, interlock.open, settled.names]).toEqual([true, false, []]);
    section.end();
    await promisesSettle();
    expect([interlock.open, settled.names]).toEqual([true, ['section', 'turn']]);
  });

  it('waits for a recovery under way, and for the appends that it leaves', async () => {
    const recovering = recovery();
    const section = new Held();
    settled.watch('section', interlock.exclusively(section.run));
    interlock.appendSent();
    recovering.end();
    await promisesSettle();
    expect(section.isRunning).toBe(false);
    interlock.appendAnswered();
    await promisesSettle();
    expect(section.isRunning).toBe(true);
    section.end();
  });

  it('waits for a recovery that begins while it waits', async () => {
    interlock.appendSent();
    const section = new Held();
    settled.watch('section', interlock.exclusively(section.run));
    await promisesSettle();
    const recovering = recovery();
    interlock.appendAnswered();
    await promisesSettle();
    expect(section.isRunning).toBe(false);
    recovering.end();
    await promisesSettle();
    expect(section.isRunning).toBe(true);
    section.end();
  });

  it('gives its result, and opens again when it fails', async () => {
    expect(await interlock.exclusively(async () => 5)).toBe(5);
    await expect(interlock.exclusively(() => Promise.reject(new RangeError('no')))).rejects.toThrow('no');
    expect(interlock.open).toBe(true);
  });

  it('does not begin when it all ends while it waits', async () => {
    interlock.appendSent();
    const section = new Held();
    const refused = rejectionOf(interlock.exclusively(section.run));
    const behind = rejectionOf(interlock.exclusively(section.run));
    interlock.end(over);
    interlock.appendAnswered();
    expect([await refused, await behind]).toEqual([over, over]);
    expect(section.isRunning).toBe(false);
  });
});

type Move = (scene: Scene) => Promise<void> | void;

/** Sections, recoveries and appends in any order, and what must never be. */
class Scene {
  readonly #interlock = new Interlock(() => true);
  readonly #sections: Held[] = [];
  readonly #recoveries: Held[] = [];
  #appending = 0;
  readonly settled = new Settlements();

  readonly check = (): void => {
    const running = this.#sections.filter(({ isRunning }) => isRunning);
    expect(running.length).toBeLessThanOrEqual(1);
    if (running.length === 0) return;
    expect([this.#interlock.open, this.#interlock.recovering, this.#appending]).toEqual([false, false, 0]);
  };

  section(): void {
    const held = new Held();
    this.#sections.push(held);
    const run = async (): Promise<void> => {
      const done = held.run();
      this.check();
      await done;
    };
    this.settled.watch(`section ${this.#sections.length}`, this.#interlock.exclusively(run));
  }

  turn(): void {
    const taken = this.#interlock.ready().then(() => {
      if (this.#interlock.open) this.append();
    });
    this.settled.watch(`turn ${this.settled.open} ${this.settled.names.length}`, taken);
  }

  /** As a turn does, and as a recovery does that decides again. */
  append(): void {
    this.#appending++;
    this.#interlock.appendSent();
  }

  answer(): void {
    if (this.#appending === 0) return;
    this.#appending--;
    this.#interlock.appendAnswered();
  }

  /** An append has failed; the recovery decides some turns again. */
  fail(again: number): void {
    if (this.#appending === 0 || this.#interlock.recovering) return;
    this.answer();
    const held = new Held();
    this.#recoveries.push(held);
    this.#interlock.recover(async (resume) => {
      await this.#interlock.whenQuiet();
      await held.run();
      resume();
      for (let n = 0; n < again; n++) this.append();
    });
  }

  endSection(): void {
    this.#sections.find(({ isRunning }) => isRunning)?.end();
  }

  endRecovery(): void {
    this.#recoveries.find(({ isRunning }) => isRunning)?.end();
  }

  /** Everything comes to its end. */
  async finish(): Promise<void> {
    for (let round = 0; round < 400 && this.settled.open > 0; round++) {
      while (this.#appending > 0) this.answer();
      this.endRecovery();
      this.endSection();
      await promisesSettle();
      this.check();
    }
  }
}

describe('any interleaving of turns, failures and sections', () => {
  const move: fc.Arbitrary<Move> = fc.oneof(
    fc.constant<Move>((scene) => scene.section()),
    fc.constant<Move>((scene) => scene.turn()),
    fc.constant<Move>((scene) => scene.answer()),
    fc.nat(2).map<Move>((again) => (scene) => scene.fail(again)),
    fc.constant<Move>((scene) => scene.endSection()),
    fc.constant<Move>((scene) => scene.endRecovery()),
    fc.constant<Move>(() => promisesSettle()),
    fc.nat(3).map<Move>((count) => async () => {
      for (let n = 0; n < count; n++) await undefined;
    }),
  );

  it('runs sections one at a time, with nothing under way, and ends them all', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(move, { maxLength: 60 }), async (moves) => {
        const scene = new Scene();
        for (const play of moves) {
          await play(scene);
          scene.check();
        }
        await scene.finish();
        expect(scene.settled.open).toBe(0);
      }),
      { numRuns: 300 },
    );
  });
});

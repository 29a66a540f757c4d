import { beforeEach, describe, expect, it } from 'vitest';
import { type ErrorData, RamaxError } from '../../src/core/errors.js';
import { resolveLimits } from '../../src/core/limits.js';
import { newVitalsMemory, Vitals } from '../../src/core/vitals.js';
import { jsonFrames } from '../../src/protocol/json-frames.js';
import { type Call, type Caller, type LinkSpec, serve } from '../../src/protocol/link.js';
import type { Port } from '../../src/protocol/port.js';
import type { Thread } from '../../src/supervisor/thread-host.js';
import { type Death, ThreadKeeper } from '../../src/supervisor/thread-keeper.js';
import { houseChannel } from '../../src/testing/house-port.js';
import { Scheduler, schedulerClock } from '../../src/testing/scheduler.js';
import { rejectionOf } from '../core/error-of.js';

interface KeptCalls {
  readonly ready: Call<null, string>;
  readonly drain: Call<null, null>;
}

const link: LinkSpec<KeptCalls> = { name: 'main-kept', codec: jsonFrames, calls: { ready: 0, drain: 1 } };
const limits = resolveLimits({
  restartsMax: 3,
  restartWindowMs: 60_000,
  startTimeoutMs: 500,
  hangTimeoutMs: 400,
});
/** What a keeper in these tests may leave behind. */
let leftBehindMax: number;
/** How threads were lost that were up. */
let deaths: Death<KeptCalls>[];
let suspect: string | undefined;

/** How a thread behaves: it gets ready, never does, or refuses, for a reason that may pass or not. */
type Behaviour = 'ready' | 'silent' | 'refuses' | 'hopeless' | 'isFull';

function diskIsFull(): RamaxError {
  return new RamaxError('storage', 'the disk is full', { details: { passes: true } });
}

/** Since when a thread does not beat, and whether it ends when it is told to. */
type Hang = 'running' | 'hangs' | 'hangs in native code';

let scheduler: Scheduler;
let threads: FakeThread[];
/** How the next threads behave, in order; `ready` when there are no more. */
let behaviours: Behaviour[];
/** What the keeper did, in order. */
let story: string[];
let onUp: (caller: Caller<KeptCalls>, ready: string) => Promise<void>;
let givenUp: RamaxError[];
let troubles: string[];

class FakeThread implements Thread {
  readonly #number = threads.length + 1;
  readonly #its: Port;
  #end: (error: ErrorData | undefined) => void = () => {};
  readonly port: Port;
  readonly ended: Promise<ErrorData | undefined>;
  readonly vitals = newVitalsMemory();
  /** Its own side of them. */
  readonly signs = new Vitals(this.vitals);
  #asked = 0;
  readonly #late: ((answer: string) => void)[] = [];
  isRunning = true;
  hang: Hang = 'running';

  constructor(behaviour: Behaviour) {
    story.push(`start ${this.#number}`);
    const [port, its] = houseChannel(scheduler);
    this.port = port;
    this.#its = its;
    const beat = (): void => {
      if (this.isRunning && this.hang === 'running') this.signs.beat();
      if (this.isRunning) scheduler.plan(20, beat);
    };
    beat();
    this.ended = new Promise((resolve) => {
      this.#end = resolve;
    });
    serve(
      link,
      its,
      {
        ready: () => {
          if (this.#asked++ > 0) return new Promise<string>((say) => this.#late.push(say));
          if (behaviour === 'isFull') throw diskIsFull();
          if (behaviour === 'refuses') throw new RamaxError('invalid_app', 'no app');
          if (behaviour === 'hopeless') throw new RamaxError('corrupt', 'the log has lost its end');
          return behaviour === 'silent' ? new Promise<string>(() => {}) : `ready ${this.#number}`;
        },
        drain: () => {
          scheduler.plan(this.hang === 'running' ? 5 : 2_000, () => this.die(undefined));
          return null;
        },
      },
      schedulerClock(scheduler, () => true),
    );
  }

  /** It comes out of its native code, where it was told to end. */
  release(): void {
    this.hang = 'hangs';
    this.die(undefined);
  }

  /** Answers what it was asked before, as a thread does that goes on although it was given up. */
  speaksLate(): void {
    for (const say of this.#late) say('late');
  }

  /** The thread has ended; the link is lost, and a moment later the reason is known. */
  die(error: RamaxError | undefined = new RamaxError('storage', `death of ${this.#number}`)): void {
    if (!this.isRunning) return;
    this.isRunning = false;
    story.push(`end ${this.#number}`);
    this.#its.close();
    scheduler.plan(3, () => this.#end(error?.toData()));
  }

  async stop(): Promise<void> {
    if (this.hang !== 'hangs in native code') this.die(undefined);
    await this.ended;
  }
}

let keeper: ThreadKeeper<KeptCalls, string>;

beforeEach(() => {
  scheduler = new Scheduler(1);
  threads = [];
  behaviours = [];
  story = [];
  givenUp = [];
  troubles = [];
  onUp = async (_caller, ready) => void story.push(ready);
  leftBehindMax = 0;
  deaths = [];
  suspect = undefined;
  keeper = new ThreadKeeper<KeptCalls, string>({
    name: 'kept thread',
    link,
    clock: schedulerClock(scheduler, () => true),
    limits,
    start: () => {
      // B1: the one before has ended, or was left behind.
      expect(runningThreads()).toBeLessThanOrEqual(leftBehindMax);
      const thread = new FakeThread(behaviours.shift() ?? 'ready');
      threads.push(thread);
      return thread;
    },
    onUp: (caller, ready) => onUp(caller, ready),
    isHopeless: ({ code }) => code === 'corrupt',
    onGivenUp: (error) => givenUp.push(error),
    onLost: (death) => {
      expect(death.caller.isLost).toBe(true);
      deaths.push(death);
      return suspect;
    },
    get leftBehindMax() {
      return leftBehindMax;
    },
    onTrouble: (error) => troubles.push(error.message),
  });
});

const run = <T>(promise: Promise<T>): Promise<T> => scheduler.runUntil(promise);

/** At most one thread runs at a time. */
function runningThreads(): number {
  return threads.filter(({ isRunning }) => isRunning).length;
}

describe('the first start', () => {
  it('is done when the thread is ready and has what it needs', async () => {
    expect(keeper.caller).toBeUndefined();
    await run(keeper.start());
    expect(story).toEqual(['start 1', 'ready 1']);
    expect(keeper.caller).toBeDefined();
    expect(keeper.restarts).toBe(0);
  });

  it('shows the link to those who give the thread what it needs, and to nobody else before', async () => {
    let wasUp: boolean | undefined;
    onUp = async (caller) => {
      wasUp = keeper.caller !== undefined;
      expect(keeper.nascent).toBe(caller);
    };
    await run(keeper.start());
    expect(wasUp).toBe(false);
    expect(keeper.nascent).toBe(keeper.caller);
  });

  it('fails with what the thread says, and leaves no thread behind', async () => {
    behaviours = ['refuses'];
    const error = await run(rejectionOf(keeper.start()));
    expect([error.code, error.message]).toEqual(['invalid_app', 'no app']);
    await scheduler.advance(5_000);
    expect([runningThreads(), threads.length, givenUp]).toEqual([0, 1, []]);
  });

  it('fails when the thread does not get ready in time', async () => {
    behaviours = ['silent'];
    const error = await run(rejectionOf(keeper.start()));
    expect([error.code, error.message]).toEqual([
      'unavailable',
      'the kept thread did not start within 500 ms',
    ]);
    expect(scheduler.nowMs).toBeLessThan(1_000);
    expect(runningThreads()).toBe(0);
  });

  it('fails with the reason of a thread that dies before it is ready', async () => {
    behaviours = ['silent'];
    const started = rejectionOf(keeper.start());
    scheduler.plan(20, () => threads[0]?.die(new RamaxError('format_newer', 'too new')));
    expect((await run(started)).code).toBe('format_newer');
  });

  it('fails when the thread cannot be given what it needs', async () => {
    onUp = () => Promise.reject(new RamaxError('storage', 'the log is gone'));
    expect((await run(rejectionOf(keeper.start()))).message).toBe('the log is gone');
    expect([runningThreads(), keeper.caller, keeper.nascent]).toEqual([0, undefined, undefined]);
  });
});

describe('a thread that ends without being asked to', () => {
  it('is started again after it has ended, each time a little later', async () => {
    await run(keeper.start());
    const at: number[] = [];
    for (let death = 0; death < 3; death++) {
      const before = scheduler.nowMs;
      threads.at(-1)?.die();
      while (threads.length < death + 2) await scheduler.step();
      at.push(scheduler.nowMs - before);
      expect(keeper.caller).toBeUndefined();
      while (keeper.caller === undefined) await scheduler.step();
    }
    expect(keeper.restarts).toBe(3);
    expect(at.map((ms, index) => ms >= 10 * 2 ** index)).toEqual([true, true, true]);
    expect(story.filter((what) => what.startsWith('ready'))).toEqual([
      'ready 1',
      'ready 2',
      'ready 3',
      'ready 4',
    ]);
    for (let number = 1; number < 4; number++) {
      expect(story.indexOf(`end ${number}`)).toBeLessThan(story.indexOf(`start ${number + 1}`));
    }
  });

  it('is given up after too many restarts, with the last reason', async () => {
    await run(keeper.start());
    for (let death = 0; death < 4; death++) {
      threads.at(-1)?.die(new RamaxError('corrupt', `death ${death}`));
      await scheduler.advance(1_000);
    }
    expect(threads).toHaveLength(4);
    expect(givenUp).toHaveLength(1);
    expect(givenUp[0]).toMatchObject({
      code: 'unavailable',
      message: 'the kept thread keeps failing: death 3',
      details: { thread: 'kept thread', restarts: 3, lastError: 'corrupt' },
    });
    await scheduler.advance(100_000);
    expect([threads.length, givenUp.length]).toEqual([4, 1]);
  });

  it('counts restarts that fail, too', async () => {
    await run(keeper.start());
    behaviours = ['refuses', 'silent', 'refuses'];
    threads[0]?.die();
    await scheduler.advance(10_000);
    expect([threads.length, keeper.restarts, givenUp.length]).toEqual([4, 3, 1]);
    expect(givenUp[0]?.details['lastError']).toBe('invalid_app');
    expect(runningThreads()).toBe(0);
  });

  it('is given up at once, with the reason itself, when it cannot be started again and never will be', async () => {
    await run(keeper.start());
    behaviours = ['silent', 'hopeless'];
    // The same code from a thread that was up is no reason: what it had found may be mended by its successor.
    threads[0]?.die(new RamaxError('corrupt', 'a thread that was up'));
    await scheduler.advance(10_000);
    expect(threads).toHaveLength(3);
    expect(givenUp).toEqual([
      expect.objectContaining({ code: 'corrupt', message: 'the log has lost its end' }),
    ]);
    await scheduler.advance(100_000);
    expect([threads.length, givenUp.length, runningThreads()]).toEqual([3, 1, 0]);
  });

  it('ends well when a later restart succeeds', async () => {
    await run(keeper.start());
    behaviours = ['refuses', 'ready'];
    threads[0]?.die();
    await scheduler.advance(10_000);
    expect([keeper.caller === undefined, keeper.restarts, givenUp]).toEqual([false, 2, []]);
  });
});

describe('a thread that hangs', () => {
  it('is ended, and the next one takes its place; a slow one is left alone', async () => {
    await run(keeper.start());
    for (let slow = 0; slow < 5; slow++) {
      threads[0]!.hang = 'hangs';
      await scheduler.advance(300);
      threads[0]!.hang = 'running';
      await scheduler.advance(60);
    }
    expect([threads.length, keeper.restarts]).toEqual([1, 0]);
    threads[0]!.hang = 'hangs';
    await scheduler.advance(800);
    expect([threads.length, keeper.restarts, runningThreads()]).toEqual([2, 1, 1]);
    expect(story.indexOf('end 1')).toBeLessThan(story.indexOf('start 2'));
    expect(deaths.map(({ cause }) => cause.message)).toEqual([
      'the kept thread has hung for 400 ms and was ended',
    ]);
    expect(keeper.caller).toBeDefined();
  });

  it('is told with what it ran', async () => {
    await run(keeper.start());
    threads[0]!.signs.runs(17);
    threads[0]!.hang = 'hangs';
    await scheduler.advance(800);
    threads[1]!.signs.applies(3, 1, 2 ** 40);
    threads[1]!.die();
    await scheduler.advance(800);
    threads[2]!.signs.runs(18);
    threads[2]!.signs.rests();
    threads[2]!.die();
    await scheduler.advance(800);
    expect(deaths.map(({ running }) => running)).toEqual([
      { kind: 'call', callId: 17 },
      { kind: 'event', spaceId: 3, view: 1, spaceSequence: 2 ** 40 },
      { kind: 'nothing' },
    ]);
  });

  it('again and again is given up', async () => {
    await run(keeper.start());
    for (let hang = 0; hang < 4; hang++) {
      threads.at(-1)!.hang = 'hangs';
      await scheduler.advance(2_000);
    }
    expect([threads.length, runningThreads(), givenUp.length]).toEqual([4, 0, 1]);
    expect(givenUp[0]?.message).toContain('has hung for 400 ms');
  });

  it('because of a suspect is started again as often as there is one, until the suspect is acquitted', async () => {
    await run(keeper.start());
    suspect = 'command 1 is x';
    for (let death = 0; death < 6; death++) {
      threads.at(-1)?.die();
      await scheduler.advance(2_000);
    }
    expect([keeper.restarts, givenUp]).toEqual([6, []]);
    keeper.acquitted('command 1 is x');
    suspect = undefined;
    threads.at(-1)?.die();
    await scheduler.advance(2_000);
    expect(givenUp).toHaveLength(1);
  });

  it('is none while it says that its work takes long', async () => {
    await run(keeper.start());
    threads[0]!.signs.worksLong();
    threads[0]!.hang = 'hangs';
    await scheduler.advance(10_000);
    expect([threads.length, deaths]).toEqual([1, []]);
    threads[0]!.signs.rests();
    await scheduler.advance(1_000);
    expect(threads).toHaveLength(2);
  });

  it('is not watched while it drains', async () => {
    await run(keeper.start());
    const drained = keeper.drain();
    threads[0]!.hang = 'hangs';
    await run(drained);
    expect([threads.length, deaths]).toEqual([1, []]);
    // It had the time that it needed.
    expect(scheduler.nowMs).toBeGreaterThan(2_000);
  });

  it('while it is given what it needs is replaced as well', async () => {
    onUp = (caller, ready) => {
      if (ready !== 'ready 1') return Promise.resolve();
      threads[0]!.hang = 'hangs';
      return caller.call('ready', null).then(() => {});
    };
    const started = rejectionOf(keeper.start());
    expect((await run(started)).code).toBe('unavailable');
    expect(runningThreads()).toBe(0);
  });
});

describe('a thread that does not end', () => {
  it('is left behind where that is allowed; what it says late is heard by nobody', async () => {
    leftBehindMax = 1;
    await run(keeper.start());
    const { caller } = keeper;
    const lost = rejectionOf(caller!.call('ready', null));
    threads[0]!.hang = 'hangs in native code';
    await scheduler.advance(10_000);
    expect([threads.length, runningThreads(), keeper.isStuck]).toEqual([2, 2, true]);
    expect((await run(lost)).code).toBe('unavailable');
    threads[0]!.speaksLate();
    await scheduler.advance(1_000);
    expect(keeper.caller).toBeDefined();
    threads[0]!.release();
    await scheduler.advance(1_000);
    expect([threads.length, runningThreads(), keeper.isStuck, keeper.restarts]).toEqual([2, 1, false, 1]);
    expect([deaths.length, givenUp]).toEqual([1, []]);
  });

  it('is given up where no other may take its place, and nothing is started beside it', async () => {
    await run(keeper.start());
    threads[0]!.hang = 'hangs in native code';
    await scheduler.advance(10_000);
    expect([threads.length, keeper.isStuck, givenUp.length]).toEqual([1, true, 1]);
    expect(givenUp[0]?.message).toMatch(/^the kept thread cannot be replaced: it does not end/);
    await run(keeper.stop());
    expect(keeper.isStuck).toBe(true);
  });

  it('does not hold up stopping for ever', async () => {
    await run(keeper.start());
    threads[0]!.hang = 'hangs in native code';
    await run(keeper.stop());
    expect([keeper.isStuck, givenUp]).toEqual([true, []]);
    threads[0]!.release();
    await scheduler.advance(100);
    expect(keeper.isStuck).toBe(false);
  });

  it('is given up when more are left behind than may be', async () => {
    leftBehindMax = 2;
    await run(keeper.start());
    for (let hang = 0; hang < 3; hang++) {
      threads.at(-1)!.hang = 'hangs in native code';
      await scheduler.advance(10_000);
    }
    expect([threads.length, givenUp.length]).toEqual([3, 1]);
  });
});

describe('stopping', () => {
  it('ends the thread, and starts nothing again', async () => {
    await run(keeper.start());
    await run(keeper.stop());
    expect(keeper.caller).toBeUndefined();
    await scheduler.advance(100_000);
    expect([threads.length, runningThreads(), keeper.restarts]).toEqual([1, 0, 0]);
  });

  it('while it waits to start again starts nothing', async () => {
    await run(keeper.start());
    threads[0]?.die();
    await scheduler.advance(5);
    await run(keeper.stop());
    await scheduler.advance(100_000);
    expect([threads.length, givenUp]).toEqual([1, []]);
  });

  it('while a thread is starting again ends that one', async () => {
    await run(keeper.start());
    behaviours = ['silent'];
    threads[0]?.die();
    while (threads.length < 2) await scheduler.step();
    await run(keeper.stop());
    await scheduler.advance(100_000);
    expect([threads.length, runningThreads(), givenUp]).toEqual([2, 0, []]);
  });

  it('before anything was started does nothing', async () => {
    await run(keeper.stop());
    await run(keeper.drain());
    expect(story).toEqual([]);
  });
});

describe('draining', () => {
  it('lets the thread finish, and resolves when it has ended', async () => {
    await run(keeper.start());
    await run(keeper.drain());
    expect(runningThreads()).toBe(0);
    await scheduler.advance(100_000);
    expect([threads.length, givenUp]).toEqual([1, []]);
  });

  it('resolves also when the thread dies of it', async () => {
    await run(keeper.start());
    const drained = keeper.drain();
    threads[0]?.die();
    await run(drained);
    await scheduler.advance(100_000);
    expect([threads.length, keeper.restarts]).toEqual([1, 0]);
  });

  it('while the thread is down starts nothing again', async () => {
    await run(keeper.start());
    threads[0]?.die();
    await scheduler.advance(8);
    await run(keeper.drain());
    await scheduler.advance(100_000);
    expect(threads).toHaveLength(1);
  });
});

describe('trouble that passes', () => {
  it('is no reason to give up: the thread is started again for as long as it lasts, and the trouble told of', async () => {
    await run(keeper.start());
    behaviours = Array.from({ length: 20 }, () => 'isFull');
    threads[0]?.die(diskIsFull());
    await scheduler.advance(20_000);
    expect([givenUp, keeper.caller]).toEqual([[], undefined]);
    expect(keeper.trouble?.message).toBe('the disk is full');
    // The first end may be over with the next start.
    expect(troubles.length).toBe(threads.length - 1);
    await scheduler.advance(60_000);
    expect([threads.length, keeper.trouble, keeper.caller === undefined]).toEqual([22, undefined, false]);
  });
});

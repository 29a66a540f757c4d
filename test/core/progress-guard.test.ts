import { describe, expect, it, vi } from 'vitest';
import { ProgressGuard } from '../../src/core/progress-guard.js';
import { promisesSettle } from '../testing/manual-clock.js';
import { errorOf } from './error-of.js';

/** A call that says whether it was cancelled. */
function call<Reply>(answer: Promise<Reply>) {
  const state = { cancels: 0 };
  const pending = {
    answer,
    cancel: () => {
      state.cancels++;
    },
  };
  return { state, pending };
}

/** What a promise rejects with. */
async function thrownBy(promise: Promise<unknown>): Promise<Error> {
  return promise.then(
    () => new Error('it has not rejected'),
    (error: Error) => error,
  );
}

describe('the guard of a listener', () => {
  it('tells it everything, and lets the answer through', async () => {
    const told: number[] = [];
    const guard = new ProgressGuard<number>((progress) => told.push(progress));
    const { pending, state } = call(Promise.resolve('done'));
    const answer = guard.settled(guard.watch(pending).answer);
    for (const progress of [1, 2, 3]) guard.report(progress);
    expect([await answer, told, state.cancels]).toEqual(['done', [1, 2, 3], 0]);
  });

  it('lets the failure of the call through', async () => {
    const guard = new ProgressGuard<number>(() => {});
    const { pending } = call(Promise.reject(new RangeError('of the call')));
    expect((await thrownBy(guard.settled(guard.watch(pending).answer))).message).toBe('of the call');
  });

  it.each([
    ['answers all the same', async () => 'done'],
    ['then fails', () => Promise.reject(new RangeError('aborted'))],
  ])(
    'cancels a call whose listener throws, and gives the caller what was thrown, when the call %s',
    async (_what, reply) => {
      const guard = new ProgressGuard<number>((progress) => {
        throw new TypeError(`my own mistake ${progress}`);
      });
      const { pending, state } = call<unknown>(reply());
      const answer = thrownBy(guard.settled(guard.watch(pending).answer));
      expect(() => guard.report(1)).not.toThrow();
      guard.report(2);
      expect((await answer).message).toBe('my own mistake 1');
      expect(state.cancels).toBeGreaterThan(0);
    },
  );

  it('takes a listener that returns a promise which rejects for one that throws', async () => {
    const guard = new ProgressGuard<number>(async (progress) => {
      throw new TypeError(`my own mistake ${progress}`);
    });
    let end: (reply: string) => void = () => {};
    const { pending, state } = call(new Promise<string>((resolve) => (end = resolve)));
    const answer = thrownBy(guard.settled(guard.watch(pending).answer));
    guard.report(1);
    await promisesSettle();
    expect(state.cancels).toBe(1);
    end('done');
    expect((await answer).message).toBe('my own mistake 1');
  });

  it('lets nobody be harmed by a promise that rejects when the call has ended, and waits for none', async () => {
    let fail: (error: Error) => void = () => {};
    const guard = new ProgressGuard<number>(() => new Promise<void>((_resolve, reject) => (fail = reject)));
    guard.report(1);
    expect(await guard.settled(Promise.resolve('done'))).toBe('done');
    const unhandled = vi.fn();
    process.once('unhandledRejection', unhandled);
    fail(new TypeError('too late'));
    await promisesSettle();
    process.off('unhandledRejection', unhandled);
    expect(unhandled).not.toHaveBeenCalled();
  });

  it('takes what has a method then, and a then that throws, for a promise that rejects', async () => {
    const error = new TypeError('then');
    const thenables: object[] = [
      {
        // biome-ignore lint/suspicious/noThenProperty: a thenable is what is tested.
        then() {
          throw error;
        },
      },
      {
        // biome-ignore lint/suspicious/noThenProperty: a thenable is what is tested.
        get then() {
          throw error;
        },
      },
    ];
    for (const thenable of thenables) {
      const guard = new ProgressGuard<number>((() => thenable) as () => void);
      guard.report(1);
      await promisesSettle();
      expect(await thrownBy(guard.settled(Promise.resolve(1)))).toBe(error);
    }
  });

  it('refuses a listener that is none, and does without one', async () => {
    for (const listener of [null, 5, {}]) {
      const error = errorOf(() => new ProgressGuard(listener as never));
      expect([error.code, error.details['field']]).toEqual(['invalid_input', 'onProgress']);
    }
    new ProgressGuard<number>(undefined).report(1);
  });

  it('keeps what was thrown when no call is watched yet', async () => {
    const guard = new ProgressGuard<number>(() => {
      throw new TypeError('early');
    });
    guard.report(1);
    expect((await thrownBy(guard.settled(Promise.resolve(1)))).message).toBe('early');
  });

  it('throws on what is no error as well', async () => {
    const guard = new ProgressGuard<number>(() => {
      throw undefined;
    });
    guard.report(1);
    const settled = guard.settled(Promise.resolve(1)).then(
      () => 'resolved',
      (error: unknown) => ['rejected', error],
    );
    expect(await settled).toEqual(['rejected', undefined]);
  });
});

import { RamaxError } from 'ramax';
import { describe, expect, it } from 'vitest';
import { Tally } from '../../../examples/demo/tally.js';
import { type Receipt, Traffic } from '../../../examples/demo/traffic.js';

const receipt: Receipt = { eventIds: [1], spaceSequence: 1 };

/** Commands that are answered when the test says so. */
function traffic(inFlightMax: number) {
  const tally = new Tally();
  const answers: PromiseWithResolvers<Receipt>[] = [];
  const sent = new Traffic(tally, inFlightMax);
  const send = (acknowledged?: (receipt: Receipt) => void) => {
    const answer = withResolvers<Receipt>();
    answers.push(answer);
    sent.send(() => answer.promise, acknowledged);
  };
  return { tally, answers, traffic: sent, send };
}

interface PromiseWithResolvers<Result> {
  promise: Promise<Result>;
  resolve: (result: Result) => void;
  reject: (error: unknown) => void;
}

function withResolvers<Result>(): PromiseWithResolvers<Result> {
  let resolve: (result: Result) => void = () => {};
  let reject: (error: unknown) => void = () => {};
  const promise = new Promise<Result>((...functions) => {
    [resolve, reject] = functions;
  });
  return { promise, resolve, reject };
}

describe('traffic', () => {
  it('is full at its bound and has room after an answer', async () => {
    const { traffic: sent, send, answers } = traffic(2);
    send();
    expect(sent.isFull).toBe(false);
    send();
    expect(sent.isFull).toBe(true);
    const room = sent.room();
    answers[1]!.resolve(receipt);
    await room;
    expect(sent.inFlight).toBe(1);
  });

  it('is drained when every command is answered, whatever the answer', async () => {
    const { traffic: sent, send, answers, tally } = traffic(10);
    for (let count = 0; count < 3; count++) send();
    const drained = sent.drained();
    answers[0]!.resolve(receipt);
    answers[1]!.reject(new RamaxError('command_rejected', 'no', { reason: 'rule' }));
    answers[2]!.reject(new RamaxError('timeout', 'late'));
    await drained;
    expect(tally).toMatchObject({ accepted: 1, rejected: 1, failed: 1 });
    await sent.drained();
  });

  it('keeps answers about the command apart from failures, and the first failure', async () => {
    const { traffic: sent, send, answers, tally } = traffic(10);
    const codes = ['conflict', 'invalid_input', 'overloaded', 'storage'] as const;
    for (const code of codes) {
      send();
      answers.at(-1)!.reject(new RamaxError(code, code));
    }
    await sent.drained();
    expect(tally.rejectedByReason.map(([reason]) => reason)).toEqual(['conflict', 'invalid_input']);
    expect(tally.failedByCode.map(([code]) => code)).toEqual(['overloaded', 'storage']);
    expect(sent.failure).toMatchObject({ code: 'overloaded' });
  });

  it('counts an error that is not from Ramax, and one thrown at once, as a failure', async () => {
    const { traffic: sent, tally } = traffic(10);
    sent.send(() => {
      throw new TypeError('a bug');
    });
    await sent.drained();
    expect(tally.failedByCode).toEqual([['unexpected', 1]]);
  });

  it('counts an acknowledged command once, even when telling of it fails', async () => {
    const { traffic: sent, send, answers, tally } = traffic(10);
    send(() => {
      throw new Error('disk full');
    });
    answers[0]!.resolve(receipt);
    await sent.drained();
    expect(tally).toMatchObject({ accepted: 1, answered: 1 });
    expect(sent.failure).toMatchObject({ message: 'disk full' });
  });
});

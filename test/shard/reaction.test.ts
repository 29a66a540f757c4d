import { describe, expect, it } from 'vitest';
import { defaultLimits } from '../../src/core/limits.js';
import type { ReactorHandler } from '../../src/core/reactor.js';
import { newVitalsMemory, reactionsUnderWay, runningOf, Vitals } from '../../src/core/vitals.js';
import { nodePlatform } from '../../src/platform/node-platform.js';
import type { ReactionRequest } from '../../src/protocol/bodies.js';
import { Reaction, type ReactionEnd } from '../../src/shard/reaction.js';

const memory = newVitalsMemory();

function reaction(execute: (request: Omit<ReactionRequest, 'requestId'>) => Promise<never>): Reaction {
  return new Reaction({
    desk: { execute },
    platform: nodePlatform,
    limits: defaultLimits,
    vitals: new Vitals(memory),
    read: () => Promise.reject(new Error('nobody reads')),
    address: { spaceId: 7, spaceName: 'acme' },
    place: { spaceId: 7, reactor: 'echo', spaceSequence: 3, part: 0 },
    reactorIndex: 2,
    invocationId: '00000000-0000-4000-8000-000000000000',
    event: { eventId: 9, correlationId: 'c', type: 'said', metadata: {} } as never,
    attempt: 1,
    stopped: new AbortController().signal,
  });
}

describe('one attempt of a handler', () => {
  it('does not end before every command that it has issued, also those that it does not wait for', async () => {
    let answer: (value: never) => void = () => {};
    const answered = new Promise<never>((resolve) => {
      answer = resolve;
    });
    const handler: ReactorHandler = (_event, context) => {
      void context.execute('note' as never, undefined as never);
    };
    let end: ReactionEnd | undefined;
    const run = reaction(() => answered)
      .run(handler)
      .then((ended) => {
        end = ended;
      });
    for (let turns = 0; turns < 5; turns++) await new Promise(setImmediate);
    expect(end).toBeUndefined();
    answer({ eventIds: [], spaceSequence: 1 } as never);
    await run;
    expect(end).toEqual({ kind: 'done' });
  });

  it('is marked while it runs, noted while it waits, and forgotten when it has ended', async () => {
    const place = { kind: 'reaction', spaceId: 7, reactor: 2, spaceSequence: 3 };
    let go: () => void = () => {};
    const seen: unknown[] = [];
    const run = reaction(() => Promise.reject(new Error('nobody calls'))).run(() => {
      seen.push(runningOf(memory));
      return new Promise<void>((resolve) => {
        go = resolve;
      });
    });
    await new Promise(setImmediate);
    await new Promise(setImmediate);
    expect(seen).toEqual([place]);
    expect(runningOf(memory)).toEqual({ kind: 'nothing' });
    expect(reactionsUnderWay(memory)).toEqual([place]);
    go();
    await run;
    expect(reactionsUnderWay(memory)).toEqual([]);
  });

  it('refuses commands of a handler that has ended', async () => {
    let late: () => Promise<unknown> = async () => {};
    await reaction(() => Promise.reject(new Error('too late'))).run((_event, context) => {
      late = () => context.execute('note' as never, undefined as never);
    });
    await expect(late()).rejects.toMatchObject({ code: 'aborted' });
  });
});

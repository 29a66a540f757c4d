/** What the kit plays besides commands: releases, subscribers, conditions, reactors and timers; and the mistakes that it finds there. */

import { describe, expect, it } from 'vitest';
import { defineApp, schedule } from '../../src/index.js';
import { type SimulationOptions, simulate } from '../../src/testing/index.js';
import { SimulationFailure } from '../../src/testing/simulation-failure.js';

type Mistake = 'version kept' | 'upcaster throws' | 'timer fails' | 'reactor fails';

function counterOf(release: number, mistake?: Mistake) {
  const upcaster = ({ payload }: { payload: unknown }) => {
    if (mistake === 'upcaster throws') throw new Error('no idea');
    return 10 * (payload as number);
  };
  return defineApp({
    name: 'counter',
    version: mistake === 'version kept' ? 1 : release + 1,
    upcasters: release === 0 ? {} : { added: { 1: upcaster } },
    commands: {
      add: (_pstate, n: number) => [{ entityId: 'sum', type: 'added', payload: release === 0 ? n : 10 * n }],
      later: (_pstate, n: number) => [schedule({ id: `t${n}`, after: n, command: 'ring', params: n })],
      ring(_pstate, n: number) {
        if (mistake === 'timer fails' && n % 2 === 0) throw new Error('it does not ring');
        return [{ entityId: 'bell', type: 'rung', payload: n }];
      },
      note: (_pstate, n: number) => [{ entityId: 'note', type: 'noted', payload: n }],
    },
    projections: {
      added: (pstate, { payload }) => void pstate.update<number>('sum', (sum = 0) => sum + payload),
    },
    reactors: {
      noting: {
        from: 'start',
        retry: { attemptsMax: 2, firstDelayMs: 5 },
        on: {
          rung: async ({ payload }, context) => {
            if (mistake === 'reactor fails') throw new Error('the line is dead');
            await context.execute('note', payload);
          },
        },
      },
    },
    queries: { sum: (pstate) => pstate.get<number>('sum') ?? 0 },
  });
}

type Counter = ReturnType<typeof counterOf>;

const options = (mistake?: Mistake): SimulationOptions<Counter> => ({
  app: counterOf(0, mistake),
  releases: [counterOf(1, mistake)],
  seeds: 20,
  steps: 12,
  limits: { timerRetryMs: 5 },
  commands: { add: (random) => 1 + random.below(9), later: (random) => random.below(40) },
});

async function failureOf(given: SimulationOptions<Counter>): Promise<SimulationFailure> {
  const outcome: unknown = await simulate(given).catch((error: unknown) => error);
  expect(outcome).toBeInstanceOf(SimulationFailure);
  return outcome as SimulationFailure;
}

const eventsOf = (types: readonly string[], { events }: { readonly events: readonly { type: string }[] }) =>
  events.filter(({ type }) => types.includes(type)).length;

describe('a simulation of two releases', () => {
  it('ends with the last one, in which all events have its shapes', async () => {
    await simulate({
      ...options(),
      atTheEnd: {
        'all are tens': ({ events }) =>
          events.every(({ type, payload }) => type !== 'added' || Number(payload) % 10 === 0),
      },
      eventually: {
        'what rang is noted': (space) => eventsOf(['rung'], space) === eventsOf(['noted'], space),
      },
    });
  });

  it.each<[Mistake, string, RegExp]>([
    ['version kept', 'stateIsFold', /view 'main' after a restart|view 'main'/],
    ['upcaster throws', 'viewsDoNotStop', /no idea|upcast/],
    ['timer fails', 'timersEndOnce', /timer 't\d+' .* and failed/],
    ['reactor fails', 'reactorsDoNotPark', /'noting' has parked the event .* the line is dead/],
  ])('finds: %s', async (mistake, invariant, reason) => {
    const failure = await failureOf({ ...options(mistake), shrink: false });
    expect([failure.invariant, failure.reason]).toEqual([invariant, expect.stringMatching(reason)]);
  });

  it('tells in its story when another release comes', async () => {
    const failure = await failureOf({ ...options(), atTheEnd: { never: () => false } });
    expect(failure.message).toMatch(/the runtime has started again, with release 2 of the app/);
  });
});

describe('subscribers of a simulation', () => {
  it('are given everything, whatever they keep, and may act on it', { timeout: 60_000 }, async () => {
    const given = new Map<string, number>();
    const note = (name: string) => () => void given.set(name, (given.get(name) ?? 0) + 1);
    await simulate({
      ...options(),
      subscribers: {
        reader: { handle: note('reader') },
        keeper: { of: 'all spaces', keeps: 'position', handle: note('keeper') },
        mailer: { keeps: 'name', query: { types: ['added', 'rung'] }, handle: note('mailer') },
      },
    });
    expect([...given.keys()].sort()).toEqual(['keeper', 'mailer', 'reader']);
  });

  it('that fail are told of, and options that make no sense are refused', async () => {
    const bad = () => {
      throw new TypeError('cannot read it');
    };
    const failure = await failureOf({
      ...options(),
      shrink: false,
      subscribers: { reader: { handle: bad } },
    });
    expect([failure.invariant, failure.reason]).toEqual(['clientsEnd', expect.stringMatching(/cannot read/)]);
    for (const wrong of [{ keeps: 'all' }, { of: 'some' }, { query: [] }, { handles: bad }])
      await expect(simulate({ ...options(), subscribers: { reader: wrong as never } })).rejects.toMatchObject(
        {
          code: 'invalid_input',
        },
      );
  });
});

import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { defineApp } from '../../src/core/define-app.js';
import { RamaxError } from '../../src/core/errors.js';
import { reject } from '../../src/core/rejection.js';
import { given } from '../../src/testing/given.js';
import type { IssuedCommand } from '../../src/testing/given-reaction.js';

const bought = (item: string) => ({ entityId: 'cart', type: 'bought' as const, payload: { item } });
const seen: unknown[] = [];

const shop = defineApp({
  name: 'shop',
  params: { reserve: z.object({ item: z.string().max(9) }) },
  commands: {
    buy: (_pstate, item: string) => [bought(item)],
    reserve: (_pstate, { item }) => [{ entityId: item, type: 'reserved', payload: { item } }],
    thank: (_pstate, times: number) => [{ entityId: 'cart', type: 'thanked', payload: { times } }],
  },
  projections: {
    bought: (pstate, { payload }) => void pstate.update<number>(payload.item, (times = 0) => times + 1),
  },
  queries: { times: (pstate, item: string) => pstate.get<number>(item) ?? 0 },
  upcasters: {
    bought: {
      // Of old, several things were bought at once.
      1: ({ payload }) =>
        (payload as { items: string[] }).items.map((item) => ({ type: 'bought', payload: { item } })),
    },
  },
  reactors: {
    fulfil: {
      retry: { attemptsMax: 3 },
      on: {
        async bought({ payload: { item } }, context) {
          if (item === 'trouble') throw new Error('the printer is on fire');
          await context.space('warehouse').execute('reserve', { item });
          await context.execute('thank', await context.query<number>('times', item));
        },
      },
    },
    watching: {
      on: {
        async bought(event, context) {
          const { spaceName, attempt, now, newId } = context;
          seen.push({ event, spaceName, attempt, now, id: newId(), value: await context.fetch('lamp') });
          await context.execute('thanc' as 'thank', 1);
        },
        thanked: (_event, context) => void context.execute('thank', 1),
      },
    },
  },
});

const space = given(shop, [bought('lamp')]);

describe('given events, when one more comes, a reactor', () => {
  it('issues commands, with derived ids, about the state behind the event', async () => {
    const id = (n: number) => `ramax.reactor/1.2.0.${n}/00000000-0000-4000-8000-000000000000/fulfil`;
    expect(await space.react('fulfil', bought('lamp'))).toEqual({
      kind: 'handled',
      commands: [
        { command: 'reserve', params: { item: 'lamp' }, spaceName: 'warehouse', commandId: id(0) },
        { command: 'thank', params: 2, spaceName: 'given', commandId: id(1) },
      ],
    });
    const again = await space.react('fulfil', bought('lamp'), { attempt: 2, spaceName: 'shop' });
    expect(again.commands.map(({ commandId }) => commandId)).toEqual([id(0), id(1)]);
    expect(again.commands[1]?.spaceName).toBe('shop');
  });

  it('hears of its commands what the test answers', async () => {
    const issued: IssuedCommand[] = [];
    const answer = (command: IssuedCommand) => {
      issued.push(command);
      return command.command === 'reserve' ? reject('out_of_stock', { left: 0 }) : undefined;
    };
    const end = await space.react('fulfil', bought('lamp'), { answer });
    expect(end).toMatchObject({
      kind: 'failed',
      fate: 'parked',
      error: { code: 'command_rejected', reason: 'out_of_stock', details: { left: 0 } },
      commands: [{ command: 'reserve' }],
    });
    expect(end.commands).toEqual(issued);
    const busy = () => {
      throw new RamaxError('overloaded', 'later');
    };
    const later = await space.react('fulfil', bought('lamp'), { answer: busy });
    expect(later).toMatchObject({ kind: 'failed', fate: 'retried', error: { code: 'overloaded' } });
  });

  it('fails with what its handler throws: it is tried again, and parked after the last attempt', async () => {
    const at = (attempt: number) => space.react('fulfil', bought('trouble'), { attempt });
    const error = { code: 'reaction_failed', message: expect.stringContaining('printer') };
    expect(await at(1)).toMatchObject({ kind: 'failed', fate: 'retried', commands: [], error });
    expect(await at(2)).toMatchObject({ fate: 'retried' });
    expect(await at(3)).toMatchObject({ fate: 'parked' });
  });

  it('cannot issue what the app would not take', async () => {
    const empty = await space.react('fulfil', bought('long underwear'));
    expect(empty).toMatchObject({ kind: 'failed', fate: 'parked', error: { code: 'invalid_input' } });
    const misspelt = await space.react('watching', bought('lamp'));
    expect(misspelt).toMatchObject({ kind: 'failed', fate: 'parked', error: { code: 'unknown_command' } });
  });

  it('has the context that the test gives it', async () => {
    seen.splice(0);
    const options = { attempt: 4, now: 5, spaceName: 'acme' };
    await space.react('watching', bought('lamp'), options);
    await space.react('watching', bought('lamp'), { ...options, now: 6 });
    const [first, second] = seen as { id: string }[];
    expect(first).toMatchObject({
      ...options,
      value: 2,
      event: { type: 'bought', spaceSequence: 2, eventId: 2, spaceId: 1 },
    });
    expect(second?.id).toBe(first?.id);
  });

  it('passes over events that it has no handler for', async () => {
    const other = { entityId: 'cart', type: 'thanked', payload: { times: 1 } };
    expect(await space.react('fulfil', other)).toEqual({ kind: 'passedOver', commands: [] });
    expect(await space.react('watching', other)).toMatchObject({
      kind: 'handled',
      commands: [{ command: 'thank' }],
    });
  });

  it('handles an event that is read as several part by part, up to one that fails', async () => {
    const old = (...items: string[]) => ({
      entityId: 'cart',
      type: 'bought',
      version: 1,
      payload: { items },
    });
    const both = await space.react('fulfil', old('lamp', 'chair'));
    expect(both.commands.map(({ commandId }) => commandId.slice(14, 21))).toEqual([
      '1.2.0.0',
      '1.2.0.1',
      '1.2.1.0',
      '1.2.1.1',
    ]);
    const third = await space.react('fulfil', old('lamp', 'trouble', 'chair'));
    expect(third).toMatchObject({
      kind: 'failed',
      commands: [{ command: 'reserve' }, { command: 'thank' }],
    });
  });

  it('must be one of the app', async () => {
    await expect(space.react('fulfill', bought('lamp'))).rejects.toMatchObject({
      code: 'invalid_input',
      message: expect.stringContaining("'fulfil', 'watching'"),
    });
  });
});

import { RamaxError, reject } from 'ramax';
import { given, givenEntity } from 'ramax/testing';
import { describe, expect, it } from 'vitest';
import type { Charge } from '../../../examples/orders/bank.js';
import { order } from '../../../examples/orders/order.js';
import { ordersWith } from '../../../examples/orders/orders.app.js';
import { stock } from '../../../examples/orders/stock.js';

const wanted = { id: 'given', item: 'lamp', quantity: 2 };
const placed = { type: 'order.placed', payload: wanted } as const;
const reserved = { type: 'order.reserved', payload: wanted } as const;
const begun = { type: 'order.paymentBegun', payload: { ...wanted, card: 'full' } } as const;
const timedOut = { type: 'order.timedOut', payload: wanted } as const;
const paid = { type: 'order.paid', payload: wanted } as const;
const rejected = { type: 'order.rejected', payload: { ...wanted, reason: 'card_declined' } } as const;
const ofOrder = <Event extends object>(event: Event) => ({ ...event, entityId: 'order:given' });

describe('an order', () => {
  it('is placed with its time-out', () => {
    const answer = givenEntity(order).when(
      'place',
      { item: 'lamp', quantity: 2, payWithinMs: 300 },
      { now: 1_000 },
    );
    expect(answer).toMatchObject({
      kind: 'accepted',
      events: [
        placed,
        {
          type: 'ramax.timer.scheduled',
          payload: { timerId: 'time-out:given', dueAt: 1_300, command: 'timeOut', params: { id: 'given' } },
        },
      ],
    });
  });

  it('is paid for when its stock is held, and then cannot time out', () => {
    const held = givenEntity(order, [placed, reserved]);
    expect(held.when('pay', { card: 'full' })).toMatchObject({ kind: 'accepted', events: [begun] });
    expect(held.when('timeOut', {})).toMatchObject({ kind: 'accepted', events: [timedOut] });
    const paying = held.and([begun]);
    expect(paying.when('timeOut', {})).toMatchObject({ kind: 'rejected', reason: 'not_now' });
    expect(paying.when('confirmPaid', {})).toMatchObject({ kind: 'accepted', events: [paid] });
    expect(givenEntity(order, [placed]).when('pay', { card: 'full' })).toMatchObject({ reason: 'not_now' });
  });

  it.each([paid, timedOut, rejected])('has ended when it is $type', (end) => {
    const ended = givenEntity(order, [placed, end]);
    for (const command of ['confirmReserved', 'confirmPaid', 'timeOut'] as const)
      expect(ended.when(command, {})).toMatchObject({ kind: 'rejected', reason: 'entity_ended' });
  });
});

describe('a shelf', () => {
  const full = givenEntity(stock, [{ type: 'stock.added', payload: { quantity: 3 } }]);
  const held = full.and([{ type: 'stock.reserved', payload: { order: 'a', quantity: 2 } }]);

  it('holds no more than it has', () => {
    expect(held.when('reserve', { order: 'b', quantity: 2 })).toMatchObject({ reason: 'out_of_stock' });
    expect(givenEntity(stock).when('reserve', { order: 'b', quantity: 2 })).toMatchObject({
      reason: 'item_unknown',
    });
    expect(held.state).toMatchObject({ available: 1, held: [{ order: 'a', quantity: 2 }], sold: 0 });
  });

  it('releases and sells what is held, once', () => {
    const one = { payload: { order: 'a', quantity: 2 } };
    expect(held.when('release', { order: 'a' })).toMatchObject({
      events: [{ type: 'stock.released', ...one }],
    });
    expect(held.when('sell', { order: 'a' })).toMatchObject({ events: [{ type: 'stock.sold', ...one }] });
    expect(full.when('release', { order: 'a' })).toEqual({ kind: 'accepted', events: [] });
    expect(held.and([{ type: 'stock.sold', ...one }]).state).toMatchObject({
      available: 1,
      held: [],
      sold: 2,
    });
  });
});

describe('the reactors of the shop', () => {
  const charges: Charge[] = [];
  const bank = (answer: () => 'charged' | 'declined') =>
    given(
      ordersWith({
        async charge(charge) {
          charges.push(charge);
          return answer();
        },
      }),
      [placed, reserved].map(ofOrder),
    );
  const shop = given(ordersWith({ charge: () => Promise.reject(new Error('nobody pays')) }));
  const namesOf = (commands: readonly { readonly command: string; readonly spaceName: string }[]) =>
    commands.map(({ command, spaceName }) => `${command} in ${spaceName}`);
  const rejecting = (command: string, reason: string) => ({
    answer: (issued: { readonly command: string }) =>
      issued.command === command ? reject(reason) : undefined,
  });

  it('reserve in the warehouse, under an id of the event, and tell the order', async () => {
    const { kind, commands } = await shop.react('fulfil', ofOrder(placed));
    expect(kind).toBe('handled');
    expect(commands).toMatchObject([
      {
        command: 'reserve',
        params: { id: 'lamp', order: 'given', quantity: 2 },
        spaceName: 'warehouse',
        commandId: expect.stringMatching(/^ramax\.reactor\/1\.1\.0\.0\/.*\/fulfil$/),
      },
      { command: 'confirmReserved', params: { id: 'given' }, spaceName: 'given' },
    ]);
  });

  it('tell the order what the warehouse has not got', async () => {
    const { kind, commands } = await shop.react(
      'fulfil',
      ofOrder(placed),
      rejecting('reserve', 'out_of_stock'),
    );
    expect(kind).toBe('handled');
    expect(commands[1]).toMatchObject({
      command: 'refuse',
      params: { id: 'given', reason: 'out_of_stock' },
    });
  });

  it('park what nobody expects, and try again what may pass', async () => {
    const unknown = await shop.react('fulfil', ofOrder(placed), rejecting('reserve', 'item_unknown'));
    expect(unknown).toMatchObject({ kind: 'failed', fate: 'parked', error: { reason: 'item_unknown' } });
    const busy = () => {
      throw new RamaxError('overloaded', 'later');
    };
    expect(await shop.react('fulfil', ofOrder(placed), { answer: busy })).toMatchObject({
      kind: 'failed',
      fate: 'retried',
    });
  });

  it('let an order be that has timed out while its stock was being reserved: what is held is released behind that', async () => {
    const tooLate = rejecting('confirmReserved', 'entity_ended');
    expect(await shop.react('fulfil', ofOrder(placed), tooLate)).toMatchObject({ kind: 'handled' });
    const { commands } = await shop.and([ofOrder(placed)]).react('fulfil', ofOrder(timedOut));
    expect(namesOf(commands)).toEqual(['release in warehouse']);
  });

  it('sell what is paid, and release what is rejected', async () => {
    const open = shop.and([ofOrder(placed)]);
    expect(namesOf((await open.react('fulfil', ofOrder(paid))).commands)).toEqual(['sell in warehouse']);
    expect(namesOf((await open.react('fulfil', ofOrder(rejected))).commands)).toEqual([
      'release in warehouse',
    ]);
  });

  it('charge with one key at every attempt, and tell the order', async () => {
    charges.splice(0);
    const charged = await bank(() => 'charged').react('charge', ofOrder(begun));
    expect(charged.commands).toMatchObject([{ command: 'confirmPaid', params: { id: 'given' } }]);
    const declined = await bank(() => 'declined').react('charge', ofOrder(begun), { attempt: 2 });
    expect(declined.commands).toMatchObject([{ command: 'refuse', params: { reason: 'card_declined' } }]);
    expect(charges).toMatchObject([{ order: 'given', card: 'full' }, { key: charges[0]?.key }]);
  });

  it('ask the bank again when it cannot be reached', async () => {
    const end = await shop.and([ofOrder(placed), ofOrder(reserved)]).react('charge', ofOrder(begun));
    expect(end).toMatchObject({ kind: 'failed', fate: 'retried', commands: [] });
  });
});

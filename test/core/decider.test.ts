import { describe, expect, it } from 'vitest';
import { fromDecider } from '../../src/core/decider.js';
import { defineApp, type Middleware } from '../../src/core/define-app.js';
import { loadApp } from '../../src/core/loaded-app.js';
import { reject } from '../../src/core/rejection.js';
import { given, givenEntity } from '../../src/testing/given.js';
import { MemoryBed } from '../content-store/memory-bed.js';
import { errorOf, rejectionOf } from './error-of.js';

type OrderCommand =
  | { readonly type: 'placeOrder'; readonly data: { readonly id: string; readonly total: number } }
  | { readonly type: 'payOrder'; readonly data: { readonly id: string; readonly amount: number } }
  | { readonly type: 'closeOrder'; readonly data: { readonly id: string } };
type OrderEvent =
  | { readonly type: 'order.placed'; readonly payload: { readonly total: number } }
  | { readonly type: 'order.paid'; readonly payload: { readonly amount: number } }
  | { readonly type: 'order.closed' };
interface OrderState {
  readonly status: 'none' | 'open' | 'closed';
  readonly due: number;
}

const order = fromDecider({
  entity: 'order',
  commands: ['placeOrder', 'payOrder', 'closeOrder'],
  events: ['order.placed', 'order.paid', 'order.closed'],
  initialState: (): OrderState => ({ status: 'none', due: 0 }),
  isTerminal: ({ status }) => status === 'closed',
  decide(command: OrderCommand, state: OrderState) {
    switch (command.type) {
      case 'placeOrder':
        if (state.status !== 'none') return reject('order_exists');
        return { type: 'order.placed', payload: { total: command.data.total } };
      case 'payOrder':
        if (command.data.amount > state.due) return reject('too_much', { due: state.due });
        return [{ type: 'order.paid', payload: { amount: command.data.amount } }];
      case 'closeOrder':
        return { type: 'order.closed' };
    }
  },
  evolve(state: OrderState, event: OrderEvent): OrderState {
    switch (event.type) {
      case 'order.placed':
        return { status: 'open', due: event.payload.total };
      case 'order.paid':
        return { ...state, due: state.due - event.payload.amount };
      case 'order.closed':
        return { ...state, status: 'closed' };
    }
  },
});

const tally = fromDecider({
  entity: 'tally',
  commands: ['count'],
  events: ['counted'],
  initialState: () => 0,
  decide: (_command: { readonly type: 'count'; readonly data: { readonly id: string } }) => ({
    type: 'counted' as const,
    payload: 1,
  }),
  evolve: (state: number, event: { readonly type: 'counted'; readonly payload: number }) =>
    state + event.payload,
});

const app = defineApp({
  name: 'shop',
  commands: { ...order.commands, ...tally.commands, plain: () => [] },
  projections: { ...order.projections, ...tally.projections },
  queries: { due: (pstate, id: string) => order.read(pstate, id).state.due },
});

describe('deciders', () => {
  it('are commands and projections of an app, each entity with its state and version', async () => {
    const bed = await MemoryBed.make();
    const store = await bed.open(app);
    await store.execute('placeOrder', { id: 'o1', total: 9 });
    await store.execute('payOrder', { id: 'o1', amount: 4 });
    await store.execute('placeOrder', { id: 'o2', total: 1 });
    await store.execute('count', { id: 'c' });
    expect(await store.fetch('order:o1')).toEqual({ version: 2, state: { status: 'open', due: 5 } });
    expect(await store.fetch('tally:c')).toEqual({ version: 1, state: 1 });
    expect([await store.query('due', 'o1'), await store.query('due', 'o9')]).toEqual([5, 0]);
    await store.rebuildPState();
    expect(await store.fetch('order:o1')).toEqual({ version: 2, state: { status: 'open', due: 5 } });
  });

  it('compare the version that a caller expects with that of the entity', async () => {
    const bed = await MemoryBed.make();
    const store = await bed.open(app);
    await store.execute('placeOrder', { id: 'o2', total: 9 }, { expectedVersion: 0 });
    await store.execute('placeOrder', { id: 'o1', total: 9 }, { expectedVersion: 0 });
    const late = store.execute('payOrder', { id: 'o1', amount: 1 }, { expectedVersion: 0 });
    expect(await rejectionOf(late)).toMatchObject({
      code: 'conflict',
      details: { entityId: 'order:o1', expectedVersion: 0, actualVersion: 1 },
    });
    await store.execute('payOrder', { id: 'o1', amount: 1 }, { expectedVersion: 1 });
  });

  it('are the only ones whose commands have a version to expect', async () => {
    const bed = await MemoryBed.make();
    const store = await bed.open(app);
    expect(await rejectionOf(store.execute('plain', undefined, { expectedVersion: 0 }))).toMatchObject({
      code: 'invalid_input',
      details: { field: 'expectedVersion' },
    });
    const nameless = store.execute('count', {} as never);
    expect(await rejectionOf(nameless)).toMatchObject({
      code: 'invalid_input',
      details: { field: 'params.id' },
    });
  });

  it('decide nothing more about what has ended', () => {
    const ended = givenEntity(order, [{ type: 'order.closed' }]);
    expect(ended.when('payOrder', { amount: 0 })).toMatchObject({ kind: 'rejected', reason: 'entity_ended' });
  });

  it('are tested with events, a command, and events or a rejection', () => {
    const placed = givenEntity(order, [{ type: 'order.placed', payload: { total: 5 } }]);
    expect([placed.version, placed.state.due]).toEqual([1, 5]);
    expect(placed.when('payOrder', { amount: 7 })).toMatchObject({ kind: 'rejected', reason: 'too_much' });
    expect(placed.when('payOrder', { amount: 2 })).toEqual({
      kind: 'accepted',
      events: [{ type: 'order.paid', payload: { amount: 2 }, entityId: 'order:given' }],
    });
    expect(errorOf(() => placed.when('payOrder', { amount: 2 }, { expectedVersion: 3 })).code).toBe(
      'conflict',
    );
  });

  it('cannot lose a projection to another decider that has the same event', () => {
    const other = { ...tally.projections, 'order.paid': () => {} };
    const spoilt = { ...app, projections: { ...app.projections, ...other } };
    expect(errorOf(() => loadApp(spoilt))).toMatchObject({
      code: 'invalid_app',
      details: { field: 'projections.order.paid', entity: 'order' },
    });
  });

  it('are another view when they evolve otherwise', () => {
    const source = (evolve: (state: number) => number) => {
      const made = fromDecider({
        entity: 'n',
        commands: ['up'],
        events: ['upped'],
        initialState: () => 0,
        decide: (_up: { readonly type: 'up'; readonly data: { readonly id: string } }) => ({
          type: 'upped' as const,
        }),
        evolve: (state: number, _event: { readonly type: 'upped' }) => evolve(state),
      });
      return loadApp({ name: 'n', ...made }).views[0].source;
    };
    expect(source((state) => state + 1)).toBe(source((state) => state + 2));
    const one = fromDecider({ ...tallyOptions, evolve: (state: number) => state + 1 });
    const two = fromDecider({ ...tallyOptions, evolve: (state: number) => state + 2 });
    expect(loadApp({ name: 'n', ...one }).views[0].source).not.toBe(
      loadApp({ name: 'n', ...two }).views[0].source,
    );
  });
});

const tallyOptions = {
  entity: 'n',
  commands: ['up'],
  events: ['upped'],
  initialState: () => 0,
  decide: (_up: { readonly type: 'up'; readonly data: { readonly id: string } }) => ({
    type: 'upped' as const,
  }),
} as const;

describe('middleware', () => {
  const guard: Middleware = ({ command, context }, next) =>
    context.metadata['role'] === 'guest' ? reject('forbidden', { command }) : next();
  const again: Middleware = ({ params, pstate }, next) => {
    const first = next();
    return Array.isArray(first) && pstate.size === 0 ? next({ params }) : first;
  };
  const guarded = { ...app, middleware: [guard, again] };

  it('sees every command, its context and the state, and may answer in its place', () => {
    expect(given(guarded).when('count', { id: 'a' }, { metadata: { role: 'guest' } })).toEqual({
      kind: 'rejected',
      reason: 'forbidden',
      details: { command: 'count' },
    });
    expect(given(guarded).when('count', { id: 'a' })).toMatchObject({
      kind: 'accepted',
      events: [{ payload: 1 }],
    });
  });

  it('may change the parameters, the outermost first', () => {
    const changing = {
      ...app,
      middleware: ['a', 'b'].map(
        (letter) =>
          ({ params }: { params: unknown }, next: (changes: object) => unknown) => {
            const { id } = params as { id: string };
            return next({ params: { id: `${id}${letter}` } });
          },
      ),
    } as never as typeof app;
    expect(given(changing).when('count', { id: 'x' })).toMatchObject({ events: [{ entityId: 'tally:xab' }] });
  });

  it.each([
    ['throws', () => expect.fail('no')],
    ['answers nothing', () => undefined],
    ['is asynchronous', async () => []],
  ])('that %s fails the command', (_what, layer) => {
    const failing = { ...app, middleware: [layer] } as never as typeof app;
    expect(errorOf(() => given(failing).when('count', { id: 'x' })).code).toBe('command_failed');
  });

  it('is refused as an app where it is no function', () => {
    const error = errorOf(() => loadApp({ ...app, middleware: [5] }));
    expect(error).toMatchObject({ code: 'invalid_app', details: { field: 'middleware[0]' } });
  });
});

describe('metadata of a command', () => {
  const noting = defineApp({
    name: 'noting',
    commands: {
      note: (_pstate, own: Record<string, string> | null, { metadata }) => [
        { entityId: 'n', type: 'noted', payload: metadata, ...(own === null ? {} : { metadata: own }) },
      ],
    },
    projections: { noted: (pstate, { metadata, payload }) => pstate.put('last', { metadata, payload }) },
  });

  it('is seen by it, and lies under that of its events', async () => {
    const store = await (await MemoryBed.make()).open(noting);
    await store.execute('note', { own: 'x', both: 'event' }, { metadata: { trace: 't', both: 'command' } });
    expect(await store.fetch('last')).toEqual({
      metadata: { trace: 't', own: 'x', both: 'event' },
      payload: { trace: 't', both: 'command' },
    });
    await store.execute('note', null, { metadata: { trace: 't' } });
    expect(await store.fetch('last')).toMatchObject({ metadata: { trace: 't' } });
    await store.execute('note', null);
    expect(await store.fetch('last')).toEqual({ metadata: {}, payload: {} });
  });

  it('makes no other command of it: the same id with other metadata gives the first answer', async () => {
    const store = await (await MemoryBed.make()).open(noting);
    const first = await store.execute('note', null, { commandId: 'c', metadata: { trace: '1' } });
    expect(await store.execute('note', null, { commandId: 'c', metadata: { trace: '2' } })).toEqual(first);
  });

  it.each([['text'], [[1]], [{ long: 'x'.repeat(16 * 1024) }], [{ when: new Date() }]])(
    'is refused where it is no small JSON object',
    async (metadata) => {
      const store = await (await MemoryBed.make()).open(noting);
      const refused = store.execute('note', null, { metadata: metadata as never });
      expect(await rejectionOf(refused)).toMatchObject({ code: 'invalid_input' });
    },
  );
});

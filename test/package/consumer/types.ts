/**
 * What must compile, and what must not: every `@ts-expect-error` that is not needed is itself an error. Never run.
 */

import {
  type App,
  type CommandResult,
  defineApp,
  type EventOf,
  type ParamsOf,
  type PStateReader,
  Ramax,
  type RecordedEvent,
  type ResultOf,
  reject,
  type SpaceHandle,
  type Value,
} from 'ramax';
import { memory } from 'ramax/storage/memory';
import { sqlite } from 'ramax/storage/sqlite';
import type crm from './crm.app.js';
import type { Contact } from './crm.app.js';

/** The test helpers' declarations hold as well. */
export type Testing = typeof import('ramax/testing');

type Crm = typeof crm;
type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
function expectType<_Same extends true>(): void {}

// Parameters and results are inferred from the app.
expectType<Same<ParamsOf<Crm['commands']['addContact']>, Contact>>();
expectType<Same<ParamsOf<Crm['commands']['merge']>, readonly [kept: string, gone: string]>>();
expectType<Same<ParamsOf<Crm['commands']['tick']>, undefined>>();
expectType<Same<ParamsOf<Crm['commands']['stamp']>, unknown>>();
expectType<Same<ParamsOf<(pstate: PStateReader, params: unknown) => []>, unknown>>();
expectType<Same<ParamsOf<(pstate: PStateReader, params?: number) => []>, number | undefined>>();
expectType<Same<ResultOf<NonNullable<Crm['queries']>['contacts']>, Contact[]>>();
expectType<
  Same<
    EventOf<Crm['commands']>['type'],
    'contact.added' | 'contact.renamed' | 'contact.merged' | 'contact.removed' | 'ticked' | 'stamped'
  >
>();

export async function calls(acme: SpaceHandle<Crm>): Promise<void> {
  const john = { id: 'c1', name: 'John', email: 'j@acme.com' };
  const answer = await acme.execute('addContact', john);
  expectType<Same<typeof answer, CommandResult>>();
  await acme.execute('tick');
  await acme.execute('tick', undefined, { commandId: 'x' });
  await acme.execute('stamp');
  await acme.execute('merge', ['c1', 'c2'], { expectedSequence: 4, signal: AbortSignal.timeout(5) });

  // @ts-expect-error: a misspelt command
  await acme.execute('adContact', john);
  // @ts-expect-error: a query is no command
  await acme.execute('contacts');
  // @ts-expect-error: the parameters are missing
  await acme.execute('addContact');
  // @ts-expect-error: a property is missing
  await acme.execute('addContact', { id: 'c1', name: 'John' });
  // @ts-expect-error: a property is misspelt
  await acme.execute('addContact', { id: 'c1', name: 'John', mail: 'j@acme.com' });
  // @ts-expect-error: a property has another type
  await acme.execute('addContact', { ...john, id: 7 });
  // @ts-expect-error: it takes no parameters
  await acme.execute('tick', 5);
  // @ts-expect-error: an option is misspelt
  await acme.execute('tick', undefined, { commandID: 'x' });
  // @ts-expect-error: an option has another type
  await acme.execute('tick', undefined, { expectedSequence: '4' });

  const contacts = await acme.query('contacts');
  expectType<Same<typeof contacts, Contact[]>>();
  const id = await acme.query('idOf', 'j@acme.com');
  expectType<Same<typeof id, string | undefined>>();
  // @ts-expect-error: a misspelt query
  await acme.query('contact');
  // @ts-expect-error: a command is no query
  await acme.query('tick');
  // @ts-expect-error: the parameter is missing
  await acme.query('idOf');
  // @ts-expect-error: the parameter has another type
  await acme.query('idOf', 7);

  const fetched = await acme.fetch('contact:c1');
  expectType<Same<typeof fetched, Value | undefined>>();
  const contact = await acme.fetch<Contact>('contact:c1');
  expectType<Same<typeof contact, Contact | undefined>>();

  for await (const event of acme.streamEvents()) {
    expectType<Same<typeof event, RecordedEvent>>();
    // @ts-expect-error: an event is read, never changed
    event.spaceSequence = 1;
  }
  // @ts-expect-error: a handle is no place to write
  acme.spaceId = 7;
}

export async function starts(app: URL): Promise<void> {
  const ramax = await Ramax.start<Crm>({ app, storage: memory(), limits: { spaceInFlightMax: 8 } });
  await ramax.spaces.getOrCreate('acme', { metadata: { plan: 'pro' } });
  // @ts-expect-error: storage is what sqlite() or memory() returns
  await Ramax.start<Crm>({ app, storage: './data' });
  // @ts-expect-error: storage is missing
  await Ramax.start<Crm>({ app });
  // @ts-expect-error: a misspelt limit
  await Ramax.start<Crm>({ app, storage: memory(), limits: { spaceInFlight: 8 } });
  // @ts-expect-error: a misspelt option
  await Ramax.start<Crm>({ app, storage: memory(), shard: 2 });
  // @ts-expect-error: a misspelt option of sqlite
  sqlite({ folder: './data' });

  // Without the app's type every name and parameter goes, and is checked when it runs.
  const untyped = await Ramax.start({ app, storage: memory() });
  const acme = await untyped.spaces.getOrCreate('acme');
  await acme.execute('addContact', { id: 'c1' });
  await acme.query('contacts');
}

// Projections know the events of the commands, with their payloads.
export const typed = defineApp({
  name: 'typed',
  commands: {
    open: (_pstate, title: string) => [{ entityId: 'door', type: 'door.opened', payload: { title, at: 5 } }],
    close(pstate, force: boolean) {
      if (!force && !pstate.has('door')) return reject('not_open', { force });
      return [{ entityId: 'door', type: 'door.closed' }];
    },
  },
  projections: {
    'door.opened'(pstate, event) {
      expectType<Same<typeof event.type, 'door.opened'>>();
      expectType<Same<typeof event.payload, { title: string; at: number }>>();
      expectType<Same<typeof event.spaceSequence, number>>();
      pstate.put('door', event.payload.title);
      // @ts-expect-error: the payload has no such property
      pstate.put('door', event.payload.tilte);
      // @ts-expect-error: a projection runs ahead of the commit, so there is no event id yet
      pstate.put('id', event.eventId);
    },
  },
  views: {
    titles: { version: 1, on: { 'door.opened': (view, { payload }) => view.put(payload.title, payload.at) } },
  },
  queries: {
    title: (pstate) => pstate.get<string>('door'),
    at: (_pstate, title: string, { views }) => views.titles.get<number>(title),
    // @ts-expect-error: a view that is not there
    wrong: (_pstate, title: string, { views }) => views.title.get<number>(title),
  },
});
expectType<Same<ResultOf<NonNullable<(typeof typed)['queries']>['at']>, number | undefined>>();

const open = (_pstate: PStateReader, title: string) => [
  { entityId: 'door', type: 'door.opened' as const, payload: { title } },
];

export const wrongProjection = defineApp({
  name: 'wrong',
  commands: { open },
  projections: {
    // @ts-expect-error: no command makes such an event
    'door.opend'(pstate) {
      pstate.put('door', 1);
    },
  },
});

export const wrongView = defineApp({
  name: 'wrong',
  commands: { open },
  projections: {},
  // @ts-expect-error: no command makes such an event
  views: { titles: { version: 1, on: { 'door.opend': () => {} } } },
});

export const wrongCommands = defineApp({
  name: 'wrong',
  commands: {
    open,
    // @ts-expect-error: a command reads, it does not write
    write: (pstate) => pstate.put('door', 1),
    // @ts-expect-error: a command is synchronous
    later: async () => [],
  },
  projections: {},
});

export const anyApp: App = typed;

/**
 * What must compile, and what must not: every `@ts-expect-error` that is not needed is itself an error of `tsc`.
 * `types.test.ts` loads the apps that are right.
 */

import { type } from 'arktype';
import * as v from 'valibot';
import { z } from 'zod';
import {
  type App,
  type CommandsOf,
  defineApp,
  type ParamsOf,
  type QueriesOf,
  type ResultOf,
  type SchemaOf,
} from '../../../src/core/define-app.js';
import type {
  EntityReader,
  EntityWriter,
  PStateReader,
  PStateWriter,
} from '../../../src/core/pstate-access.js';
import { isRef, type Ref, ref, type UnresolvedRef } from '../../../src/core/ref.js';
import { reject } from '../../../src/core/rejection.js';
import { entity } from '../../../src/core/schema/entity.js';
import type { Entity, EntityAt, EntityInput } from '../../../src/core/schema/entity-types.js';
import { field } from '../../../src/core/schema/field.js';
import { belongsTo, hasMany } from '../../../src/core/schema/relation.js';
import { defineSchema } from '../../../src/core/schema/schema.js';
import type { Value } from '../../../src/core/values.js';
import { given } from '../../../src/testing/given.js';

type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
function expectType<_Same extends true>(): void {}

const schema = defineSchema({
  deck: entity({
    name: field.string(),
    archived: field.boolean({ default: false }),
    cards: hasMany('card', { inverse: 'deck' }),
  }),
  card: entity({
    deck: belongsTo('deck', { inverse: 'cards' }),
    front: field(z.string().min(1)),
    level: field.number({ default: 1, migrate: (old) => (typeof old === 'string' ? Number(old) : old) }),
    note: field.string({ optional: true }),
    tags: field.json<readonly string[]>({ default: [] }),
    title: field(v.pipe(v.string(), v.trim()), { default: (card) => String(card['front']) }),
    kind: field(type("'basic' | 'cloze'"), { optional: true }),
    side: field(z.enum(['front', 'back']).default('front')),
  }),
  contact: entity(
    z.object({ name: z.string(), emails: z.array(z.email()).default([]), age: z.number().optional() }),
  ),
  person: entity(v.object({ name: v.string() })),
  place: entity(type({ city: 'string', 'zip?': 'string' })),
});
type S = typeof schema;

type Deck = {
  readonly name: string;
  readonly archived: boolean;
  readonly cards: { readonly [id: string]: Ref<'card'> };
};
type Card = {
  readonly front: string;
  readonly level: number;
  readonly tags: readonly string[];
  readonly title: string;
  readonly side: 'front' | 'back';
  readonly deck?: Ref<'deck'> | null;
  readonly note?: string;
  readonly kind?: 'basic' | 'cloze';
};
type Contact = {
  readonly name: string;
  readonly emails: readonly string[];
  readonly age?: number | undefined;
};

expectType<Same<Entity<S, 'deck'>, Deck>>();
expectType<Same<Entity<S, 'card'>, Card>>();
expectType<Same<Entity<S, 'contact'>, Contact>>();
expectType<Same<Entity<S, 'person'>, { readonly name: string }>>();
expectType<Same<Entity<S, 'place'>, { readonly city: string; readonly zip?: string }>>();
expectType<Same<EntityAt<S, 'card:c1'>, Card>>();
expectType<Same<EntityAt<S, `deck:${string}`>, Deck>>();
expectType<Same<EntityAt<S, 'statistics'>, Value>>();
expectType<Same<EntityAt<S, 'other:1'>, Value>>();
expectType<Same<EntityAt<S, string>, Value>>();
expectType<Same<EntityAt<undefined, 'card:c1'>, Value>>();
expectType<Same<EntityInput<S, 'deck'>['archived'], boolean | undefined>>();

export const inputs: EntityInput<S, 'card'>[] = [
  { front: 'a' },
  { front: 'a', deck: null, note: undefined, level: 2, tags: ['x'], side: 'back', kind: 'cloze' },
  { front: 'a', deck: ref('deck', 'd1') },
  { front: 'a', deck: { $ref: 'deck:d1' } },
  // @ts-expect-error: the required field is missing
  { level: 1 },
  // @ts-expect-error: no such field
  { front: 'a', frnt: 'b' },
  // @ts-expect-error: a field of another type
  { front: 'a', level: '1' },
  // @ts-expect-error: a reference to another entity
  { front: 'a', deck: ref('card', 'c1') },
  // @ts-expect-error: no such kind
  { front: 'a', kind: 'other' },
];

export function reads(pstate: EntityReader<S>, id: string): void {
  expectType<Same<ReturnType<typeof pstate.has>, boolean>>();
  const card = pstate.get('card:c1');
  expectType<Same<typeof card, Card | undefined>>();
  const deck = pstate.get(`deck:${id}`);
  expectType<Same<typeof deck, Deck | undefined>>();
  const free = pstate.get('statistics');
  expectType<Same<typeof free, Value | undefined>>();
  const stated = pstate.get<{ count: number }>('statistics');
  expectType<Same<typeof stated, { count: number } | undefined>>();
  const text = pstate.get<string>('name');
  expectType<Same<typeof text, string | undefined>>();
  const dynamic = pstate.get(id);
  expectType<Same<typeof dynamic, Value | undefined>>();
  const many = pstate.getMany(['card:c1', 'card:c2']);
  expectType<Same<typeof many, (Card | undefined)[]>>();
  for (const [key, one] of pstate.entries({ prefix: 'card:' })) {
    expectType<Same<typeof key, `card:${string}`>>();
    expectType<Same<typeof one, Card>>();
    expectType<Same<typeof again, Card | undefined>>();
    const again = pstate.get(key);
  }
  for (const [key, one] of pstate.entries()) {
    expectType<Same<typeof key, string>>();
    expectType<Same<typeof one, Value>>();
  }
  for (const [, one] of pstate.entries<number>({ prefix: 'count/' })) expectType<Same<typeof one, number>>();
  // @ts-expect-error: no such field
  card?.frnt;
  // @ts-expect-error: what is read is frozen
  if (card !== undefined) card.level = 5;
  // @ts-expect-error: all the way down
  pstate.get('contact:c1')?.emails.push('x');
  untypedReader(pstate);
}

function untypedReader(pstate: PStateReader): void {
  const value = pstate.get('card:c1');
  expectType<Same<typeof value, Value | undefined>>();
}

export function follows(pstate: EntityReader<S>): void {
  const deck = pstate.getResolved('deck:d1', { depth: 2 });
  for (const card of Object.values(deck?.cards ?? {})) {
    if (isRef(card)) {
      expectType<Same<typeof card, UnresolvedRef<'card'>>>();
      continue;
    }
    expectType<Same<typeof card.front, string>>();
    const back = card.deck;
    if (back === undefined || back === null || isRef(back)) continue;
    expectType<Same<typeof back.name, string>>();
    const further = Object.values(back.cards)[0];
    if (further !== undefined && !isRef(further)) expectType<Same<typeof further.front, string>>();
  }
  const free = pstate.getResolved('other');
  expectType<Same<typeof free, Value | undefined>>();
  expectType<Same<ReturnType<typeof pstate.preload>, number>>();
  pstate.preload('deck:d1', ['cards']);
  pstate.preload('deck:d1', ['cards', { cards: ['deck', { deck: ['cards'] }] }]);
  pstate.preload('other:x', ['anything', { goes: ['here'] }]);
  // @ts-expect-error: no such relation
  pstate.preload('deck:d1', ['card']);
  // @ts-expect-error: a field that is no relation
  pstate.preload('deck:d1', ['name']);
  // @ts-expect-error: no such relation further down
  pstate.preload('deck:d1', [{ cards: ['decks'] }]);
}

export function writes(pstate: EntityWriter<S>, id: string): void {
  pstate.put('deck:d1', { name: 'French' });
  pstate.put(`card:${id}`, { front: 'a' });
  pstate.put('contact:c1', { name: 'Ada' });
  pstate.put('statistics', { anything: 1 });
  pstate.put(id, 5);
  // @ts-expect-error: a field of another type
  pstate.put('deck:d1', { name: 5 });
  // @ts-expect-error: a field is missing
  pstate.put(`card:${id}`, { level: 2 });
  // @ts-expect-error: no such field
  pstate.put('deck:d1', { name: 'x', nam: 'y' });
  const deck = pstate.update('deck:d1', (old) => ({ name: 'none', ...old, archived: true }));
  expectType<Same<typeof deck, Deck>>();
  const count = pstate.update<number>('count', (old = 0) => old + 1);
  expectType<Same<typeof count, number>>();
  const stated = pstate.update<number>(id, (old = 0) => old + 1);
  expectType<Same<typeof stated, number>>();
  const value = pstate.update('count', (old) => old);
  expectType<Same<typeof value, Value>>();
  // @ts-expect-error: a field of another type
  pstate.update('deck:d1', (old) => ({ ...old, name: 5 }));
  pstate.update('contact:c1', (old) => ({ name: 'x', ...old, age: 5 }));
  pstate.link('deck:d1', 'cards', 'card:c1');
  pstate.unlink(`card:${id}`, 'deck', `deck:${id}`);
  // @ts-expect-error: no such relation
  pstate.link('deck:d1', 'card', 'card:c1');
  // @ts-expect-error: a key of another entity
  pstate.link('deck:d1', 'cards', 'deck:d1');
  pstate.link(id, 'cards', 'card:c1');
  untypedWriter(pstate);
}

function untypedWriter(pstate: PStateWriter): void {
  pstate.put('card:c1', 5);
  pstate.update('card:c1', (old) => old);
  pstate.link('deck:d1', 'cards', 'card:c1');
  pstate.preload('deck:d1', ['cards', { cards: ['deck'] }]);
}

// Schemas that are wrong.
// @ts-expect-error: no such entity
export const unknownTarget = () => defineSchema({ deck: entity({ cards: hasMany('crad') }) });
// @ts-expect-error: a default of another type
field.number({ default: '1' });
// @ts-expect-error: a misspelt option
field.number({ defalt: 1 });
// @ts-expect-error: a default that the validator does not take
field(z.string(), { default: 5 });

const emailSchema = defineSchema({ mail: entity({ contact: field.string() }) });
const NewContact = z.object({
  id: z.string(),
  name: z.string(),
  email: z.email().optional(),
  age: z.coerce.number<string>(),
});
const Renamed = v.object({
  name: v.pipe(
    v.string(),
    v.transform((name) => name.length),
  ),
});

export const crm = defineApp({
  name: 'crm',
  schema,
  params: { addContact: NewContact, annotated: type({ by: 'number' }), ping: z.string().optional() },
  events: { 'contact.added': NewContact.omit({ age: true }), 'contact.renamed': Renamed },
  commands: {
    addContact(pstate, contact) {
      expectType<Same<typeof contact, z.output<typeof NewContact>>>();
      const old = pstate.get(`contact:${contact.id}`);
      expectType<Same<typeof old, Contact | undefined>>();
      if (old !== undefined) return reject('contact_exists');
      return [{ entityId: `contact:${contact.id}`, type: 'contact.added', payload: contact }];
    },
    annotated: (pstate, { by }: { by: number }, context) => {
      expectType<Same<typeof context.now, number>>();
      const deck = pstate.get('deck:d1');
      expectType<Same<typeof deck, Deck | undefined>>();
      return [{ entityId: 'counter', type: 'counted', payload: { by } }];
    },
    plain: (_pstate, name: string) => [{ entityId: 'x', type: 'named', payload: { name } }],
    ping: (_pstate, text) => {
      expectType<Same<typeof text, string | undefined>>();
      return [];
    },
    none: () => [],
    helped: (pstate, n: number) => helper(pstate, n),
  },
  projections: {
    'contact.added'(pstate, event) {
      expectType<Same<typeof event.payload, { id: string; name: string; email?: string | undefined }>>();
      pstate.put(`contact:${event.payload.id}`, { name: event.payload.name });
      // @ts-expect-error: a field is missing
      pstate.put(`contact:${event.payload.id}`, { emails: [] });
    },
    'contact.renamed'(_pstate, { payload }) {
      expectType<Same<typeof payload, { name: number }>>();
    },
    counted(pstate, { payload }) {
      expectType<Same<typeof payload, { by: number }>>();
      pstate.update<number>('count', (count = 0) => count + payload.by);
    },
  },
  views: {
    byEmail: {
      version: 1,
      schema: emailSchema,
      on: {
        'contact.added'(view, { payload }) {
          if (payload.email !== undefined) view.put(`mail:${payload.email}`, { contact: payload.id });
          // @ts-expect-error: a field of another type
          view.put(`mail:${payload.email}`, { contact: 5 });
          view.put('contact:c1', 'this view has no such entity');
        },
        named(view, { payload }) {
          view.put('mail:x', { contact: payload.name });
        },
      },
    },
    byName: { version: 1, on: { named: (view, { payload }) => view.put('card:x', payload.name) } },
  },
  queries: {
    contacts: (pstate) => [...pstate.entries({ prefix: 'contact:' })].map(([, contact]) => contact),
    idOf: (pstate, email: string, { views }) => {
      const mail = views.byEmail.get(`mail:${email}`);
      expectType<Same<typeof mail, { readonly contact: string } | undefined>>();
      const any = views.byName.get('card:x');
      expectType<Same<typeof any, Value | undefined>>();
      // @ts-expect-error: no such view
      views.byMail;
      return mail && pstate.get(`contact:${mail.contact}`)?.name;
    },
  },
});

function helper(pstate: EntityReader<S>, n: number) {
  return pstate.has('deck:d1') ? [] : [{ entityId: 'x', type: 'helped' as const, payload: n }];
}

type Crm = typeof crm;
expectType<
  Same<
    ParamsOf<CommandsOf<Crm>['addContact']>,
    { id: string; name: string; email?: string | undefined; age: string }
  >
>();
expectType<Same<ParamsOf<CommandsOf<Crm>['annotated']>, { by: number }>>();
expectType<Same<ParamsOf<CommandsOf<Crm>['plain']>, string>>();
expectType<Same<ParamsOf<CommandsOf<Crm>['ping']>, string | undefined>>();
expectType<Same<ParamsOf<CommandsOf<Crm>['none']>, undefined>>();
expectType<Same<keyof CommandsOf<Crm>, 'addContact' | 'annotated' | 'plain' | 'ping' | 'none' | 'helped'>>();
expectType<Same<ResultOf<QueriesOf<Crm>['idOf']>, string | undefined>>();
expectType<Same<ResultOf<QueriesOf<Crm>['contacts']>, Contact[]>>();
expectType<Same<SchemaOf<Crm>, S>>();
expectType<Same<EntityAt<SchemaOf<Crm>, 'card:c1'>, Card>>();
expectType<Same<SchemaOf<App>, unknown>>();
expectType<Same<ParamsOf<CommandsOf<App>['whatever']>, unknown>>();

export const anyApp: App = crm;

export function inTests(): void {
  const space = given(crm);
  const card = space.pstate.get('card:c1');
  expectType<Same<typeof card, Card | undefined>>();
  space.when('addContact', { id: 'c1', name: 'Ada', age: '36' });
  // @ts-expect-error: the validator takes a text and gives the number
  space.when('addContact', { id: 'c1', name: 'Ada', age: 36 });
}

export const wrongAnnotation = () =>
  defineApp({
    name: 'wrong',
    params: { add: z.object({ by: z.number() }) },
    commands: {
      // @ts-expect-error: the validator gives another type
      add: (_pstate, { by }: { by: string }) => [{ entityId: 'x', type: 'added', payload: { by } }],
    },
    projections: {},
  });

export const wrongEvent = () =>
  defineApp({
    name: 'wrong',
    events: { added: z.object({ by: z.number() }) },
    commands: { add: () => [] },
    projections: {
      added: (pstate, { payload }) => pstate.put('x', payload.by),
      // @ts-expect-error: no such event
      adde: () => {},
    },
  });

export const wrongName = () =>
  defineApp({
    name: 'wrong',
    // @ts-expect-error: parameters of a command that is not there
    params: { ad: z.object({ by: z.number() }) },
    commands: { add: () => [] },
    projections: {},
  });

export const wrongPayload = () =>
  defineApp({
    name: 'wrong',
    events: { added: z.object({ by: z.number() }) },
    commands: {
      // @ts-expect-error: the validator of the event does not take such a payload
      add: () => [{ entityId: 'x', type: 'added', payload: { by: 'one' } }],
    },
    projections: {},
  });

export const absentPayloads = () =>
  defineApp({
    name: 'absent',
    events: { added: z.object({ by: z.number() }), ended: z.null(), maybe: z.number().nullable() },
    commands: {
      end: () => [{ entityId: 'x', type: 'ended' }],
      both: () => [
        { entityId: 'x', type: 'ended' },
        { entityId: 'x', type: 'maybe', payload: 5 },
        { entityId: 'x', type: 'free', payload: 'x' },
      ],
      none: (_pstate, by: number) => (by > 0 ? [{ entityId: 'x', type: 'maybe' }] : reject('none')),
      // @ts-expect-error: the validator of the event wants a payload
      add: () => [{ entityId: 'x', type: 'added' }],
      // @ts-expect-error: one of its events has the wrong payload
      mixed: () => [
        { entityId: 'x', type: 'added', payload: { by: 1 } },
        { entityId: 'x', type: 'ended', payload: 5 },
      ],
    },
    projections: {},
  });

// Types that are not plain: recursive ones, tuples, brands, unions.
type Tree = { readonly name: string; readonly children: Tree[] };
const treeOf: z.ZodType<Tree, Tree> = z.lazy(() => z.object({ name: z.string(), children: z.array(treeOf) }));
const odd = defineSchema({
  odd: entity({
    json: field(z.json()),
    tree: field(treeOf),
    branded: field(z.string().brand('id')),
    pair: field(z.tuple([z.string(), z.array(z.number())])),
    map: field(z.record(z.string(), z.object({ list: z.array(z.string()) }))),
    union: field(z.union([z.object({ list: z.array(z.string()) }), z.null()])),
    unknown: field(z.unknown()),
    value: field.json(),
  }),
});
type Odd = Entity<typeof odd, 'odd'>;
expectType<Same<Odd['tree']['name'], string>>();
expectType<Same<Odd['branded'], string & z.$brand<'id'>>>();
expectType<Same<Odd['pair'], readonly [string, readonly number[]]>>();
expectType<Same<Odd['map'], { readonly [x: string]: { readonly list: readonly string[] } }>>();
expectType<Same<Odd['union'], { readonly list: readonly string[] } | null>>();
expectType<Same<Odd['unknown'], unknown>>();
expectType<Same<Odd['value'], Value>>();
export const deep: Odd['json'] = [{ a: [1, 'x', null, { b: [true] }] }];
// @ts-expect-error: no JSON
export const notJson: Odd['json'] = [{ a: () => {} }];

// @ts-expect-error: it gives numbers, which are stored, and takes texts only
field(z.string().transform((text) => text.length));
// @ts-expect-error: the same for a whole entity
entity(z.object({ n: z.string().transform((text) => text.length) }));
field(z.coerce.number(), { optional: true });
field(type('string.trim'));
field(v.optional(v.string(), 'x'));

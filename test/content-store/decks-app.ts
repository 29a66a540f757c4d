/** Decks and cards in two releases, the second of which migrates what the first one has stored. */

import { defineApp } from '../../src/core/define-app.js';
import type { SpaceEvent } from '../../src/core/event.js';
import type { PStateReader, PStateWriter } from '../../src/core/pstate-access.js';
import { reject } from '../../src/core/rejection.js';
import { entity } from '../../src/core/schema/entity.js';
import { field } from '../../src/core/schema/field.js';
import { belongsTo, hasMany } from '../../src/core/schema/relation.js';
import { defineSchema } from '../../src/core/schema/schema.js';
import type { Value } from '../../src/core/values.js';

export type Release = 1 | 2;

/** One thing that a command does: an event of its own. */
export type Op =
  | { readonly kind: 'deck' | 'card'; readonly key: string; readonly n: number; readonly keeps: boolean }
  | { readonly kind: 'note'; readonly key: string; readonly value: Value }
  | {
      readonly kind: 'link' | 'unlink';
      readonly key: string;
      readonly field: string;
      readonly target: string;
    }
  | { readonly kind: 'remove'; readonly key: string }
  | { readonly kind: 'clear'; readonly prefix: string };

const relations = {
  deck: {
    cards: hasMany('card', { inverse: 'deck' }),
    cover: belongsTo('card', { inverse: 'coverOf' }),
  },
  card: {
    deck: belongsTo('deck', { inverse: 'cards' }),
    coverOf: belongsTo('deck', { inverse: 'cover' }),
    next: belongsTo('card'),
  },
};

/** A text where there is a number now, and a field that has another name now. */
const before = defineSchema({
  deck: entity({ name: field.string(), ...relations.deck }),
  card: entity({ front: field.string(), level: field.string(), ...relations.card }),
});

const now = defineSchema({
  deck: entity({ name: field.string(), archived: field.boolean({ default: false }), ...relations.deck }),
  card: entity({
    text: field.string({ migrate: (old, card) => old ?? card['front'] }),
    level: field.number({ migrate: (old) => (typeof old === 'string' ? Number(old) : old) }),
    ...relations.card,
  }),
});

/** The fields of an entity that are its own. */
function own(release: Release, op: Extract<Op, { kind: 'deck' | 'card' }>): object {
  if (op.kind === 'deck') return { name: `name ${op.n}` };
  return release === 1
    ? { front: `front ${op.n}`, level: `${op.n}` }
    : { text: `front ${op.n}`, level: op.n };
}

function apply(release: Release, pstate: PStateWriter, op: Op): void {
  switch (op.kind) {
    case 'deck':
    case 'card':
      pstate.update<object>(op.key, (old) => ({ ...(op.keeps ? old : {}), ...own(release, op) }));
      return;
    case 'note':
      pstate.put(op.key, op.value);
      return;
    case 'link':
      pstate.link(op.key, op.field, op.target);
      return;
    case 'unlink':
      pstate.unlink(op.key, op.field, op.target);
      return;
    case 'remove':
      pstate.delete(op.key);
      return;
    case 'clear':
      if (op.prefix === '') pstate.clear();
      else for (const [key] of pstate.entries({ prefix: op.prefix })) pstate.delete(key);
  }
}

/** The app in this release. */
export function decksOf(release: Release) {
  const project = (pstate: unknown, { payload }: SpaceEvent<string, Op>): void =>
    apply(release, pstate as PStateWriter, payload);
  const kinds = ['deck', 'card', 'note', 'link', 'unlink', 'remove', 'clear'];
  return defineApp({
    name: 'decks',
    schema: release === 1 ? before : now,
    commands: {
      do: (_pstate: PStateReader, ops: readonly Op[]) =>
        ops.map((op) => ({ entityId: 'decks', type: op.kind, payload: op })),
      /** Decides by what it reads. */
      doUnless(pstate: PStateReader, { key, op }: { readonly key: string; readonly op: Op }) {
        if (pstate.has(key)) return reject('exists', { value: pstate.get(key) ?? null });
        return [{ entityId: 'decks', type: op.kind, payload: op }];
      },
    },
    projections: Object.fromEntries(kinds.map((kind) => [kind, project])),
    views: {
      trail: {
        version: 1,
        on: Object.fromEntries(
          kinds.map((kind) => [
            kind,
            (view: PStateWriter, { type, spaceSequence }: SpaceEvent) => {
              view.update<number>(type, (count = 0) => count + 1);
              view.put('last', spaceSequence);
            },
          ]),
        ),
      },
    },
    queries: {
      /** All that can be seen, in every way to see it. */
      everything: (pstate: PStateReader, keys: readonly string[], { views }) => ({
        entries: [...pstate.entries()],
        many: pstate.getMany(keys).map((value) => value ?? null),
        one: keys.map((key) => pstate.get(key) ?? null),
        has: keys.map((key) => pstate.has(key)),
        size: pstate.size,
        trail: [...(views['trail']?.entries() ?? [])],
      }),
      resolved: (pstate: PStateReader, { key, depth }: { readonly key: string; readonly depth: number }) =>
        pstate.getResolved(key, { depth }),
      preload: (pstate: PStateReader, { key, paths }: { key: string; paths: readonly string[] }) =>
        pstate.preload(key, paths),
    },
  });
}

/** An app whose cards have got a field since they were stored: those without it are migrated when they are read. */

import { defineApp } from '../../src/core/define-app.js';
import type { SpaceEvent } from '../../src/core/event.js';
import type { PStateWriter } from '../../src/core/pstate-access.js';
import { entity } from '../../src/core/schema/entity.js';
import { field } from '../../src/core/schema/field.js';
import { defineSchema } from '../../src/core/schema/schema.js';

export interface Card {
  readonly id: string;
  readonly front: unknown;
}

const schema = defineSchema({
  card: entity({ id: field.string(), front: field.string(), level: field.number({ default: 1 }) }),
});

const commands = {
  add: (_pstate: unknown, cards: readonly Card[]) =>
    cards.map((payload) => ({ entityId: `card:${payload.id}`, type: 'added', payload })),
};

function added(pstate: PStateWriter, { entityId, payload }: SpaceEvent<string, Card>): void {
  pstate.put(entityId, payload);
}

/** The app without a schema, as it was. */
export const cardsBefore = defineApp({
  name: 'cards',
  commands,
  projections: { added },
  views: { copies: { version: 1, on: { added } } },
});

/** The app as it is. Its further view may be of another version. */
export function cardsNow(copies = 1) {
  return defineApp({
    name: 'cards',
    schema,
    commands,
    projections: { added: (pstate, event: SpaceEvent<string, Card>) => added(pstate as PStateWriter, event) },
    views: {
      copies: {
        version: copies,
        schema,
        on: { added: (view, event: SpaceEvent<string, Card>) => added(view as PStateWriter, event) },
      },
    },
  });
}

/** Cards `1` to `count`, as they are put. */
export function newCards(count: number): Card[] {
  return Array.from({ length: count }, (_, index) => ({ id: `${index + 1}`, front: `front ${index + 1}` }));
}

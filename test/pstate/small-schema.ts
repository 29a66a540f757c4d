/** A hand-written schema of decks, cards, users and tags, for tests of the state alone. */

import { invalidInput, RamaxError } from '../../src/core/errors.js';
import type { Relation, StateSchema } from '../../src/core/state-schema.js';
import type { Value } from '../../src/core/values.js';

const relations: Readonly<Record<string, Readonly<Record<string, Relation>>>> = {
  deck: {
    cards: { kind: 'hasMany', entity: 'card', inverse: 'deck' },
    owner: { kind: 'belongsTo', entity: 'user', inverse: undefined },
  },
  card: {
    deck: { kind: 'belongsTo', entity: 'deck', inverse: 'cards' },
    tags: { kind: 'hasMany', entity: 'tag', inverse: 'cards' },
    translations: { kind: 'hasMany', entity: 'translation', inverse: undefined },
  },
  tag: { cards: { kind: 'hasMany', entity: 'card', inverse: 'tags' } },
  user: { partner: { kind: 'belongsTo', entity: 'user', inverse: 'partner' } },
};

/**
 * Cards have had three shapes: a text, then `{ text }`, and `{ front, v: 2 }` now. A card whose text is `poison` cannot
 * be migrated; a card must not have a field `bad`, and gets `v: 2` when it is put without.
 */
export const smallSchema: StateSchema = {
  migrates: true,
  admit(key, value) {
    if (!key.startsWith('card:') || typeof value !== 'object' || value === null) return value;
    if (Object.hasOwn(value, 'bad')) throw invalidInput(`pstate["${key}"].bad`, 'absent', true);
    return Object.hasOwn(value, 'v') ? value : { ...value, v: 2 };
  },
  migrate(key, value) {
    if (!key.startsWith('card:')) return value;
    const text = typeof value === 'string' ? value : field(value, 'text');
    if (text === undefined) return value;
    if (text === 'poison') {
      throw new RamaxError('migration_failed', `${key} is poisoned`, { details: { key } });
    }
    return { front: text, v: 2 };
  },
  relation: (key, name) => smallSchema.relations(key).get(name),
  relations: (key) => new Map(Object.entries(relations[key.slice(0, key.indexOf(':'))] ?? {})),
};

function field(value: Value, name: string): Value | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  return (value as Readonly<Record<string, Value>>)[name];
}

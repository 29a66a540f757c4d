/** Decks and cards as plain objects: what the app of `decks-app.ts` must show, written anew. */

import type { Value } from '../../src/core/values.js';
import type { Op, Release } from './decks-app.js';

/** An entity: its number, and for each relation the keys that it refers to. */
interface Entity {
  readonly n: number;
  readonly refs: Readonly<Record<string, readonly string[]>>;
}

interface End {
  readonly field: string | undefined;
  readonly isMany: boolean;
}

type State = ReadonlyMap<string, Entity | { readonly note: Value }>;

/** Each relation, and how it leads back. */
const backs: Readonly<Record<string, End>> = {
  cards: { field: 'deck', isMany: false },
  deck: { field: 'cards', isMany: true },
  cover: { field: 'coverOf', isMany: false },
  coverOf: { field: 'cover', isMany: false },
  next: { field: undefined, isMany: false },
};

/** See the head of this file. */
export class DecksModel {
  #state: State = new Map();
  readonly #trail = new Map<string, number>();
  #sequence = 0;

  has(key: string): boolean {
    return this.#state.has(key);
  }

  get sequence(): number {
    return this.#sequence;
  }

  /** Applies all or, when one is refused, none; says which. */
  do(ops: readonly Op[]): boolean {
    const state = new Map(this.#state);
    for (const op of ops) if (!apply(state, op)) return false;
    this.#state = state;
    for (const { kind } of ops) {
      this.#trail.set(kind, (this.#trail.get(kind) ?? 0) + 1);
      this.#sequence++;
      this.#trail.set('last', this.#sequence);
    }
    return true;
  }

  value(release: Release, key: string): Value | undefined {
    const found = this.#state.get(key);
    if (found === undefined) return undefined;
    return 'note' in found ? found.note : shown(release, key, found, (ref) => ({ $ref: ref }));
  }

  everything(release: Release, keys: readonly string[]) {
    const values = keys.map((key) => this.value(release, key) ?? null);
    return {
      entries: sorted([...this.#state.keys()].map((key) => [key, this.value(release, key) ?? null])),
      many: values,
      one: values,
      has: keys.map((key) => this.has(key)),
      size: this.#state.size,
      trail: sorted([...this.#trail]),
    };
  }

  resolved(release: Release, key: string, depth: number, path: readonly string[] = []): Value | undefined {
    const found = this.#state.get(key);
    if (found === undefined || 'note' in found) return this.value(release, key);
    const here = [...path, key];
    return shown(release, key, found, (ref): Value => {
      if (here.length > depth || ref === path.at(-1)) return { $ref: ref };
      const above = here.indexOf(ref);
      if (above >= 0) return { $ref: ref, $circular: [...here.slice(above), ref] };
      return this.resolved(release, ref, depth, here) ?? { $ref: ref, $missing: true };
    });
  }

  /** How many entities there are at `key` and behind these fields of it. */
  loaded(key: string, paths: readonly string[]): number {
    const found = this.#state.get(key);
    if (found === undefined || 'note' in found) return 0;
    const refs = paths.flatMap((path) => found.refs[path] ?? []);
    return new Set([key, ...refs.filter((ref) => this.has(ref))]).size;
  }
}

function apply(state: Map<string, Entity | { readonly note: Value }>, op: Op): boolean {
  switch (op.kind) {
    case 'deck':
    case 'card': {
      const old = state.get(op.key);
      state.set(op.key, { n: op.n, refs: op.keeps && old !== undefined && 'refs' in old ? old.refs : {} });
      return true;
    }
    case 'note':
      state.set(op.key, { note: op.value });
      return true;
    case 'remove':
      state.delete(op.key);
      return true;
    case 'clear':
      for (const key of [...state.keys()]) if (key.startsWith(op.prefix)) state.delete(key);
      return true;
    case 'link': {
      if (!state.has(op.key) || !state.has(op.target)) return false;
      const back = backs[op.field]?.field;
      point(state, op.key, op.field, op.target);
      if (back !== undefined) point(state, op.target, back, op.key);
      return true;
    }
    case 'unlink':
      letGo(state, op.key, op.field, op.target);
      letGo(state, op.target, backs[op.field]?.field, op.key);
      return true;
  }
}

type Mutable = Map<string, Entity | { readonly note: Value }>;

function point(state: Mutable, key: string, field: string, target: string): void {
  const held = refsOf(state, key)[field] ?? [];
  if (held.includes(target)) return;
  if (field === 'cards') setRefs(state, key, field, [...held, target]);
  else {
    setRefs(state, key, field, [target]);
    for (const former of held) letGo(state, former, backs[field]?.field, key);
  }
}

function letGo(state: Mutable, key: string, field: string | undefined, target: string): void {
  const held = field === undefined ? undefined : refsOf(state, key)[field];
  if (field !== undefined && held?.includes(target) === true) {
    setRefs(
      state,
      key,
      field,
      held.filter((one) => one !== target),
    );
  }
}

function refsOf(state: Mutable, key: string): Entity['refs'] {
  const found = state.get(key);
  return found !== undefined && 'refs' in found ? found.refs : {};
}

function setRefs(state: Mutable, key: string, field: string, refs: readonly string[]): void {
  const found = state.get(key);
  if (found !== undefined && 'refs' in found) {
    state.set(key, { ...found, refs: { ...found.refs, [field]: refs } });
  }
}

/** An entity as a release shows it, its references as `show` does. */
function shown(release: Release, key: string, { n, refs }: Entity, show: (ref: string) => Value): Value {
  const single = (field: string): object =>
    Object.fromEntries((refs[field] ?? []).map((ref) => [field, show(ref)]));
  if (key.startsWith('deck:')) {
    const cards = Object.fromEntries(
      (refs['cards'] ?? []).map((ref) => [ref.slice('card:'.length), show(ref)]),
    );
    const archived = release === 1 ? {} : { archived: false };
    return { name: `name ${n}`, ...archived, cards, ...single('cover') };
  }
  const own = release === 1 ? { front: `front ${n}`, level: `${n}` } : { text: `front ${n}`, level: n };
  return { ...own, ...single('deck'), ...single('coverOf'), ...single('next') };
}

function sorted<T>(entries: readonly (readonly [string, T])[]): (readonly [string, T])[] {
  return [...entries].sort(([left], [right]) => (left < right ? -1 : 1));
}

/**
 * `preload`: reads an entity and those along the given paths into the cache, one read of the store per level, so that
 * the reads that follow find them in memory.
 *
 * A path names a field; an object leads on from the entities that its fields refer to:
 * `['owner', { cards: ['translations'] }]` reads the owner, the cards and the translations of the cards.
 */

import { invalidInput } from '../core/errors.js';
import type { StateSchema } from '../core/state-schema.js';
import type { Value } from '../core/values.js';
import { collectRefs, type EntityReads, readEntities, tooManyEntities } from './entity-reads.js';
import type { ResolveLimits } from './resolve.js';

/** Fields to follow, and what to follow from there. See the file's header. */
export type PreloadPaths = readonly (string | { readonly [field: string]: PreloadPaths })[];

/** The same as a tree: for each field, what to follow from there. */
type PathTree = Map<string, PathTree>;

/** The entities of one level, each with the trees that go on from it: two ways may lead to one entity. */
type Level = Map<string, Set<PathTree>>;

/** Reads what `paths` lead to. Returns how many entities that are, the one at `key` among them. */
export function preloadPaths(
  reads: EntityReads,
  key: string,
  paths: PreloadPaths,
  limits: ResolveLimits,
  schema: StateSchema | undefined,
): number {
  const tree = checkPaths(paths, limits.valueDepthMax);
  if (schema !== undefined) checkRelations(schema, key, tree, 'paths');
  const { resolvedEntitiesMax, idBytesMax } = limits;
  const met = new Set([key]);
  const loaded = new Set<string>();
  // The first key comes from the caller and is checked; the others come from values.
  let entities = readRoot(reads, key);
  let level: Level = new Map([[key, new Set([tree])]]);
  while (entities.size > 0) {
    for (const one of entities.keys()) loaded.add(one);
    level = nextLevel(level, entities);
    for (const one of level.keys()) met.add(one);
    if (met.size > resolvedEntitiesMax) throw tooManyEntities('preload', key, resolvedEntitiesMax);
    entities = readEntities(reads, [...level.keys()], idBytesMax);
  }
  return loaded.size;
}

function readRoot(reads: EntityReads, key: string): Map<string, Value> {
  const [root] = reads.getMany([key]);
  return root === undefined ? new Map() : new Map([[key, root]]);
}

function nextLevel(level: Level, entities: ReadonlyMap<string, Value>): Level {
  const next: Level = new Map();
  for (const [key, value] of entities) {
    for (const tree of level.get(key) ?? []) {
      for (const [field, onwards] of tree) follow(value, field, onwards, next);
    }
  }
  return next;
}

function follow(value: Value, field: string, onwards: PathTree, next: Level): void {
  const refs = new Set<string>();
  collectRefs(fieldOf(value, field), refs);
  for (const ref of refs) {
    const trees = next.get(ref) ?? new Set();
    next.set(ref, trees.add(onwards));
  }
}

function fieldOf(value: Value, field: string): Value | undefined {
  if (typeof value !== 'object' || value === null || !Object.hasOwn(value, field)) return undefined;
  return (value as Readonly<Record<string, Value>>)[field];
}

/** The paths as a tree. The same field twice leads on to both. */
function checkPaths(paths: unknown, levelsMax: number): PathTree {
  const tree: PathTree = new Map();
  addPaths(tree, paths, 'paths', levelsMax);
  return tree;
}

function addPaths(tree: PathTree, paths: unknown, at: string, levelsLeft: number): void {
  if (!Array.isArray(paths))
    throw invalidInput(at, 'an array of fields, or of objects from field to paths', paths);
  if (levelsLeft === 0) throw invalidInput(at, 'no deeper than limits.valueDepthMax', paths);
  for (const [index, path] of paths.entries()) {
    if (typeof path === 'string') branch(tree, path, `${at}[${index}]`);
    else if (isRecord(path)) {
      for (const [field, onwards] of Object.entries(path)) {
        addPaths(branch(tree, field, `${at}[${index}]`), onwards, `${at}[${index}].${field}`, levelsLeft - 1);
      }
    } else throw invalidInput(`${at}[${index}]`, 'a field, or an object from field to paths', path);
  }
}

function branch(tree: PathTree, field: string, at: string): PathTree {
  if (field === '') throw invalidInput(at, 'a field, or an object from field to paths', field);
  const known = tree.get(field) ?? new Map();
  tree.set(field, known);
  return known;
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** A misspelt field would load nothing, silently. A key of no entity of the schema takes any field. */
function checkRelations(schema: StateSchema, key: string, tree: PathTree, at: string): void {
  const relations = schema.relations(key);
  if (relations.size === 0) return;
  for (const [field, onwards] of tree) {
    const relation = relations.get(field);
    if (relation === undefined) {
      throw invalidInput(at, `made of relations of ${key} (${[...relations.keys()].join(', ')})`, field);
    }
    checkRelations(schema, `${relation.entity}:1`, onwards, `${at}.${field}`);
  }
}

/**
 * Event queries: which events are meant, in the terms of dynamic consistency boundaries. Pure. Used by reads of the log, by conditional
 * append and by subscriptions, so that all of them mean the same events.
 *
 * Invariants:
 *   - A checked query is plain data and crosses threads as it is.
 *   - It is in normal form: queries that are written differently and mean the same lists are equal as JSON.
 */

import { invalidInput, RamaxError } from './errors.js';
import type { LiteralString } from './event.js';
import type { Limits } from './limits.js';
import { checkId, checkInteger, checkOptions } from './names.js';
import { checkOptionNames } from './option-names.js';

/** One item of a query. What is absent is no condition; an item without any means every event. */
export interface EventQueryItem<Type extends string = LiteralString> {
  /** The event's type is one of these. */
  readonly types?: readonly Type[] | undefined;
  /** The event has all of these tags, and may have others. */
  readonly tags?: readonly string[] | undefined;
  /** The event is about this entity. */
  readonly entityId?: string | undefined;
}

/**
 * Which events: those that one item means, or any of several.
 *
 * @example
 * ```ts
 * const query: EventQuery = [{ types: ['seat.taken'], tags: ['show:7'] }, { entityId: 'hall:1' }];
 * ```
 */
export type EventQuery<Type extends string = LiteralString> =
  | EventQueryItem<Type>
  | readonly EventQueryItem<Type>[];

/** An item of a checked query: each list is sorted and has nothing twice. */
export interface CheckedQueryItem {
  readonly types?: readonly string[];
  readonly tags?: readonly string[];
  readonly entityId?: string;
}

/** A query that was checked, in its normal form: at least one item. */
export interface CheckedEventQuery {
  readonly items: readonly CheckedQueryItem[];
}

/** The bounds of a query. */
export type EventQueryLimits = Pick<
  Limits,
  'queryItemsMax' | 'queryTypesMax' | 'tagsPerEventMax' | 'idBytesMax'
>;

/** What is looked at of an event. */
export interface QueriedEvent {
  readonly type: string;
  readonly entityId: string;
  readonly tags: readonly string[];
}

/** A condition of an append: it is refused when an event behind `after` matches. */
export interface FailIfEventsMatch<Type extends string = LiteralString> {
  readonly query: EventQuery<Type>;
  /** The latest `spaceSequence` that the caller has seen. Default 0. */
  readonly after?: number | undefined;
}

/**
 * The condition with its query in normal form.
 *
 * @throws {RamaxError} `invalid_input`
 */
export function checkFailIfEventsMatch(
  given: unknown,
  field: string,
  limits: EventQueryLimits,
): { readonly query: CheckedEventQuery; readonly after: number } {
  checkOptions(given, field);
  checkOptionNames(given, ['query', 'after'], field, field);
  const { query, after = 0 } = given as Readonly<Record<'query' | 'after', unknown>>;
  checkInteger(after, `${field}.after`, 0);
  return { query: checkEventQuery(query, `${field}.query`, limits), after };
}

const itemNames = ['types', 'tags', 'entityId'] as const satisfies readonly (keyof EventQueryItem)[];

/**
 * The normal form of a query. An empty list of items or of types is refused: it could mean every event as well as none.
 *
 * @param field what has the query, as the error names it
 * @throws {RamaxError} `invalid_input`
 */
export function checkEventQuery(given: unknown, field: string, limits: EventQueryLimits): CheckedEventQuery {
  try {
    return checkItems(given, field, limits);
  } catch (error) {
    if (error instanceof RamaxError) throw error;
    // Getters and proxies throw what they like when they are looked at.
    throw invalidInput(field, 'a query that can be read', given);
  }
}

function checkItems(given: unknown, field: string, limits: EventQueryLimits): CheckedEventQuery {
  if (!Array.isArray(given)) return { items: [checkItem(given, field, limits)] };
  const { queryItemsMax } = limits;
  if (given.length === 0 || given.length > queryItemsMax) {
    throw invalidInput(field, `an object, or an array of 1 to ${queryItemsMax} objects`, given);
  }
  const items = new Map<string, CheckedQueryItem>();
  for (let index = 0; index < given.length; index++) {
    const item = checkItem(given[index], `${field}[${index}]`, limits);
    items.set(JSON.stringify(item), item);
  }
  const everything = items.get('{}');
  if (everything !== undefined) return { items: [everything] };
  return { items: [...items].sort(byText).map(([, item]) => item) };
}

/** Whether the query means this event. */
export function matchesQuery({ items }: CheckedEventQuery, event: QueriedEvent): boolean {
  return items.some((item) => matchesItem(item, event));
}

function matchesItem({ types, tags, entityId }: CheckedQueryItem, event: QueriedEvent): boolean {
  if (entityId !== undefined && entityId !== event.entityId) return false;
  if (types !== undefined && !types.includes(event.type)) return false;
  return tags === undefined || tags.every((tag) => event.tags.includes(tag));
}

function checkItem(given: unknown, field: string, limits: EventQueryLimits): CheckedQueryItem {
  if (typeof given !== 'object' || given === null || Array.isArray(given)) {
    throw invalidInput(field, 'an object of types, tags and entityId', given);
  }
  checkOptionNames(given, itemNames, 'an event query', field);
  const { types, tags, entityId } = given as Readonly<Record<keyof EventQueryItem, unknown>>;
  const { queryTypesMax, tagsPerEventMax, idBytesMax } = limits;
  const item: { types?: readonly string[]; tags?: readonly string[]; entityId?: string } = {};
  if (types !== undefined) item.types = checkIds(types, `${field}.types`, 1, queryTypesMax, idBytesMax);
  // No tags are no condition: an event has all of none.
  const labels = tags === undefined ? [] : checkIds(tags, `${field}.tags`, 0, tagsPerEventMax, idBytesMax);
  if (labels.length > 0) item.tags = labels;
  if (entityId !== undefined) {
    checkId(entityId, `${field}.entityId`, idBytesMax);
    item.entityId = entityId;
  }
  return item;
}

/** Sorted, and nothing twice. */
function checkIds(
  given: unknown,
  field: string,
  min: number,
  max: number,
  idBytesMax: number,
): readonly string[] {
  if (!Array.isArray(given) || given.length < min || given.length > max) {
    throw invalidInput(field, `an array of ${min} to ${max} strings`, given);
  }
  const ids = new Set<string>();
  for (let index = 0; index < given.length; index++) {
    const id: unknown = given[index];
    checkId(id, `${field}[${index}]`, idBytesMax);
    ids.add(id);
  }
  return [...ids].sort();
}

function byText([left]: readonly [string, unknown], [right]: readonly [string, unknown]): number {
  if (left === right) return 0;
  return left < right ? -1 : 1;
}

/** What `watch` takes, and what becomes of it. */

import type { WatchTarget } from '../content-store/changes.js';
import { invalidInput } from '../core/errors.js';
import type { Limits } from '../core/limits.js';
import { type AppDescription, mainViewName, unknownName } from '../core/loaded-app.js';
import { checkId, checkOptions } from '../core/names.js';
import { checkOptionNames, readNames } from '../core/option-names.js';
import { freezeValue } from '../core/values.js';

/** The entries of a view under a prefix; all of them when it is empty. */
export interface WatchPrefix {
  readonly prefix: string;
  /** Default: the main view. */
  readonly view?: string | undefined;
}

/** The result of a query. */
export type WatchQuery<Name extends string, Params> = undefined extends Params
  ? { readonly query: Name; readonly params?: Params }
  : { readonly query: Name; readonly params: Params };

/** How a key is watched. */
export interface WatchKeyOptions {
  /** Default: the main view. */
  readonly view?: string | undefined;
  /** Ends the watching: it throws `aborted`. */
  readonly signal?: AbortSignal | undefined;
}

/** A key, a prefix or a query. */
export type WatchWhat = string | WatchPrefix | { readonly query: string; readonly params?: unknown };

/** @throws {RamaxError} `invalid_input`, `unknown_view`, `unknown_query` */
export function watchTarget(
  what: WatchWhat,
  options: WatchKeyOptions,
  app: AppDescription,
  limits: Limits,
): WatchTarget {
  checkOptions(options);
  checkOptionNames(options, typeof what === 'string' ? ['view', 'signal'] : ['signal'], 'watch()');
  if (typeof what === 'string') {
    checkId(what, 'key', limits.idBytesMax);
    return { kind: 'key', view: viewOf(options.view, app), key: what };
  }
  if (typeof what === 'object' && what !== null) readNames(what, 'what');
  if (typeof what !== 'object' || what === null || Array.isArray(what)) {
    throw invalidInput('what', 'a key, { prefix } or { query }', what);
  }
  if ('query' in what) {
    checkOptionNames(what, ['query', 'params'], 'a watched query', 'what');
    if (!app.queries.includes(what.query)) throw unknownName('query', what.query, app.queries);
    if (what.params === undefined) return { kind: 'query', query: what.query };
    return { kind: 'query', query: what.query, params: freezeValue(what.params, 'params', limits) };
  }
  checkOptionNames(what, ['prefix', 'view'], 'a watched prefix', 'what');
  if (typeof what.prefix !== 'string') throw invalidInput('prefix', 'a string', what.prefix);
  if (what.prefix !== '') checkId(what.prefix, 'prefix', limits.idBytesMax);
  return { kind: 'prefix', view: viewOf(what.view, app), prefix: what.prefix };
}

function viewOf(view: string | undefined, { views }: AppDescription): string {
  if (view === undefined) return mainViewName;
  if (!views.includes(view)) throw unknownName('view', view, views);
  return view;
}

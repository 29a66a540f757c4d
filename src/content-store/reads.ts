/** The kinds of read turns: a key of a view, resolved or not, the entries under a prefix, or a query over all views. */

import type { Answerable } from '../core/answerable.js';
import { asRamaxError, RamaxError } from '../core/errors.js';
import { mainViewName, unknownName } from '../core/loaded-app.js';
import type { PStateReader } from '../core/pstate-access.js';
import { isThenable } from '../core/thenable.js';
import { freezeParsed, freezeValue, type Value, type ValueLimits, valueBytes } from '../core/values.js';
import type { WatchTarget } from './changes.js';
import { type ReadFaces, ReadTurn } from './turn.js';

/** Who waits for a read; without one the turn has a promise. */
type ReadWaiter = Answerable<Value | undefined>;

/** Reads one key. */
export function fetchTurn(key: string, view: string = mainViewName, waiter?: ReadWaiter): ReadTurn {
  return new ReadTurn((faces) => viewOf(faces, view).get(key), waiter);
}

/** Reads one entity and what it refers to. */
export function resolvedTurn(
  key: string,
  view: string = mainViewName,
  depth?: number,
  waiter?: ReadWaiter,
): ReadTurn {
  const options = depth === undefined ? {} : { depth };
  return new ReadTurn((faces) => viewOf(faces, view).getResolved(key, options) as Value | undefined, waiter);
}

/** Reads the entries under a prefix, as one value: no more of them than fit it. */
export function prefixTurn(prefix: string, view: string, limits: ValueLimits): ReadTurn {
  return new ReadTurn((faces) => {
    const field = `the entries with prefix '${prefix}'`;
    const entries: Value[] = [];
    let bytes = 1;
    for (const entry of viewOf(faces, view).entries({ prefix })) {
      const frozen = freezeValue(entry, field, limits);
      bytes += valueBytes(frozen);
      if (bytes > limits.valueBytesMax) throw tooLarge(field, limits);
      entries.push(frozen);
    }
    return freezeValue(entries, field, limits);
  });
}

/** Runs a query. */
export function queryTurn(
  name: string,
  params: Value | undefined,
  limits: ValueLimits,
  waiter?: ReadWaiter,
): ReadTurn {
  return new ReadTurn(({ app, main, views }) => {
    const query = app.queries.get(name);
    if (query === undefined) throw unknownName('query', name, [...app.queries.keys()]);
    // Read again after a recovery or for a watcher: a query must not have changed what it was given.
    freezeParsed(params);
    const result = runQuery(name, () => query(main, params as never, { views }));
    return result === undefined ? undefined : freezeValue(result, `the result of query '${name}'`, limits);
  }, waiter);
}

/** Reads what a watcher watches. */
export function watchTurn(target: WatchTarget, limits: ValueLimits): ReadTurn {
  switch (target.kind) {
    case 'key':
      return fetchTurn(target.key, target.view);
    case 'prefix':
      return prefixTurn(target.prefix, target.view, limits);
    case 'query':
      return queryTurn(target.query, target.params, limits);
  }
}

function viewOf({ app, main, views }: ReadFaces, name: string): PStateReader {
  if (name === mainViewName) return main;
  const view = Object.hasOwn(views, name) ? views[name] : undefined;
  if (view !== undefined) return view;
  throw unknownName(
    'view',
    name,
    app.views.map((known) => known.name),
  );
}

function tooLarge(field: string, { valueBytesMax }: ValueLimits): RamaxError {
  const expected = `at most ${valueBytesMax} bytes (limits.valueBytesMax)`;
  return new RamaxError('invalid_input', `${field} must be ${expected}, but are more`, {
    details: { field, expected },
  });
}

function runQuery(name: string, run: () => unknown): unknown {
  let result: unknown;
  try {
    result = run();
  } catch (error) {
    throw asRamaxError(error, 'command_failed', `the query '${name}' threw`);
  }
  if (isThenable(result)) {
    throw new RamaxError('command_failed', `the query '${name}' must be synchronous`, {
      details: { query: name },
    });
  }
  return result;
}

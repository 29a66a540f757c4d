/** The two kinds of read turns: one key of the main view, or a query over all views. */

import { asRamaxError, RamaxError } from '../core/errors.js';
import { unknownName } from '../core/loaded-app.js';
import { isThenable } from '../core/thenable.js';
import { freezeValue, type Value, type ValueLimits } from '../core/values.js';
import { ReadTurn } from './turn.js';

/** Reads one key. */
export function fetchTurn(key: string): ReadTurn {
  return new ReadTurn(({ main }) => main.get(key));
}

/** Runs a query. */
export function queryTurn(name: string, params: Value | undefined, limits: ValueLimits): ReadTurn {
  return new ReadTurn(({ app, main, views }) => {
    const query = app.queries.get(name);
    if (query === undefined) throw unknownName('query', name, [...app.queries.keys()]);
    const result = runQuery(name, () => query(main, params as never, { views }));
    return result === undefined ? undefined : freezeValue(result, `the result of query '${name}'`, limits);
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

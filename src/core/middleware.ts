/**
 * Middleware: what every command passes in its shard before and after its function, like the layers of an onion. Pure and synchronous,
 * as commands are: it runs in the turn, and again when a turn is decided again.
 */

import type { CommandAnswer, Middleware, MiddlewareCall, NextLayer } from './define-app.js';
import { asRamaxError, RamaxError } from './errors.js';
import { Rejection } from './rejection.js';
import { isThenable } from './thenable.js';

/**
 * The answer of a command behind these layers.
 *
 * @param decide what is behind the last one
 * @throws {RamaxError} `command_failed` when a layer throws or gives no answer, and what `decide` throws
 */
export function throughMiddleware(
  layers: readonly Middleware[],
  call: MiddlewareCall,
  decide: (params: unknown) => CommandAnswer,
): CommandAnswer {
  const enter = (index: number, here: MiddlewareCall): CommandAnswer => {
    const layer = layers[index];
    if (layer === undefined) return decide(here.params);
    const next: NextLayer = (changes) =>
      enter(
        index + 1,
        changes !== undefined && 'params' in changes ? { ...here, ...paramsOf(changes) } : here,
      );
    return checkedAnswer(run(layer, here, next, index), here.command, index);
  };
  return enter(0, call);
}

function paramsOf({ params }: { readonly params?: unknown }): { readonly params: unknown } {
  return { params };
}

function run(layer: Middleware, call: MiddlewareCall, next: NextLayer, index: number): unknown {
  try {
    return layer(call, next);
  } catch (error) {
    throw asRamaxError(
      error,
      'command_failed',
      `the middleware ${index} of the command '${call.command}' threw`,
    );
  }
}

function checkedAnswer(answer: unknown, command: string, index: number): CommandAnswer {
  if (Rejection.is(answer) || Array.isArray(answer)) return answer as CommandAnswer;
  isThenable(answer);
  throw new RamaxError(
    'command_failed',
    `the middleware ${index} of the command '${command}' must return an array of events or reject(…) synchronously`,
    { details: { command, middleware: index } },
  );
}

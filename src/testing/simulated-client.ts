/** A client made of generators: sends commands, waits for some of them, and asks again until it knows what became of each. */

import type { App } from '../core/define-app.js';
import { isRamaxError, RamaxError } from '../core/errors.js';
import type { ExecuteOptions } from '../supervisor/space-handle.js';
import type { SpaceState } from './folded-space.js';
import type { SeededRandom } from './random.js';
import type { PlannedTraffic, SimulatedClient } from './simulation-options.js';

const pauseMsMax = 6;
const againMsMax = 30;
/** A caller that has asked so often has met every fault of a history, and gives up. */
const attemptsMax = 60;

/** Sends `steps` commands. */
export async function playClient<A extends App>(
  context: SimulatedClient<A>,
  traffic: readonly PlannedTraffic<A>[],
  steps: number,
  stateOf: (spaceName: string) => SpaceState<A>,
  releaseNow: () => number,
): Promise<void> {
  const { random, clock, spaceNames, client } = context;
  const open: Promise<void>[] = [];
  for (let step = 1; step <= steps; step++) {
    const spaceName = random.pick(spaceNames);
    const { command, params, commandId, options } = pickWeighted(random, traffic);
    if (spaceName === undefined) return;
    const state = stateOf(spaceName);
    const given = params(random, state);
    const others = options(given, { random, space: state, release: releaseNow() });
    const id = commandId === undefined ? `c${client}-${step}` : commandId(given);
    const answered = send(context, spaceName, command, given, {
      ...others,
      ...(id === undefined ? {} : { commandId: id }),
    });
    if (random.oneIn(2)) await answered;
    else open.push(answered);
    await clock.sleep(random.fraction() * pauseMsMax);
  }
  await Promise.all(open);
}

/** Sends a command until its outcome is known. One without a `commandId` is sent again all the same, as a careless client does. */
async function send<A extends App>(
  { space, clock, random }: SimulatedClient<A>,
  spaceName: string,
  command: string,
  params: unknown,
  options: ExecuteOptions,
): Promise<void> {
  const execute = space(spaceName).execute as (
    command: string,
    params: unknown,
    options: ExecuteOptions,
  ) => Promise<unknown>;
  for (let attempt = 1; attempt <= attemptsMax; attempt++) {
    try {
      await execute(command, params, options);
      return;
    } catch (error) {
      if (!(error instanceof RamaxError)) throw error;
      if (!error.retryable || isRamaxError(error, 'conflict')) return;
    }
    await clock.sleep(random.fraction() * againMsMax);
  }
  throw new RamaxError('timeout', `'${command}' had no answer after ${attemptsMax} attempts`);
}

function pickWeighted<A extends App>(
  random: SeededRandom,
  traffic: readonly PlannedTraffic<A>[],
): PlannedTraffic<A> {
  let left = random.fraction() * traffic.reduce((sum, { weight }) => sum + weight, 0);
  const last = traffic[traffic.length - 1] as PlannedTraffic<A>;
  for (const one of traffic) {
    left -= one.weight;
    if (left < 0) return one;
  }
  return last;
}

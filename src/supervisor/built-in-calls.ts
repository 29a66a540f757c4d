/** Calls of the runtime by itself: they go the way of every command, with the same room, deadlines and locks. */

import type { CommandResult } from '../content-store/content-store.js';
import { builtInInvocation } from '../content-store/invocation.js';
import type { Platform } from '../core/clock.js';
import type { builtInCommands } from '../core/reserved.js';
import { type ValueText, valueText } from '../core/value-text.js';
import type { SpaceRow } from '../event-store/port.js';
import type { Calls } from './calls.js';
import type { SpaceLocks } from './space-locks.js';
import type { Supervisor } from './supervisor.js';
import type { WaitOptions } from './wait-options.js';

/** What such calls are made with. */
export interface BuiltInServices {
  readonly supervisor: Supervisor;
  readonly calls: Calls;
  readonly locks: SpaceLocks;
  readonly platform: Platform;
}

type BuiltInCommand = (typeof builtInCommands)[keyof typeof builtInCommands];

/** Parameters are made here, and not given by anybody: their bound is that of what they are made of. */
const paramsLimits = { valueBytesMax: Number.MAX_SAFE_INTEGER, valueDepthMax: 1_024 };

/** The parameters of such a call as they travel. */
export function builtInParams(params: object): ValueText {
  return valueText(params, 'params', paramsLimits);
}

/**
 * Executes a built-in command.
 *
 * @param invocationId the same for each attempt at the same thing, so that it is known by it should it end its shard
 */
export function callBuiltIn(
  { supervisor, calls, locks, platform }: BuiltInServices,
  space: Pick<SpaceRow, 'spaceId' | 'spaceName' | 'settings'>,
  command: BuiltInCommand,
  params: ValueText,
  options: WaitOptions,
  invocationId = platform.ids.newId(),
): Promise<CommandResult> {
  // Nobody may have met it in this runtime: its suspension and its limits hold all the same.
  calls.met(space);
  const { spaceId, spaceName } = space;
  const address = { spaceId, spaceName };
  const invocation = builtInInvocation(command, params, invocationId);
  const plan = supervisor.shardOf(address).command(address, invocation);
  const lock = locks.of(space);
  return calls.make(lock === undefined ? plan : lock.guard(plan), options);
}

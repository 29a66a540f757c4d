/** The pending timers of one space, as its handle shows them. */

import type { Limits } from '../core/limits.js';
import { checkId, checkInteger } from '../core/names.js';
import { builtInCommands, builtInEntities } from '../core/reserved.js';
import type { SpaceRow, StoredTimer } from '../event-store/port.js';
import { type BuiltInServices, builtInParams, callBuiltIn } from './built-in-calls.js';
import { checkWaitOptions, type WaitOptions, waitOptionNames } from './wait-options.js';

/** What `list` may be given. */
export interface ListTimersOptions extends WaitOptions {
  /** The last id of the page before. Default: from the first. */
  readonly after?: string;
  /** Timers at most, 1 to 1,000. Default 1,000. */
  readonly limit?: number;
}

const listPageMax = 1_000;

const listOptionNames = [
  'after',
  'limit',
  ...waitOptionNames,
] as const satisfies readonly (keyof ListTimersOptions)[];

/** See `SpaceHandle.timers`. */
export class SpaceTimers {
  readonly #services: BuiltInServices & { readonly limits: Limits };
  readonly #space: Pick<SpaceRow, 'spaceId' | 'spaceName' | 'settings'>;

  constructor(
    services: BuiltInServices & { readonly limits: Limits },
    space: Pick<SpaceRow, 'spaceId' | 'spaceName' | 'settings'>,
  ) {
    this.#services = services;
    this.#space = space;
  }

  /**
   * The pending timers, in the order of their ids' code points, a page at a time. The event at `spaceSequence` says what each does.
   *
   * @throws {RamaxError} `invalid_input`, and the codes of every wait
   */
  async list(options: ListTimersOptions = {}): Promise<readonly StoredTimer[]> {
    checkWaitOptions(options, 'timers.list()', listOptionNames);
    const { after, limit = listPageMax } = options;
    const { calls, supervisor, limits } = this.#services;
    if (after !== undefined) checkId(after, 'after', limits.idBytesMax);
    checkInteger(limit, 'limit', 1, listPageMax);
    const { spaceId } = this.#space;
    return calls.read(spaceId, () => supervisor.log.timersOf(spaceId, after ?? '', limit), options);
  }

  /**
   * Cancels a pending timer. Resolves with false where none is pending under this id: it was never scheduled, or has fired.
   *
   * @throws {RamaxError} `invalid_input`, and the codes of `execute`
   */
  async cancel(timerId: string, options: WaitOptions = {}): Promise<boolean> {
    checkId(timerId, 'timerId', this.#services.limits.idBytesMax - builtInEntities.timer.length);
    checkWaitOptions(options, 'timers.cancel()');
    const { cancelTimer } = builtInCommands;
    const params = builtInParams({ timerId });
    const { eventIds } = await callBuiltIn(this.#services, this.#space, cancelTimer, params, options);
    return eventIds.length > 0;
  }
}

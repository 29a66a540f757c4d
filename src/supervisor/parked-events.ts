/** What reactors could not handle, for operators: what they have parked and where they have stopped; retry, skip. */

import { invalidInput } from '../core/errors.js';
import { checkInteger, checkOptions } from '../core/names.js';
import { checkOptionNames } from '../core/option-names.js';
import { type ReactionPlace, wholePart } from '../core/reaction-id.js';
import type { StoppedEvent } from '../core/reactor.js';
import type { ParkedEvent } from '../event-store/port.js';
import type { SpaceAddress } from '../protocol/links.js';
import type { CallPlan } from './call-plan.js';
import type { ShardHandle } from './shard-handle.js';
import type { SpaceLock } from './space-lock.js';
import type { ReadServices } from './space-reads.js';
import { checkWaitOptions, type WaitOptions, waitOptionNames } from './wait-options.js';

/** Parked events of one answer at most. */
const pageMax = 1_000;

/** Which parked events to list. */
export interface ParkedOptions extends WaitOptions {
  /** The last one of the page before. Default: from the first. */
  readonly after?: ReactionPlace | undefined;
  /** At most so many, 1 to 1,000. Default 100. */
  readonly limit?: number | undefined;
}

/** One event: `spaceSequence`, `reactor` and `part` of what `parked()` or `stopped()` lists. */
export interface ParkedRef {
  readonly reactor: string;
  readonly spaceSequence: number;
  /** Default 0. */
  readonly part?: number | undefined;
}

const parkedOptionNames = [
  'after',
  'limit',
  ...waitOptionNames,
] as const satisfies readonly (keyof ParkedOptions)[];
const placeNames = ['spaceId', 'reactor', 'spaceSequence', 'part', 'attempts', 'error', 'parkedAt'] as const;

/** Lists parked events of one space, or of all. */
export async function listParked(
  { calls, supervisor }: Pick<ReadServices, 'calls' | 'supervisor'>,
  spaceId: number,
  options: ParkedOptions,
): Promise<readonly ParkedEvent[]> {
  checkWaitOptions(options, 'parked()', parkedOptionNames);
  const { after, limit = 100, ...waiting } = options;
  checkInteger(limit, 'limit', 1, pageMax);
  if (after !== undefined) checkPlace(after, 'after');
  const page = { limit, after, ...(spaceId === 0 ? {} : { spaceId }) };
  return calls.read(spaceId, () => supervisor.log.parkedEvents(page), waiting);
}

/**
 * The reactors of one space.
 *
 * @example
 * ```ts
 * for (const parked of await acme.reactors.parked()) {
 *   if (isFixed(parked.error)) await acme.reactors.retry(parked);
 *   else await acme.reactors.skip(parked);
 * }
 * for (const stopped of await acme.reactors.stopped()) await acme.reactors.retry(stopped);
 * ```
 */
export class SpaceReactors {
  readonly #services: ReadServices;
  readonly #address: SpaceAddress;
  readonly #lock: SpaceLock | undefined;
  readonly #shard: ShardHandle;

  constructor(services: ReadServices, address: SpaceAddress, lock: SpaceLock | undefined) {
    this.#services = services;
    this.#address = address;
    this.#lock = lock;
    this.#shard = services.supervisor.shardOf(address);
  }

  /**
   * The events that reactors could not handle and have passed over, by reactor and sequence, a page at a time.
   *
   * @throws {RamaxError} `invalid_input`, and the codes of every wait
   */
  parked(options: ParkedOptions = {}): Promise<readonly ParkedEvent[]> {
    return listParked(this.#services, this.#address.spaceId, options);
  }

  /**
   * The events at which reactors have stopped: after the last attempt where their `onFailure` is `stop`, and whatever it is where
   * the app is too old for the event. At most one of each reactor. They go on when somebody retries or skips it; when the
   * runtime or the space's shard starts again, they try it anew.
   *
   * @throws {RamaxError} the codes of every wait
   */
  stopped(options: WaitOptions = {}): Promise<readonly StoppedEvent[]> {
    checkWaitOptions(options, 'stopped()');
    const { spaceId } = this.#address;
    return this.#services.calls.make(this.#shard.request(spaceId, 'stoppedReactors', { spaceId }), options);
  }

  /**
   * Handles once more an event that is parked, out of its order, or one that its reactor has stopped at. Resolves when the handler has
   * done it; then it is no longer parked, or the reactor goes on behind it.
   *
   * @throws {RamaxError} `not_found` when it is neither; what the handler fails of, and then it stays what it is; and the codes of
   *   every wait
   */
  async retry(parked: ParkedRef, options: WaitOptions = {}): Promise<void> {
    checkWaitOptions(options, 'retry()');
    const place = this.#place(parked);
    if (!(await this.#isParked(place, options))) return this.#resume(place, false, options);
    const { spaceName } = this.#address;
    const plan = this.#shard.request(place.spaceId, 'retryParked', { ...place, spaceName });
    await this.#make(plan, this.#patient(options));
  }

  /**
   * Lets an event be that was never handled: it is parked no longer, or the reactor that has stopped at it goes on behind it.
   *
   * @throws {RamaxError} `not_found` when it is neither; and the codes of every wait
   */
  async skip(parked: ParkedRef, options: WaitOptions = {}): Promise<void> {
    checkWaitOptions(options, 'skip()');
    const place = this.#place(parked);
    if (!(await this.#isParked(place, options))) return this.#resume(place, true, options);
    const { calls, supervisor } = this.#services;
    await calls.change(
      () => supervisor.writer.call('writeCursor', { kind: 'unparkEvent', place }, 'untilUp'),
      options,
    );
  }

  #resume(place: ReactionPlace, isSkipped: boolean, options: WaitOptions): Promise<void> {
    const plan = this.#shard.request(place.spaceId, 'resumeReactor', { ...place, isSkipped });
    return this.#make(plan, this.#patient(options)).then(() => {});
  }

  /** The handler has its time, and waits for its turn. */
  #patient(options: WaitOptions): WaitOptions {
    const { limits } = this.#services;
    const { timeoutMs = limits.callTimeoutMs + limits.reactionTimeoutMs } = options;
    return { ...options, timeoutMs };
  }

  async #isParked(place: ReactionPlace, options: WaitOptions): Promise<boolean> {
    const after = { ...place, part: place.part - 1 };
    const page = { spaceId: place.spaceId, after, limit: 1 };
    const { calls, supervisor } = this.#services;
    const [next] = await calls.read(place.spaceId, () => supervisor.log.parkedEvents(page), options);
    const isIt = next?.reactor === place.reactor && next.spaceSequence === place.spaceSequence;
    return isIt && next.part === place.part;
  }

  #place(parked: ParkedRef): ReactionPlace {
    checkPlace(parked, 'parked');
    const { reactor, spaceSequence, part = 0 } = parked;
    return { spaceId: this.#address.spaceId, reactor, spaceSequence, part };
  }

  #make<Result>(plan: CallPlan<Result>, options: WaitOptions): Promise<Result> {
    return this.#services.calls.make(this.#lock?.guard(plan) ?? plan, options);
  }
}

function checkPlace(place: unknown, field: string): void {
  checkOptions(place, field);
  checkOptionNames(place, placeNames, 'reactors', field);
  const { reactor, spaceSequence, part = 0 } = place as Partial<ReactionPlace>;
  if (typeof reactor !== 'string') throw invalidInput(`${field}.reactor`, 'the name of a reactor', reactor);
  checkInteger(spaceSequence, `${field}.spaceSequence`, 1);
  checkInteger(part, `${field}.part`, wholePart);
}

/**
 * Main's stand-in for a shard: sends calls to it, and sends them again when the shard was lost and started anew.
 *
 * Owns: the calls that have no answer yet (`open-call.ts`), in their order, and the last known sequence of each space.
 *
 * Invariants:
 *   N1  Calls reach a shard in the order in which they were begun, also after a restart.
 *   N2  A command that is sent again says so (`resentAfter`): the shard asks the log first, so it runs once.
 *   N3  Every call settles once.
 *   N4  A call that has seen `lossesMax` losses of its shard is given up, for it may be what the shard dies of: one call
 *       cannot end the runtime.
 */

import type { CommandResult } from '../content-store/content-store.js';
import type { WrittenInvocation } from '../content-store/invocation.js';
import type { Accepted } from '../content-store/turn.js';
import { Chain } from '../core/chain.js';
import { RamaxError } from '../core/errors.js';
import type { Limits } from '../core/limits.js';
import type { Value } from '../core/values.js';
import type { Caller, PendingCall, ProgressOf, ReplyOf, SentOf } from '../protocol/link.js';
import type { ShardCalls, SpaceAddress } from '../protocol/links.js';
import type { CallPlan } from './call-plan.js';
import {
  type OpenCalls,
  OpenCommand,
  OpenRead,
  OpenRequest,
  type ReadName,
  type Sendable,
} from './open-call.js';

/** Any call may meet a shard that dies of another one's fault. */
const lossesMaxAtLeast = 2;

/** See the head of this file. */
export class ShardHandle implements OpenCalls {
  readonly #lossesMax: number;
  readonly #onCommitted: (eventId: number) => void;
  readonly #open = new Chain<Sendable>();
  /** The latest sequence of each space that an answer has told of. */
  readonly #sequences = new Map<number, number>();
  /** The keys of encrypted spaces, as text: every shard that is started has them before it has calls. */
  readonly #keys = new Map<number, string>();
  #caller: Caller<ShardCalls> | undefined;
  #failure: RamaxError | undefined;

  /** @param onCommitted told of the last event of each command that is answered */
  constructor(
    { restartsMax }: Pick<Limits, 'restartsMax'>,
    onCommitted: (eventId: number) => void = () => {},
  ) {
    this.#onCommitted = onCommitted;
    this.#lossesMax = Math.max(lossesMaxAtLeast, restartsMax - 2);
  }

  /** Calls without an answer. */
  get openCalls(): number {
    return this.#open.size;
  }

  /** The shard is up: everything without an answer goes to it, in order. */
  up(caller: Caller<ShardCalls>): void {
    this.#caller = caller;
    for (const [spaceId, key] of this.#keys) sendKey(caller, spaceId, key);
    const givenUp: Sendable[] = [];
    for (const call of this.#open.toArray()) {
      if (call.sends < this.#lossesMax) call.sendOver(caller);
      else givenUp.push(call);
    }
    // Not before all others are sent: where one ends, another may begin, and is behind them (N1).
    for (const call of givenUp) call.abandon(lostWith(call));
  }

  /** There will be no shard any more. */
  fail(error: RamaxError): void {
    this.#failure = error;
    for (const call of this.#open.toArray()) call.abandon(error);
  }

  /** A command to make. */
  command(address: SpaceAddress, invocation: WrittenInvocation): CallPlan<CommandResult> {
    return new OpenCommand(this, address, invocation);
  }

  /** A read of a space to make; `bytes` is the size of its parameters. */
  read<Name extends ReadName>(
    spaceId: number,
    name: Name,
    body: SentOf<ShardCalls, Name>,
    bytes: number,
  ): CallPlan<Value | undefined> {
    return new OpenRead<Name>(this, spaceId, bytes, name, body);
  }

  /** Any other call of a space to make; all of them may be repeated. */
  request<Name extends keyof ShardCalls>(
    spaceId: number,
    name: Name,
    body: SentOf<ShardCalls, Name>,
    onProgress?: (progress: ProgressOf<ShardCalls, Name>) => void,
  ): CallPlan<ReplyOf<ShardCalls, Name>> {
    return new OpenRequest<Name>(this, spaceId, name, body, onProgress);
  }

  /** Makes a call that is no public one: it has no deadline, and needs no room. */
  call<Name extends keyof ShardCalls>(
    name: Name,
    body: SentOf<ShardCalls, Name>,
  ): PendingCall<ReplyOf<ShardCalls, Name>> {
    const call = new OpenRequest<Name>(this, 0, name, body);
    const answer = new Promise<ReplyOf<ShardCalls, Name>>((answered, failed) =>
      call.begin({ answered, failed }),
    );
    return { answer, cancel: () => call.cancel() };
  }

  /** Gives the shard the key of an encrypted space, before every call that comes after this. */
  unlock(spaceId: number, key: Uint8Array): void {
    const text = Buffer.from(key).toString('hex');
    this.#keys.set(spaceId, text);
    if (this.#caller?.isLost === false) sendKey(this.#caller, spaceId, text);
  }

  /** Takes the key of a space back; resolves when the shard has closed the space. */
  async lock(spaceId: number): Promise<void> {
    if (!this.#keys.delete(spaceId)) return;
    // A shard that is lost has forgotten it.
    await this.#caller?.call('lockSpace', { spaceId }).catch(() => {});
  }

  /** The space is gone: nothing is remembered of it. */
  forget(spaceId: number): void {
    this.#sequences.delete(spaceId);
  }

  begin(call: Sendable): void {
    this.#open.push(call);
    if (this.#failure !== undefined) call.abandon(this.#failure);
    else if (this.#caller?.isLost === false) call.sendOver(this.#caller);
  }

  end(call: Sendable): void {
    this.#open.remove(call);
  }

  sequenceOf(spaceId: number): number {
    return this.#sequences.get(spaceId) ?? 0;
  }

  committed(spaceId: number, { firstEventId, eventCount, spaceSequence }: Accepted): void {
    if (spaceSequence > this.sequenceOf(spaceId)) this.#sequences.set(spaceId, spaceSequence);
    this.#onCommitted(firstEventId + eventCount - 1);
  }
}

/** A shard that is lost meanwhile gets it at its next start. */
function sendKey(caller: Caller<ShardCalls>, spaceId: number, key: string): void {
  caller.call('unlockSpace', { spaceId, key }).catch(() => {});
}

function lostWith({ sends }: Sendable): RamaxError {
  return new RamaxError('unavailable', `the shard was lost ${sends} times while the call was under way`);
}

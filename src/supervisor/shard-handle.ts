/**
 * Main's stand-in for a shard: sends calls to it, and sends them again when the shard was lost and started anew.
 *
 * Owns: the calls that have no answer yet, in their order, and the last known sequence of each space.
 *
 * Invariants:
 *   N1  Calls reach a shard in the order in which they were made, also after a restart.
 *   N2  A command that is sent again says so (`resentAfter`): the shard asks the log first, so it runs once.
 *   N3  Every call settles once.
 *   N4  A call that has seen `lossesMax` losses of its shard is given up, for it may be what the shard dies of: one call
 *       cannot end the runtime.
 */

import type { Accepted, Invocation } from '../content-store/turn.js';
import { RamaxError } from '../core/errors.js';
import type { Limits } from '../core/limits.js';
import type { Caller, PendingCall, ProgressOf, ReplyOf, RequestOf } from '../protocol/link.js';
import type { ShardCalls, SpaceAddress } from '../protocol/links.js';

/** Any call may meet a shard that dies of another one's fault. */
const lossesMaxAtLeast = 2;

/** A call without an answer. */
interface OpenCall {
  /** Sends it over `caller`; `again` when a shard may have seen it before. */
  readonly send: (caller: Caller<ShardCalls>, again: boolean) => PendingCall<unknown>;
  readonly resolve: (reply: never) => void;
  readonly reject: (error: RamaxError) => void;
  readonly isCommand: boolean;
  /** How often it was sent; each time but the last, the shard was lost with it. */
  sends: number;
  wasCancelled: boolean;
  under: PendingCall<unknown> | undefined;
}

/** See the head of this file. */
export class ShardHandle {
  readonly #lossesMax: number;
  readonly #onCommitted: (eventId: number) => void;
  readonly #open = new Set<OpenCall>();
  /** The latest sequence of each space that an answer has told of. */
  readonly #sequences = new Map<number, number>();
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
    for (const call of [...this.#open]) {
      if (call.sends < this.#lossesMax) this.#send(call, caller);
      else this.#abandon(call, lostWith(call));
    }
  }

  /** There will be no shard any more. */
  fail(error: RamaxError): void {
    this.#failure = error;
    for (const call of [...this.#open]) this.#abandon(call, error);
  }

  /** Sends a command. */
  execute(address: SpaceAddress, invocation: Invocation): PendingCall<Accepted> {
    const { spaceId, spaceName } = address;
    const sentAfter = this.#sequences.get(spaceId) ?? 0;
    return this.#begin<Accepted>(true, (caller, again) => {
      const resentAfter = again ? sentAfter : undefined;
      const pending = caller.start('execute', {
        spaceId,
        spaceName,
        invocation: { ...invocation, resentAfter },
      });
      return {
        answer: pending.answer.then((accepted) => {
          this.#committed(spaceId, accepted);
          return accepted;
        }),
        cancel: pending.cancel,
      };
    });
  }

  /** Sends any other call; all of them may be repeated. */
  call<Name extends keyof ShardCalls>(
    name: Name,
    body: RequestOf<ShardCalls, Name>,
    onProgress?: (progress: ProgressOf<ShardCalls, Name>) => void,
  ): PendingCall<ReplyOf<ShardCalls, Name>> {
    return this.#begin(false, (caller) => caller.start(name, body, { onProgress }));
  }

  /** The space is gone: nothing is remembered of it. */
  forget(spaceId: number): void {
    this.#sequences.delete(spaceId);
  }

  #committed(spaceId: number, { spaceSequence, firstEventId, eventCount }: Accepted): void {
    if (spaceSequence > (this.#sequences.get(spaceId) ?? 0)) this.#sequences.set(spaceId, spaceSequence);
    this.#onCommitted(firstEventId + eventCount - 1);
  }

  #begin<Reply>(isCommand: boolean, send: OpenCall['send']): PendingCall<Reply> {
    let call: OpenCall | undefined;
    const answer = new Promise<Reply>((resolve, reject) => {
      call = { send, resolve, reject, isCommand, sends: 0, wasCancelled: false, under: undefined };
      this.#open.add(call);
      if (this.#failure !== undefined) this.#abandon(call, this.#failure);
      else if (this.#caller !== undefined && !this.#caller.isLost) this.#send(call, this.#caller);
    });
    return { answer, cancel: () => call !== undefined && this.#cancel(call) };
  }

  #send(call: OpenCall, caller: Caller<ShardCalls>): void {
    const under = call.send(caller, call.sends > 0);
    call.sends++;
    call.under = under;
    under.answer.then(
      (reply) => {
        if (this.#open.delete(call)) call.resolve(reply as never);
      },
      (error: RamaxError) => {
        if (!caller.isLost) {
          if (this.#open.delete(call)) call.reject(error);
        } else if (call.under === under && call.wasCancelled) {
          this.#abandon(call, error);
        }
        // Otherwise the shard was lost: the call stays open until the next one is up.
      },
    );
    if (call.wasCancelled) under.cancel();
  }

  #cancel(call: OpenCall): void {
    call.wasCancelled = true;
    if (!this.#open.has(call)) return;
    if (call.under !== undefined && this.#caller?.isLost === false) call.under.cancel();
    else this.#abandon(call, new RamaxError('aborted', 'the call was aborted before a shard had it'));
  }

  /** Ends a call that has no shard: what was sent may have been committed. */
  #abandon(call: OpenCall, error: RamaxError): void {
    if (!this.#open.delete(call)) return;
    if (!call.isCommand || call.sends === 0) call.reject(error);
    else {
      call.reject(
        new RamaxError('outcome_unknown', `the shard was lost with the command: ${error.message}`, {
          cause: error,
        }),
      );
    }
  }
}

function lostWith({ sends }: OpenCall): RamaxError {
  return new RamaxError('unavailable', `the shard was lost ${sends} times while the call was under way`);
}

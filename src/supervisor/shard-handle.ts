/**
 * Main's stand-in for a shard: sends calls to it, and sends them again when the shard was lost and started anew.
 *
 * Owns: the calls that have no answer yet (`open-call.ts`), in their order, and the last known sequence of each space.
 *
 * Invariants:
 *   N1  Calls reach a shard in the order in which they were begun, also after a restart.
 *   N2  A command that is sent again says so (`resentAfter`): the shard asks the log first, so it runs once.
 *   N3  Every call settles once.
 *   N4  One call cannot end the runtime. What ran when its shard died is suspected, it alone, and refused after several
 *       deaths (`quarantine.ts`); where nothing ran, a call that has seen `lossesMax` such losses is given up.
 */

import type { CommandResult } from '../content-store/content-store.js';
import type { WrittenInvocation } from '../content-store/invocation.js';
import type { Accepted } from '../content-store/turn.js';
import { Chain } from '../core/chain.js';
import { RamaxError } from '../core/errors.js';
import type { Limits } from '../core/limits.js';
import type { Value } from '../core/values.js';
import type { Running } from '../core/vitals.js';
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
import type { Accused, Quarantine } from './quarantine.js';

/** What a stand-in works with. */
export interface ShardHandleOptions {
  readonly limits: Pick<Limits, 'restartsMax'>;
  readonly quarantine: Quarantine;
  /** Told of the last event of each command that is answered. */
  readonly onCommitted?: (eventId: number) => void;
  /** A suspect has run to its end. */
  readonly onAcquitted?: (suspect: string) => void;
}

/** Any call may meet a shard that dies of another one's fault. */
const lossesMaxAtLeast = 2;

/** See the head of this file. */
export class ShardHandle implements OpenCalls {
  readonly #options: ShardHandleOptions;
  readonly #lossesMax: number;
  readonly #open = new Chain<Sendable>();
  /** Calls that were cancelled before their shard was lost, and have ended with it. */
  #endedWithShard: Sendable[] = [];
  /** The latest sequence of each space that an answer has told of. */
  readonly #sequences = new Map<number, number>();
  /** The keys of encrypted spaces, as text: every shard that is started has them before it has calls. */
  readonly #keys = new Map<number, string>();
  #caller: Caller<ShardCalls> | undefined;
  #failure: RamaxError | undefined;

  constructor(options: ShardHandleOptions) {
    this.#options = options;
    this.#lossesMax = Math.max(lossesMaxAtLeast, options.limits.restartsMax - 2);
  }

  /** Calls without an answer. */
  get openCalls(): number {
    return this.#open.size;
  }

  /**
   * The shard behind `link` has died of `cause`.
   *
   * @param running what it ran then
   * @returns the name of the suspect, when there is one
   */
  lost(link: Caller<ShardCalls>, running: Running, cause: RamaxError): string | undefined {
    const suspect = this.#suspectOn(link, running);
    this.#endedWithShard = [];
    if (suspect !== undefined) {
      const { accused } = suspect;
      suspect.suspect = accused.key;
      this.#options.quarantine.accuse(accused, cause);
      return accused.key;
    }
    for (const call of this.#open.toArray()) if (call.idOn(link) !== undefined) call.losses++;
    return undefined;
  }

  #suspectOn(link: Caller<ShardCalls>, running: Running): Sendable | undefined {
    const calls = [...this.#open.toArray(), ...this.#endedWithShard].filter(
      (call) => call.idOn(link) !== undefined,
    );
    if (running.kind === 'call') return calls.find((call) => call.idOn(link) === running.callId);
    if (running.kind !== 'migration') return undefined;
    const { spaceId } = running;
    return calls.find((call) => call.spaceId === spaceId && isMigration(call.accused));
  }

  /** The shard is up: everything without an answer goes to it, in order. */
  up(caller: Caller<ShardCalls>): void {
    this.#caller = caller;
    this.#endedWithShard = [];
    for (const [spaceId, key] of this.#keys) sendKey(caller, spaceId, key);
    const refused: (() => void)[] = [];
    for (const call of this.#open.toArray()) {
      const verdict = this.#verdict(call);
      if (verdict !== undefined) refused.push(() => call.refuse(verdict));
      else if (call.losses >= this.#lossesMax) refused.push(() => call.abandon(lostWith(call)));
      else call.sendOver(caller);
    }
    // Not before all others are sent: where one ends, another may begin, and is behind them (N1).
    for (const refuse of refused) refuse();
  }

  /** Why a call is refused that has ended its shard before, or one like it. */
  #verdict(call: Sendable): RamaxError | undefined {
    const { quarantine } = this.#options;
    if (quarantine.isEmpty) return undefined;
    const { accused } = call;
    if (quarantine.isSuspected(accused.key)) call.suspect = accused.key;
    return quarantine.verdict(accused.key);
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
    const verdict = this.#verdict(call);
    if (this.#failure !== undefined) call.abandon(this.#failure);
    else if (verdict !== undefined) call.refuse(verdict);
    else if (this.#caller?.isLost === false) call.sendOver(this.#caller);
  }

  end(call: Sendable): void {
    this.#open.remove(call);
  }

  endsCancelled(call: Sendable): void {
    this.#endedWithShard.push(call);
  }

  acquitted({ suspect }: Sendable): void {
    if (suspect === undefined) return;
    this.#options.quarantine.acquit(suspect);
    this.#options.onAcquitted?.(suspect);
  }

  sequenceOf(spaceId: number): number {
    return this.#sequences.get(spaceId) ?? 0;
  }

  committed(spaceId: number, { firstEventId, eventCount, spaceSequence }: Accepted): void {
    if (spaceSequence > this.sequenceOf(spaceId)) this.#sequences.set(spaceId, spaceSequence);
    this.#options.onCommitted?.(firstEventId + eventCount - 1);
  }
}

/** A shard that is lost meanwhile gets it at its next start. */
function sendKey(caller: Caller<ShardCalls>, spaceId: number, key: string): void {
  caller.call('unlockSpace', { spaceId, key }).catch(() => {});
}

function isMigration({ kind, name }: Accused): boolean {
  return kind === 'call' && name === 'migrateAll';
}

function lostWith({ losses }: Sendable): RamaxError {
  return new RamaxError('unavailable', `the shard was lost ${losses} times while the call was under way`);
}

/**
 * A call of a shard from its first sending to its answer, over as many shards as it takes.
 *
 * Made by the shard's stand-in (`shard-handle.ts`), begun by whoever waits for it. It is told by the link of its answer, and tells
 * its waiter, once (N3): between both there is no promise.
 */

import type { CommandResult } from '../content-store/content-store.js';
import { commandResult } from '../content-store/content-store.js';
import type { WrittenInvocation } from '../content-store/invocation.js';
import type { Accepted } from '../content-store/turn.js';
import type { Answerable } from '../core/answerable.js';
import { assert } from '../core/assert.js';
import type { Chained } from '../core/chain.js';
import { RamaxError } from '../core/errors.js';
import type { Value } from '../core/values.js';
import type { ReadReply, SentCommand } from '../protocol/bodies.js';
import type { Caller, ProgressOf, ReplyOf, SentOf, Waiter } from '../protocol/link.js';
import type { ShardCalls, SpaceAddress } from '../protocol/links.js';
import type { CallPlan } from './call-plan.js';
import type { Accused } from './quarantine.js';

/** A call without an answer, for who keeps it. */
export interface Sendable extends Chained<Sendable> {
  readonly spaceId: number;
  /** How it is named should its shard die of it. */
  readonly accused: Accused;
  /** Its key, when a shard has died while it ran. */
  suspect: string | undefined;
  /** How often its shard was lost while it was under way, and nobody knows of what. */
  losses: number;
  /** Sends it over `link`: for the first time, or again because the shard before was lost. */
  sendOver(link: Caller<ShardCalls>): void;
  /** Its id on this link; undefined when it was not sent over it last. */
  idOn(link: Caller<ShardCalls>): number | undefined;
  /** Ends it, for it has no shard: what was sent may have been committed. */
  abandon(error: RamaxError): void;
  /** Ends it with an error that says that nothing was written. */
  refuse(error: RamaxError): void;
}

/** Who keeps the calls without an answer, in their order. */
export interface OpenCalls {
  /** Sends it now, or when the shard is up. */
  begin(call: Sendable): void;
  /** It has its answer. */
  end(call: Sendable): void;
  /** It was cancelled, and now its shard is lost: it ends, but perhaps the shard has died of it. */
  endsCancelled(call: Sendable): void;
  /** A suspect has run to its end. */
  acquitted(call: Sendable): void;
  /** The latest sequence of a space that an answer has told of. */
  sequenceOf(spaceId: number): number;
  committed(spaceId: number, accepted: Accepted): void;
}

/** See the head of this file. */
export abstract class OpenCall<Reply, Result> implements CallPlan<Result>, Waiter<Reply>, Sendable {
  protected readonly openCalls: OpenCalls;
  #waiter: Answerable<Result> | undefined;
  /** The link over which it was sent last, and its id there. */
  #link: Caller<ShardCalls> | undefined;
  #callId = 0;
  #sends = 0;
  #wasCancelled = false;
  #isOpen = false;
  before: Sendable | undefined = undefined;
  after: Sendable | undefined = undefined;
  suspect: string | undefined = undefined;
  losses = 0;
  readonly spaceId: number;
  readonly bytes: number;

  constructor(openCalls: OpenCalls, spaceId: number, bytes: number) {
    this.openCalls = openCalls;
    this.spaceId = spaceId;
    this.bytes = bytes;
  }

  abstract get isCommand(): boolean;

  abstract get accused(): Accused;

  get isCancellable(): boolean {
    return true;
  }

  idOn(link: Caller<ShardCalls>): number | undefined {
    return this.#link === link ? this.#callId : undefined;
  }

  begin(waiter: Answerable<Result>): void {
    this.#waiter = waiter;
    this.#isOpen = true;
    this.openCalls.begin(this);
  }

  sendOver(link: Caller<ShardCalls>): void {
    this.#link = link;
    this.#sends++;
    this.#callId = this.send(link, this.#sends > 1);
  }

  cancel(): void {
    if (!this.#isOpen) return;
    this.#wasCancelled = true;
    if (this.#link?.isLost === false) this.#link.cancel(this.#callId);
    else this.abandon(new RamaxError('aborted', 'the call was aborted before a shard had it'));
  }

  /** An answer may come, or the link be lost, when the call was given up with its shard. */
  answered(reply: Reply): void {
    if (!this.#isOpen) return;
    this.#end();
    if (this.suspect !== undefined) this.openCalls.acquitted(this);
    this.#waiter?.answered(this.resultOf(reply));
  }

  failed(error: RamaxError): void {
    if (!this.#isOpen) return;
    if (this.#link?.isLost === false) {
      // An error that a retry may help against can come without a turn.
      if (this.suspect !== undefined && !error.retryable) this.openCalls.acquitted(this);
      this.#fail(error);
    } else if (this.#wasCancelled) {
      this.openCalls.endsCancelled(this);
      this.abandon(error);
    }
    // Otherwise its shard was lost: it stays open until the next one is up.
  }

  abandon(error: RamaxError): void {
    this.#fail(this.isCommand && this.#sends > 0 ? lostWithCommand(error) : error);
  }

  refuse(error: RamaxError): void {
    this.#fail(error);
  }

  #fail(error: RamaxError): void {
    this.#end();
    this.#waiter?.failed(error);
  }

  #end(): void {
    assert(this.#isOpen, 'a call ends once');
    this.#isOpen = false;
    this.openCalls.end(this);
  }

  /** @param again when a shard may have seen it before */
  protected abstract send(link: Caller<ShardCalls>, again: boolean): number;

  protected abstract resultOf(reply: Reply): Result;
}

function lostWithCommand(cause: RamaxError): RamaxError {
  return new RamaxError('outcome_unknown', `the shard was lost with the command: ${cause.message}`, {
    cause,
  });
}

/** A command. Sent again it says so, and behind which sequence it may be in the log (N2). */
export class OpenCommand extends OpenCall<Accepted, CommandResult> {
  readonly #address: SpaceAddress;
  readonly #invocation: WrittenInvocation;
  #sentAfter = 0;

  constructor(openCalls: OpenCalls, address: SpaceAddress, invocation: WrittenInvocation) {
    super(openCalls, address.spaceId, invocation.params?.bytes ?? 1);
    this.#address = address;
    this.#invocation = invocation;
  }

  get isCommand(): boolean {
    return true;
  }

  get accused(): Accused {
    const { spaceId, spaceName } = this.#address;
    const { command: name, commandId, invocationId } = this.#invocation;
    const key = `command ${spaceId} ${commandId === undefined ? `of ${invocationId}` : `is ${commandId}`}`;
    return { key, kind: 'command', name, spaceId, spaceName, commandId, invocationId };
  }

  override begin(waiter: Answerable<CommandResult>): void {
    this.#sentAfter = this.openCalls.sequenceOf(this.spaceId);
    super.begin(waiter);
  }

  protected send(link: Caller<ShardCalls>, again: boolean): number {
    const resentAfter = again ? this.#sentAfter : undefined;
    const { spaceId, spaceName } = this.#address;
    const sent: SentCommand = { spaceId, spaceName, invocation: this.#invocation, resentAfter };
    return link.send('execute', sent, this);
  }

  protected resultOf(accepted: Accepted): CommandResult {
    this.openCalls.committed(this.spaceId, accepted);
    return commandResult(accepted);
  }
}

/** Any other call; all of them may be repeated. */
abstract class OpenQuestion<Name extends keyof ShardCalls, Result> extends OpenCall<
  ReplyOf<ShardCalls, Name>,
  Result
> {
  readonly #name: Name;
  protected readonly body: SentOf<ShardCalls, Name>;

  constructor(
    openCalls: OpenCalls,
    spaceId: number,
    bytes: number,
    name: Name,
    body: SentOf<ShardCalls, Name>,
  ) {
    super(openCalls, spaceId, bytes);
    this.#name = name;
    this.body = body;
  }

  get isCommand(): boolean {
    return false;
  }

  /** Whoever asks for the same is the same. */
  get accused(): Accused {
    const { spaceId } = this;
    const { query, spaceName } = (this.body ?? {}) as { query?: string; spaceName?: string };
    const key = `${this.#name} ${spaceId} ${JSON.stringify(this.body)}`;
    if (query !== undefined) return { key, kind: 'query', name: query, spaceId, spaceName };
    return { key, kind: 'call', name: this.#name, spaceId, spaceName };
  }

  protected send(link: Caller<ShardCalls>): number {
    return link.send(this.#name, this.body, this as Waiter<ReplyOf<ShardCalls, Name>>);
  }
}

/** The reads of a space's state. */
export type ReadName = 'fetch' | 'getResolved' | 'query';

/** A read of a space's state. */
export class OpenRead<Name extends ReadName> extends OpenQuestion<Name, Value | undefined> {
  protected resultOf(reply: ReplyOf<ShardCalls, Name>): Value | undefined {
    return (reply as ReadReply).value;
  }
}

/** A call that is made with its reply as it is, and may report its progress. */
export class OpenRequest<Name extends keyof ShardCalls> extends OpenQuestion<
  Name,
  ReplyOf<ShardCalls, Name>
> {
  readonly #onProgress: ((progress: ProgressOf<ShardCalls, Name>) => void) | undefined;

  constructor(
    openCalls: OpenCalls,
    spaceId: number,
    name: Name,
    body: SentOf<ShardCalls, Name>,
    onProgress?: (progress: ProgressOf<ShardCalls, Name>) => void,
  ) {
    super(openCalls, spaceId, 0, name, body);
    this.#onProgress = onProgress;
  }

  progressed(progress: ProgressOf<ShardCalls, Name>): void {
    this.#onProgress?.(progress);
  }

  protected resultOf(reply: ReplyOf<ShardCalls, Name>): ReplyOf<ShardCalls, Name> {
    return reply;
  }
}

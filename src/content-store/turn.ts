/**
 * Turns: what passes through a space's mailbox.
 *
 * A turn is queued, then decided (a command has decided, a read has read), then settled. A decided command's answer is
 * known but held back until its events are committed. If the commit fails and the log does not have the command, the
 * turn is queued again: nothing of it was written.
 *
 *   queued -> decided -> settled
 *     ^          |
 *     +----------+  rolled back
 */

import { type Answerable, PromisedAnswer } from '../core/answerable.js';
import { assert } from '../core/assert.js';
import { RamaxError } from '../core/errors.js';
import type { CheckedEventQuery } from '../core/event-query.js';
import type { LoadedApp } from '../core/loaded-app.js';
import type { PStateReader } from '../core/pstate-access.js';
import { freezeParsed, type Value } from '../core/values.js';

/** What a command is refused for. */
export interface AppendCondition {
  readonly query: CheckedEventQuery;
  /** Events up to this sequence are known to the caller. */
  readonly after: number;
}

/** What the log has said about a turn's condition. */
export interface AskedCondition {
  /** No event up to here matches, but `match`. */
  readonly upTo: number;
  /** The first event that matches. */
  readonly match: number | undefined;
}

/** One `execute` call, as it travels. */
export interface Invocation {
  /** A UUID that Ramax gave to the call: by it a command without a `commandId` can be settled, too. */
  readonly invocationId: string;
  readonly command: string;
  readonly params: Value | undefined;
  readonly commandId?: string | undefined;
  /** Digest of the parameters; there when `commandId` is. */
  readonly paramsHash?: string | undefined;
  readonly causationId?: string | undefined;
  readonly correlationId?: string | undefined;
  readonly expectedSequence?: number | undefined;
  /** The W3C trace context of the call, when it is traced: kept in the metadata of its events. */
  readonly traceparent?: string | undefined;
  /** Of the entity of a decider's command. */
  readonly expectedVersion?: number | undefined;
  readonly metadata?: Readonly<Record<string, Value>> | undefined;
  /** Refused when an event behind a sequence matches. */
  readonly failIfEventsMatch?: AppendCondition | undefined;
  /** The call was sent before to a shard that died: look behind this sequence whether it was committed. */
  readonly resentAfter?: number | undefined;
}

/** The answer to an accepted command. */
export interface Accepted {
  /** The first event's id; the others follow without holes. 0 when there are no events. */
  readonly firstEventId: number;
  readonly eventCount: number;
  readonly spaceSequence: number;
}

/** One passage through the mailbox; settles the one who waits for it exactly once. */
export abstract class Turn<Answer> {
  readonly #waiter: Answerable<Answer>;
  #state: 'queued' | 'decided' | 'settled' = 'queued';
  /** The call of main that it is taken for, by its id on the link, where that is known. */
  callId: number | undefined = undefined;

  /** @param waiter is told of the answer; without one there is a promise of it (`answer`) */
  constructor(waiter: Answerable<Answer> = new PromisedAnswer<Answer>()) {
    this.#waiter = waiter;
  }

  get state(): 'queued' | 'decided' | 'settled' {
    return this.#state;
  }

  /** The answer, or why there is none, for whoever made the turn without a waiter. */
  get answer(): Promise<Answer> {
    assert(this.#waiter instanceof PromisedAnswer, 'a turn with a waiter answers to it alone');
    return this.#waiter.promise as Promise<Answer>;
  }

  decided(): void {
    assert(this.#state === 'queued', 'a turn is decided once');
    this.#state = 'decided';
  }

  rolledBack(): void {
    if (this.#state === 'decided') this.#state = 'queued';
  }

  settle(answer: Answer): void {
    if (this.#state === 'settled') return;
    this.#state = 'settled';
    this.#waiter.answered(answer);
  }

  fail(error: RamaxError): void {
    if (this.#state === 'settled') return;
    this.#state = 'settled';
    this.#waiter.failed(error);
  }

  /** The turn cannot be taken, because of `error`. */
  abstract refuse(error: RamaxError): void;

  /** The caller has gone. What is not decided never will be; what is decided stands, and its outcome is not known yet. */
  abstract cancel(): void;
}

/** A command's turn. */
export class CommandTurn extends Turn<Accepted> {
  #invocation: Invocation;
  /** When it came, by the precise clock; kept of traced ones only. */
  postedAt = 0;
  /** What the log has said about its condition. */
  asked: AskedCondition | undefined = undefined;

  constructor(invocation: Invocation, waiter?: Answerable<Accepted>) {
    super(waiter);
    freezeParsed(invocation.params);
    freezeParsed(invocation.metadata);
    this.#invocation = invocation;
  }

  get invocation(): Invocation {
    return this.#invocation;
  }

  /** The log does not have it: it goes on like a call that came for the first time. */
  askedTheLog(): void {
    this.#invocation = { ...this.#invocation, resentAfter: undefined };
  }

  refuse(error: RamaxError): void {
    this.fail(
      this.#mayBeWritten
        ? new RamaxError(
            'outcome_unknown',
            `nobody can say whether the command was committed: ${error.message}`,
            {
              cause: error,
            },
          )
        : error,
    );
  }

  cancel(): void {
    this.fail(
      this.#mayBeWritten
        ? new RamaxError('outcome_unknown', 'the command was decided, but its commit was not awaited')
        : new RamaxError('aborted', 'the command was aborted before it was decided'),
    );
  }

  /** Decided here, or by a shard that died, and the log has not been asked yet. */
  get #mayBeWritten(): boolean {
    return this.state !== 'queued' || this.#invocation.resentAfter !== undefined;
  }
}

/** The two faces of the state that a read may see. */
export interface ReadFaces {
  readonly app: LoadedApp;
  readonly main: PStateReader;
  readonly views: Readonly<Record<string, PStateReader>>;
}

/** A fetch or a query. */
export class ReadTurn extends Turn<Value | undefined> {
  /** Reads synchronously; throws a `RamaxError`. */
  readonly read: (faces: ReadFaces) => Value | undefined;

  constructor(read: (faces: ReadFaces) => Value | undefined, waiter?: Answerable<Value | undefined>) {
    super(waiter);
    this.read = read;
  }

  refuse(error: RamaxError): void {
    this.fail(error);
  }

  cancel(): void {
    this.fail(new RamaxError('aborted', 'the read was aborted'));
  }
}

/** A command or a read. */
export type AnyTurn = CommandTurn | ReadTurn;

/**
 * A link: typed calls over a port. One end calls (`Caller`), the other serves (`serve`); both are derived from one
 * table of calls (`links.ts`).
 *
 * Owns: the calls that wait for their answer, and those that are being served. Used by: supervisor, shard, writer.
 *
 * Whoever waits is told directly (`Answerable`): a call that passes this way with every command makes no promise here.
 *
 * Invariants:
 *   K1  Frames arrive in the order in which they were sent (the port's promise); a batch never reorders.
 *   K2  Every call settles exactly once: by its reply, its failure, or the loss of the link (`unavailable`).
 *   K3  A frame waits at most until the end of the current turn of the event loop.
 */

import type { Answerable } from '../core/answerable.js';
import { assert } from '../core/assert.js';
import type { Clock } from '../core/clock.js';
import { asRamaxError, type ErrorData, RamaxError } from '../core/errors.js';
import type { ProgressOf, ReplyOf, RequestOf, SentOf, Waiter } from './call-table.js';
import { cancel, type FrameCodec, type FrameKind, failure, progress, reply, request } from './frames.js';
import { Outbox } from './outbox.js';
import type { Message, Port } from './port.js';
import { Waiters } from './waiters.js';

export type { Call, CallTable, ProgressOf, ReplyOf, RequestOf, SentOf, Waiter } from './call-table.js';

/** A table of calls at run time: its name, how it is carried, and a number for each call. */
export interface LinkSpec<Table> {
  readonly name: string;
  readonly codec: FrameCodec;
  readonly calls: { readonly [Name in keyof Table]: number };
}

/** What a call may be given besides its request. */
export interface CallOptions<Progress = unknown> {
  readonly onProgress?: ((progress: Progress) => void) | undefined;
  /** Ports to hand over with the request. */
  readonly ports?: readonly Port[];
}

/** A call under way, for whoever wants a promise. */
export interface PendingCall<Reply> {
  readonly answer: Promise<Reply>;
  /** Tells the other end that the answer is no longer needed; it still comes. */
  cancel(): void;
}

/** The id of a call that was never sent. */
const neverSent = -1;

/** The calling end of a link. */
export class Caller<Table> {
  readonly #spec: LinkSpec<Table>;
  readonly #port: Port;
  readonly #outbox: Outbox;
  readonly #waiters = new Waiters();
  #lost: RamaxError | undefined;

  constructor(spec: LinkSpec<Table>, port: Port, clock: Clock) {
    this.#spec = spec;
    this.#port = port;
    this.#outbox = new Outbox(port, spec.codec, clock, (_kind, callId, error) =>
      this.#waiters.take(callId)?.failed(error),
    );
    port.onMessage((message) => this.#receive(message));
    port.onClose(() => this.#lose(new RamaxError('unavailable', `the link ${spec.name} was lost`)));
  }

  /** The other end is gone; every call fails. */
  get isLost(): boolean {
    return this.#lost !== undefined;
  }

  /** Calls waiting for their answer. */
  get waiting(): number {
    return this.#waiters.size;
  }

  /**
   * Sends a request; `waiter` is told of its answer, at once when it cannot be sent.
   *
   * @returns the call's id, to cancel it by until it has ended
   */
  send<Name extends keyof Table>(
    name: Name,
    body: SentOf<Table, Name>,
    waiter: Waiter<ReplyOf<Table, Name>, ProgressOf<Table, Name>>,
    ports?: readonly Port[],
  ): number {
    if (this.#lost !== undefined) {
      waiter.failed(this.#lost);
      return neverSent;
    }
    const callId = this.#waiters.add(waiter as Waiter<unknown, unknown>);
    this.#outbox.push(request, callId, this.#spec.calls[name], body);
    if (ports !== undefined) this.#outbox.flush(ports);
    return callId;
  }

  /** Tells the other end that the answer is no longer needed; it still comes. */
  cancel(callId: number): void {
    if (this.#waiters.get(callId) !== undefined) this.#outbox.push(cancel, callId, 0, null);
  }

  /** Sends a request and resolves with its reply. */
  call<Name extends keyof Table>(
    name: Name,
    body: SentOf<Table, Name>,
    options?: CallOptions<ProgressOf<Table, Name>>,
  ): Promise<ReplyOf<Table, Name>> {
    return this.start(name, body, options).answer;
  }

  /** Sends a request that can be cancelled. */
  start<Name extends keyof Table>(
    name: Name,
    body: SentOf<Table, Name>,
    { onProgress = () => {}, ports }: CallOptions<ProgressOf<Table, Name>> = {},
  ): PendingCall<ReplyOf<Table, Name>> {
    let callId = neverSent;
    let isOpen = true;
    const answer = new Promise<ReplyOf<Table, Name>>((resolve, reject) => {
      const answered = (value: ReplyOf<Table, Name>): void => {
        isOpen = false;
        resolve(value);
      };
      const failed = (error: RamaxError): void => {
        isOpen = false;
        reject(error);
      };
      callId = this.send(name, body, { answered, failed, progressed: onProgress }, ports);
    });
    return { answer, cancel: () => isOpen && this.cancel(callId) };
  }

  /** Sends at once what waits for the end of the event loop's turn. */
  flush(): void {
    this.#outbox.flush();
  }

  /** Gives the link up: every waiting call fails with `unavailable`. */
  close(): void {
    this.#port.close();
    this.#lose(new RamaxError('unavailable', `the link ${this.#spec.name} was closed`));
  }

  #receive(message: Message): void {
    for (const frame of this.#spec.codec.decode(message)) {
      const kind = frame[0];
      const callId = frame[1];
      const body = frame[3];
      if (kind === reply) this.#waiters.take(callId)?.answered(body);
      else if (kind === failure) this.#waiters.take(callId)?.failed(RamaxError.fromData(body as ErrorData));
      else {
        assert(kind === progress, 'the calling end of a link receives answers only');
        this.#waiters.get(callId)?.progressed?.(body);
      }
    }
  }

  #lose(error: RamaxError): void {
    if (this.#lost !== undefined) return;
    this.#lost = error;
    for (const waiter of this.#waiters.takeAll()) waiter.failed(error);
  }
}

/** A handler that returns this answers through its `Serving`, now or later. */
export const later: unique symbol = Symbol('later');

/** What a handler may use while it serves one call. */
export interface Serving<Progress = never, Reply = never> extends Answerable<Reply> {
  /** The id of the call on this link; given to another one after its answer. */
  readonly callId: number;
  /** Whether the caller has cancelled. */
  readonly cancelled: boolean;
  /** Runs `listener` when the caller cancels, at once if it already has. */
  onCancel(listener: () => void): void;
  report(progress: Progress): void;
  /** Ports that came with the request. */
  readonly ports: readonly Port[];
}

/**
 * A function for every call of a table. It returns the reply, a promise of it, or `later`. A thrown `RamaxError` crosses as
 * data; anything else becomes `unavailable`.
 */
export type Handlers<Table> = {
  readonly [Name in keyof Table]: (
    body: RequestOf<Table, Name>,
    serving: Serving<ProgressOf<Table, Name>, ReplyOf<Table, Name>>,
  ) => Promise<ReplyOf<Table, Name>> | ReplyOf<Table, Name> | typeof later;
};

type AnyHandler = (body: unknown, serving: ServedCall) => unknown;

/** The serving end of a link, for who serves. */
export interface Served {
  /** Sends at once what waits for the end of the event loop's turn. */
  flush(): void;
}

/** Serves the calls of a table on `port` until it closes. */
export function serve<Table>(
  spec: LinkSpec<Table>,
  port: Port,
  handlers: Handlers<Table>,
  clock: Clock,
  onClose: () => void = () => {},
): Served {
  const server = new Server(spec, port, handlers, clock);
  port.onClose(onClose);
  port.onMessage((message, ports) => server.receive(message, ports));
  return server;
}

/** The serving end of a link. */
class Server<Table> {
  readonly #spec: LinkSpec<Table>;
  readonly #outbox: Outbox;
  readonly #handlers: AnyHandler[] = [];
  /** Calls without an answer, at the places that their ids say. */
  readonly #open: (ServedCall | undefined)[] = [];

  constructor(spec: LinkSpec<Table>, port: Port, handlers: Handlers<Table>, clock: Clock) {
    this.#spec = spec;
    this.#outbox = new Outbox(port, spec.codec, clock, (kind, callId, error) => {
      if (kind === reply) this.#outbox.push(failure, callId, 0, error.toData());
    });
    for (const name of Object.keys(spec.calls) as (keyof Table)[]) {
      this.#handlers[spec.calls[name]] = handlers[name] as AnyHandler;
    }
  }

  flush(): void {
    this.#outbox.flush();
  }

  receive(message: Message, ports: readonly Port[]): void {
    for (const frame of this.#spec.codec.decode(message)) {
      if (frame[0] === request) this.#begin(new ServedCall(this, frame[1], frame[2], ports), frame[3]);
      else {
        assert(frame[0] === cancel, 'the serving end of a link receives requests only');
        this.#open[frame[1]]?.cancel();
      }
    }
  }

  #begin(served: ServedCall, body: unknown): void {
    const handler = this.#handlers[served.call];
    assert(handler !== undefined, `call ${served.call} is in the table of link ${this.#spec.name}`);
    this.#open[served.callId] = served;
    try {
      const result = handler(body, served);
      if (result instanceof Promise) {
        result.then(
          (value: unknown) => served.answered(value),
          (error: unknown) => served.failed(error),
        );
      } else if (result !== later) served.answered(result);
    } catch (error) {
      served.failed(error);
    }
  }

  /** Answers a call, or reports on it; nothing goes out for a call after its answer. */
  push(kind: FrameKind, served: ServedCall, body: unknown): void {
    const { callId, call } = served;
    if (this.#open[callId] !== served) return;
    if (kind !== progress) this.#open[callId] = undefined;
    this.#outbox.push(kind, callId, call, body);
  }
}

/** One call that is being served. */
class ServedCall implements Serving<unknown, unknown> {
  readonly #server: Pick<Server<unknown>, 'push'>;
  #listener: (() => void) | undefined;
  readonly callId: number;
  readonly call: number;
  readonly ports: readonly Port[];
  cancelled = false;

  constructor(server: Pick<Server<unknown>, 'push'>, callId: number, call: number, ports: readonly Port[]) {
    this.#server = server;
    this.callId = callId;
    this.call = call;
    this.ports = ports;
  }

  answered(value: unknown): void {
    this.#server.push(reply, this, value);
  }

  failed(error: unknown): void {
    this.#server.push(failure, this, asRamaxError(error, 'unavailable', 'internal error').toData());
  }

  report(body: unknown): void {
    this.#server.push(progress, this, body);
  }

  onCancel(listener: () => void): void {
    this.#listener = listener;
    if (this.cancelled) listener();
  }

  cancel(): void {
    this.cancelled = true;
    this.#listener?.();
  }
}

/**
 * A link: typed calls over a port. One end calls (`Caller`), the other serves (`serve`); both are derived from one
 * table of calls (`links.ts`).
 *
 * Owns: the outgoing batch of each end, and the calls that wait for their answer. Used by: supervisor, shard, writer.
 *
 * Invariants:
 *   K1  Frames arrive in the order in which they were sent (the port's promise); a batch never reorders.
 *   K2  Every call settles exactly once: by its reply, its failure, or the loss of the link (`unavailable`).
 *   K3  A frame waits at most until the end of the current turn of the event loop.
 */

import { assert } from '../core/assert.js';
import type { Clock } from '../core/clock.js';
import { asRamaxError, type ErrorData, RamaxError } from '../core/errors.js';
import { cancel, type Frame, type FrameCodec, failure, progress, reply, request } from './frames.js';
import type { Port } from './port.js';

/** The shape of one call. */
export interface Call<Request, Reply, Progress = never> {
  readonly request: Request;
  readonly reply: Reply;
  readonly progress: Progress;
}

/** Calls by name. */
export type CallTable = { readonly [name: string]: Call<unknown, unknown, unknown> };

/** A table of calls at run time: its name, how it is carried, and a number for each call. */
export interface LinkSpec<Table> {
  readonly name: string;
  readonly codec: FrameCodec;
  readonly calls: { readonly [Name in keyof Table]: number };
}

/**
 * Frames that are posted without waiting for the end of the turn: the other end begins with them while this one makes more.
 * Without it all calls go through the threads as one convoy, and at any time all threads but one are idle. Throughput beside that
 * of no such bound, with 64 and 1,024 commands in flight: 1.4 and 1.4 times for 32, 1.0 and 1.4 for 64, 1.2 and 1.3 for 16.
 */
const framesPerMessageMax = 32;

/**
 * Gathers frames and posts them together at the end of the turn of the event loop, or as soon as they are many. A batch that is
 * more than one string or buffer can hold goes as several messages.
 */
class Outbox {
  readonly #port: Port;
  readonly #codec: FrameCodec;
  readonly #clock: Clock;
  readonly #onUnsendable: (frame: Frame, error: RamaxError) => void;
  #frames: Frame[] = [];

  constructor(
    port: Port,
    codec: FrameCodec,
    clock: Clock,
    onUnsendable: (frame: Frame, error: RamaxError) => void,
  ) {
    this.#onUnsendable = onUnsendable;
    this.#port = port;
    this.#codec = codec;
    this.#clock = clock;
  }

  push(frame: Frame): void {
    const gathered = this.#frames.push(frame);
    if (gathered >= framesPerMessageMax) this.flush();
    else if (gathered === 1) this.#clock.soon(() => this.flush());
  }

  flush(ports?: readonly Port[]): void {
    if (this.#frames.length === 0) return;
    const frames = this.#frames;
    this.#frames = [];
    this.#post(frames, ports);
  }

  /** A batch that cannot be encoded is halved, down to the frame that is at fault: only its call fails (K2). */
  #post(frames: readonly Frame[], ports?: readonly Port[]): void {
    let message: string | Uint8Array;
    try {
      message = this.#codec.encode(frames);
    } catch (error) {
      const [first] = frames;
      if (frames.length > 1) {
        const half = frames.length >> 1;
        this.#post(frames.slice(0, half));
        this.#post(frames.slice(half), ports);
      } else if (first !== undefined) {
        this.#onUnsendable(first, asRamaxError(error, 'invalid_input', 'the message cannot be sent'));
      }
      return;
    }
    this.#port.post(message, ports);
  }
}

/** What a call may be given besides its request. */
export interface CallOptions<Progress = unknown> {
  readonly onProgress?: ((progress: Progress) => void) | undefined;
  /** Ports to hand over with the request. */
  readonly ports?: readonly Port[];
}

interface Waiting {
  readonly resolve: (reply: never) => void;
  readonly reject: (error: RamaxError) => void;
  readonly onProgress: ((progress: never) => void) | undefined;
}

/** A call under way. */
export interface PendingCall<Reply> {
  readonly answer: Promise<Reply>;
  /** Tells the other end that the answer is no longer needed; it still comes. */
  cancel(): void;
}

/** The calling end of a link. */
export class Caller<Table> {
  readonly #spec: LinkSpec<Table>;
  readonly #port: Port;
  readonly #outbox: Outbox;
  readonly #waiting = new Map<number, Waiting>();
  #lastCallId = 0;
  #lost: RamaxError | undefined;

  constructor(spec: LinkSpec<Table>, port: Port, clock: Clock) {
    this.#spec = spec;
    this.#port = port;
    this.#outbox = new Outbox(port, spec.codec, clock, (frame, error) => this.#unsendable(frame[1], error));
    port.onMessage((message) => {
      for (const frame of spec.codec.decode(message)) this.#receive(frame);
    });
    port.onClose(() => this.#lose(new RamaxError('unavailable', `the link ${spec.name} was lost`)));
  }

  /** The other end is gone; every call fails. */
  get isLost(): boolean {
    return this.#lost !== undefined;
  }

  /** Calls waiting for their answer. */
  get waiting(): number {
    return this.#waiting.size;
  }

  /** Sends a request and resolves with its reply. */
  call<Name extends keyof Table>(
    name: Name,
    body: RequestOf<Table, Name>,
    options: CallOptions<ProgressOf<Table, Name>> = {},
  ): Promise<ReplyOf<Table, Name>> {
    return this.start(name, body, options).answer;
  }

  /** Sends a request that can be cancelled. */
  start<Name extends keyof Table>(
    name: Name,
    body: RequestOf<Table, Name>,
    options: CallOptions<ProgressOf<Table, Name>> = {},
  ): PendingCall<ReplyOf<Table, Name>> {
    const callId = ++this.#lastCallId;
    const answer = new Promise<ReplyOf<Table, Name>>((resolve, reject) => {
      if (this.#lost !== undefined) {
        reject(this.#lost);
        return;
      }
      this.#waiting.set(callId, { resolve, reject, onProgress: options.onProgress });
      this.#outbox.push([request, callId, this.#spec.calls[name], body]);
      if (options.ports !== undefined) this.#outbox.flush(options.ports);
    });
    return { answer, cancel: () => this.#cancel(callId) };
  }

  /** Gives the link up: every waiting call fails with `unavailable`. */
  close(): void {
    this.#port.close();
    this.#lose(new RamaxError('unavailable', `the link ${this.#spec.name} was closed`));
  }

  #unsendable(callId: number, error: RamaxError): void {
    const waiting = this.#waiting.get(callId);
    this.#waiting.delete(callId);
    waiting?.reject(error);
  }

  #cancel(callId: number): void {
    if (this.#waiting.has(callId)) this.#outbox.push([cancel, callId]);
  }

  #receive(frame: Frame): void {
    const waiting = this.#waiting.get(frame[1]);
    if (waiting === undefined) return;
    switch (frame[0]) {
      case progress:
        waiting.onProgress?.(frame[2] as never);
        return;
      case reply:
        this.#waiting.delete(frame[1]);
        waiting.resolve(frame[2] as never);
        return;
      case failure:
        this.#waiting.delete(frame[1]);
        waiting.reject(RamaxError.fromData(frame[2]));
        return;
      default:
        assert(false, 'the calling end of a link receives answers only');
    }
  }

  #lose(error: RamaxError): void {
    if (this.#lost !== undefined) return;
    this.#lost = error;
    const waiting = [...this.#waiting.values()];
    this.#waiting.clear();
    for (const { reject } of waiting) reject(error);
  }
}

/** What a handler may use while it serves one call. */
export interface Serving<Progress = never> {
  /** Whether the caller has cancelled. */
  readonly cancelled: boolean;
  /** Runs `listener` when the caller cancels, at once if it already has. */
  onCancel(listener: () => void): void;
  report(progress: Progress): void;
  /** Ports that came with the request. */
  readonly ports: readonly Port[];
}

/** A function for every call of a table. A thrown `RamaxError` crosses as data; anything else becomes `unavailable`. */
export type Handlers<Table> = {
  readonly [Name in keyof Table]: (
    body: RequestOf<Table, Name>,
    serving: Serving<ProgressOf<Table, Name>>,
  ) => Promise<ReplyOf<Table, Name>> | ReplyOf<Table, Name>;
};

class ServedCall implements Serving<unknown> {
  readonly #report: (progress: unknown) => void;
  readonly ports: readonly Port[];
  #listener: (() => void) | undefined;
  cancelled = false;

  constructor(ports: readonly Port[], report: (progress: unknown) => void) {
    this.ports = ports;
    this.#report = report;
  }

  onCancel(listener: () => void): void {
    this.#listener = listener;
    if (this.cancelled) listener();
  }

  report(body: unknown): void {
    this.#report(body);
  }

  cancel(): void {
    this.cancelled = true;
    this.#listener?.();
  }
}

type AnyHandler = (body: unknown, serving: Serving<unknown>) => unknown;

/** Serves the calls of a table on `port` until it closes. */
export function serve<Table>(
  spec: LinkSpec<Table>,
  port: Port,
  handlers: Handlers<Table>,
  clock: Clock,
  onClose: () => void = () => {},
): void {
  const outbox = new Outbox(port, spec.codec, clock, (frame, error) => {
    if (frame[0] === reply) outbox.push([failure, frame[1], error.toData()]);
  });
  const byNumber: AnyHandler[] = [];
  for (const name of Object.keys(spec.calls) as (keyof Table)[]) {
    byNumber[spec.calls[name]] = handlers[name] as AnyHandler;
  }
  const serving = new Map<number, ServedCall>();

  const answer = (frame: Frame): void => {
    serving.delete(frame[1]);
    outbox.push(frame);
  };

  const begin = (callId: number, call: number, body: unknown, ports: readonly Port[]): void => {
    const handler = byNumber[call];
    assert(handler !== undefined, `call ${call} is in the table of link ${spec.name}`);
    const served = new ServedCall(ports, (report) => outbox.push([progress, callId, report]));
    serving.set(callId, served);
    settle(
      () => handler(body, served),
      (value) => answer([reply, callId, value]),
      (error) => answer([failure, callId, error]),
    );
  };

  port.onClose(onClose);
  port.onMessage((message, ports) => {
    for (const frame of spec.codec.decode(message)) {
      if (frame[0] === request) begin(frame[1], frame[2], frame[3], ports);
      else if (frame[0] === cancel) serving.get(frame[1])?.cancel();
      else assert(false, 'the serving end of a link receives requests only');
    }
  });
}

function settle(
  run: () => unknown,
  onValue: (value: unknown) => void,
  onError: (error: ErrorData) => void,
): void {
  const fail = (error: unknown): void =>
    onError(asRamaxError(error, 'unavailable', 'internal error').toData());
  try {
    const result = run();
    if (result instanceof Promise) result.then(onValue, fail);
    else onValue(result);
  } catch (error) {
    fail(error);
  }
}

/** The request of a call. */
export type RequestOf<Table, Name extends keyof Table> = Table[Name] extends { readonly request: infer R }
  ? R
  : never;
/** The reply of a call. */
export type ReplyOf<Table, Name extends keyof Table> = Table[Name] extends { readonly reply: infer R }
  ? R
  : never;
/** The progress reports of a call. */
export type ProgressOf<Table, Name extends keyof Table> = Table[Name] extends { readonly progress: infer P }
  ? P
  : never;

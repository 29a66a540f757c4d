/**
 * The outgoing frames of one end of a link: gathered, and posted together at the end of the turn of the event loop, or as soon
 * as they are many. A batch that is more than one message can hold goes as several.
 */

import type { Clock } from '../core/clock.js';
import { asRamaxError, type RamaxError } from '../core/errors.js';
import type { FrameCodec, FrameKind } from './frames.js';
import type { Port } from './port.js';

/**
 * Frames that are posted without waiting for the end of the turn: the other end begins with them while this one makes more.
 * Without it all calls go through the threads as one convoy, and at any time all threads but one are idle. Throughput beside that
 * of no such bound, with 64 and 1,024 commands in flight: 1.4 and 1.4 times for 32, 1.0 and 1.4 for 64, 1.2 and 1.3 for 16.
 */
const framesPerMessageMax = 32;

/** Told of a frame that cannot be sent. */
type OnUnsendable = (kind: FrameKind, callId: number, error: RamaxError) => void;

/** See the head of this file. */
export class Outbox {
  readonly #port: Port;
  readonly #codec: FrameCodec;
  readonly #clock: Clock;
  readonly #onUnsendable: OnUnsendable;
  readonly #flush = (): void => this.flush();
  #gathered: unknown[] = [];

  constructor(port: Port, codec: FrameCodec, clock: Clock, onUnsendable: OnUnsendable) {
    this.#port = port;
    this.#codec = codec;
    this.#clock = clock;
    this.#onUnsendable = onUnsendable;
  }

  push(kind: FrameKind, callId: number, call: number, body: unknown): void {
    let frame: unknown;
    try {
      frame = this.#codec.gather(kind, callId, call, body);
    } catch (error) {
      this.#onUnsendable(kind, callId, unsendable(error));
      return;
    }
    const gathered = this.#gathered.push(frame);
    if (gathered >= framesPerMessageMax) this.flush();
    else if (gathered === 1) this.#clock.soon(this.#flush);
  }

  flush(ports?: readonly Port[]): void {
    if (this.#gathered.length === 0) return;
    const gathered = this.#gathered;
    this.#gathered = [];
    this.#post(gathered, ports);
  }

  /** A batch that cannot be encoded is halved, down to the frame that is at fault: only its call fails (K2). */
  #post(gathered: readonly unknown[], ports?: readonly Port[]): void {
    try {
      this.#port.post(this.#codec.encode(gathered), ports);
    } catch (error) {
      this.#postHalves(gathered, error, ports);
    }
  }

  #postHalves(gathered: readonly unknown[], error: unknown, ports?: readonly Port[]): void {
    if (gathered.length === 1) {
      const [kind, callId] = this.#codec.headOf(gathered[0]);
      this.#onUnsendable(kind, callId, unsendable(error));
      return;
    }
    const half = gathered.length >> 1;
    this.#post(gathered.slice(0, half));
    this.#post(gathered.slice(half), ports);
  }
}

function unsendable(error: unknown): RamaxError {
  return asRamaxError(error, 'invalid_input', 'the message cannot be sent');
}

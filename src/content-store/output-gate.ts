/**
 * The output gate: answers wait here, in the order of their turns, until everything that they could have seen is
 * committed. (The idea is the output gate of Cloudflare's Durable Objects: state moves on, the outside world waits.)
 *
 * Owns: the turns that are decided and not yet answered. Called by: the live space.
 *
 * Invariants:
 *   O1  Answers leave in the order of their turns.
 *   O2  A write leaves after its own acknowledgement; any other answer leaves when the committed sequence has reached
 *       the sequence that it could have seen.
 */

import { Fifo } from '../core/fifo.js';
import type { Appended } from './log-link.js';
import type { CommandTurn, ReadTurn } from './turn.js';

/** A command whose append is under way. */
export interface HeldWrite {
  readonly kind: 'write';
  readonly turn: CommandTurn;
  readonly eventCount: number;
  /** The space's sequence after it. */
  readonly sequence: number;
  appended: Appended | undefined;
}

/** Any other answer: a rejection, a read, a repeated command. */
export interface HeldAnswer {
  readonly kind: 'answer';
  readonly turn: CommandTurn | ReadTurn;
  /** The latest sequence that it could have seen. */
  readonly sequence: number;
  /** The size of the answer. */
  readonly bytes: number;
  readonly release: () => void;
}

/** What waits at the gate. */
export type Held = HeldWrite | HeldAnswer;

/** The bytes of answers that all gates of a shard hold back. */
export interface HeldBytes {
  bytes: number;
}

/** See the head of this file. */
export class OutputGate {
  readonly #held = new Fifo<Held>();
  readonly #ofAll: HeldBytes;
  #bytes = 0;

  /** @param ofAll counts for all gates of a shard */
  constructor(ofAll: HeldBytes) {
    this.#ofAll = ofAll;
  }

  get size(): number {
    return this.#held.size;
  }

  /** The size of the answers held back. */
  get bytes(): number {
    return this.#bytes;
  }

  hold(held: Held): void {
    if (held.kind === 'answer') this.#count(held.bytes);
    this.#held.push(held);
  }

  /** Takes the first answer when it may leave. */
  next(committedSequence: number): Held | undefined {
    const held = this.#held.peek();
    if (held === undefined) return undefined;
    const open = held.kind === 'write' ? held.appended !== undefined : held.sequence <= committedSequence;
    if (!open) return undefined;
    if (held.kind === 'answer') this.#count(-held.bytes);
    return this.#held.shift();
  }

  /** Takes everything that waits, in order: the speculation is over. */
  takeAll(): readonly Held[] {
    this.#count(-this.#bytes);
    return this.#held.takeAll();
  }

  #count(bytes: number): void {
    this.#bytes += bytes;
    this.#ofAll.bytes += bytes;
  }
}

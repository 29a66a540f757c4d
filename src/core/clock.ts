/**
 * Time, timers, fresh ids and digests reach the pure rooms only through these ports. Production hands in Node's
 * (`platform/`), the simulation hands in seeded ones (`testing/`), and the same code runs under both.
 */

import type { Cipher } from './cipher.js';

/** A pending timer. `cancel` after it fired does nothing. */
export interface Timer {
  cancel(): void;
}

/** Where all time in Ramax comes from. */
export interface Clock {
  /** Wall-clock milliseconds since the Unix epoch: for timestamps, never for durations. */
  now(): number;
  /** The same with a fraction, comparable between the threads of a process. Default: `now()`. */
  preciseNow?(): number;
  /** Monotonic milliseconds with a fraction, from an arbitrary origin: for budgets and durations. */
  monotonicMs(): number;
  /** Runs `task` once, after at least `delayMs`. A pending timer does not keep a process alive. */
  after(delayMs: number, task: () => void): Timer;
  /** Runs `task` at the end of this turn of the event loop; messages that have arrived are delivered before the next. */
  soon(task: () => void): void;
}

/** Where all fresh ids come from. */
export interface IdSource {
  /** A new UUID in its 36-character text form. */
  newId(): string;
}

/**
 * The digest of the event chain: the first 16 bytes of SHA-256 over `previous`, the UTF-8 bytes of `header` and
 * `payload`, in this order.
 */
export type ChainDigest = (previous: Uint8Array, header: string, payload: Uint8Array) => Uint8Array;

/** A digest of one text, as 32 hexadecimal characters (the first 16 bytes of SHA-256). */
export type TextDigest = (text: string) => string;

/** SHA-256 over bytes that come piece by piece. */
export interface RunningDigest {
  update(bytes: Uint8Array): void;
  /** The digest of all of them, as 64 hexadecimal characters. Once, at the end. */
  hex(): string;
}

/** The wall clock with a fraction, where the clock has one. */
export function preciseNow(clock: Clock): number {
  return clock.preciseNow?.() ?? clock.now();
}

/** Resolves at the end of this turn of the event loop: gives the ports and other spaces their chance. */
export function yieldToPorts(clock: Clock): Promise<void> {
  return new Promise((resolve) => clock.soon(resolve));
}

/** Resolves after at least `delayMs`. */
export function delay(clock: Clock, delayMs: number): Promise<void> {
  return new Promise((resolve) => {
    clock.after(delayMs, resolve);
  });
}

/** What the pure rooms need from the platform they run on. */
export interface Platform {
  readonly clock: Clock;
  readonly ids: IdSource;
  readonly chainDigest: ChainDigest;
  readonly textDigest: TextDigest;
  /** The cipher of a key of 32 bytes. */
  readonly cipherOf: (key: Uint8Array) => Cipher;
  /** A digest of a whole file. */
  readonly newDigest: () => RunningDigest;
}

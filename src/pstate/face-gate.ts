/**
 * Whether the faces of a state may be used: the owner of a view stops them when the view has failed or is not made
 * yet, and each method of each face then throws the owner's error.
 */

import type { RamaxError } from '../core/errors.js';

/** See the file's header. */
export class FaceGate {
  #error: (() => RamaxError) | undefined;

  /** From here on `pass()` throws what `error` makes. */
  stop(error: () => RamaxError): void {
    this.#error = error;
  }

  resume(): void {
    this.#error = undefined;
  }

  /** @throws {RamaxError} the owner's error, while the faces are stopped */
  pass(): void {
    if (this.#error !== undefined) throw this.#error();
  }
}

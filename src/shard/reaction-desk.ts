/**
 * Where handlers of reactors hand in their commands: they go to main, which routes them like those of any caller.
 *
 * Owns: the commands without an answer. Called by: reactions; served by main (`supervisor/reactions.ts`), which asks for the commands
 * with one call that never ends, and answers each with a call of its own.
 */

import { RamaxError } from '../core/errors.js';
import type { ReactionResult } from '../core/reactor.js';
import type { ReactionAnswer, ReactionRequest } from '../protocol/bodies.js';

interface Waiting {
  readonly resolve: (result: ReactionResult) => void;
  readonly reject: (error: RamaxError) => void;
}

/** See the head of this file. */
export class ReactionDesk {
  readonly #waiting = new Map<number, Waiting>();
  /** Handed in before main has asked. */
  readonly #unsent: ReactionRequest[] = [];
  #send: ((request: ReactionRequest) => void) | undefined;
  #lastId = 0;

  /** Main asks for commands. */
  connect(send: (request: ReactionRequest) => void): void {
    this.#send = send;
    for (const request of this.#unsent.splice(0)) send(request);
  }

  execute(request: Omit<ReactionRequest, 'requestId'>): Promise<ReactionResult> {
    this.#lastId++;
    const sent = { ...request, requestId: this.#lastId };
    return new Promise((resolve, reject) => {
      this.#waiting.set(sent.requestId, { resolve, reject });
      if (this.#send === undefined) this.#unsent.push(sent);
      else this.#send(sent);
    });
  }

  answered(answer: ReactionAnswer): void {
    const waiting = this.#waiting.get(answer.requestId);
    this.#waiting.delete(answer.requestId);
    if ('error' in answer) waiting?.reject(RamaxError.fromData(answer.error));
    else waiting?.resolve(answer.result);
  }
}

/** Calls of one key wait for one another, in their order; calls of different keys do not. */

export class KeyedLine {
  readonly #last = new Map<string | number, Promise<unknown>>();

  run<Answer>(key: string | number, call: () => Promise<Answer>): Promise<Answer> {
    const before = this.#last.get(key);
    const answer = before === undefined ? call() : before.then(call, call);
    this.#last.set(key, answer);
    const forget = (): void => {
      if (this.#last.get(key) === answer) this.#last.delete(key);
    };
    answer.then(forget, forget);
    return answer;
  }
}

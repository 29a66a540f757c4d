/** A number of permits: who finds none waits in line. */
export class Permits {
  #free: number;
  readonly #waiters: (() => void)[] = [];

  constructor(count: number) {
    this.#free = count;
  }

  /** Somebody waits for one. */
  get areWanted(): boolean {
    return this.#waiters.length > 0;
  }

  /** Resolves when a permit was taken. */
  acquire(): Promise<void> {
    if (this.#free > 0) {
      this.#free--;
      return Promise.resolve();
    }
    return new Promise((resolve) => this.#waiters.push(resolve));
  }

  /** Gives a permit back: to the first who waits. */
  release(): void {
    const next = this.#waiters.shift();
    if (next === undefined) this.#free++;
    else next();
  }
}

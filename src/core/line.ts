/** Tasks that run one after the other, in the order in which they came; one that fails does not stop the next. */
export class Line {
  #end: Promise<unknown> = Promise.resolve();

  /** Runs `task` when all earlier ones have ended. */
  run<T>(task: () => Promise<T>): Promise<T> {
    const result = this.#end.then(task);
    this.#end = result.catch(() => {});
    return result;
  }

  /** Resolves when all tasks so far have ended. */
  async done(): Promise<void> {
    await this.#end;
  }
}

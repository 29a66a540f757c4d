/**
 * SIGINT and SIGTERM: the first asks to stop and leaves time to drain, the second ends the process at once.
 */

const exitCodes = { SIGINT: 130, SIGTERM: 143 } as const;

type StopSignal = keyof typeof exitCodes;

export class Interruption {
  readonly #controller = new AbortController();
  readonly #listen = (signal: StopSignal) => this.#interrupt(signal);
  #exitCode: number | undefined;

  /** Starts listening; `dispose()` gives the signals back. */
  constructor() {
    for (const signal of stopSignals) process.on(signal, this.#listen);
  }

  /** Aborts with the first signal. */
  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** What to exit with after a signal, undefined without one. */
  get exitCode(): number | undefined {
    return this.#exitCode;
  }

  dispose(): void {
    for (const signal of stopSignals) process.off(signal, this.#listen);
  }

  #interrupt(signal: StopSignal): void {
    const exitCode = exitCodes[signal];
    if (this.#exitCode !== undefined) process.exit(exitCode);
    this.#exitCode = exitCode;
    process.stderr.write(`\n${signal}: draining what is in flight; once more to stop at once\n`);
    this.#controller.abort();
  }
}

const stopSignals = Object.keys(exitCodes) as StopSignal[];

/** Programs of the suite as processes of their own: started, waited for, ended by their pid and nobody else's. */

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { builtFile } from './places.js';

/** How a program has ended. */
export interface Ended {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  /** The last of what it said on standard error. */
  readonly complaint: string;
}

/** How to start a program. */
export interface ChildOptions {
  readonly nodeOptions?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** Told every line of its standard output. */
  readonly onLine?: (line: string) => void;
  /** A program that takes longer is killed: nothing of the suite may hang. Default: ten minutes. */
  readonly timeoutMs?: number;
}

const complaintCharsMax = 2_000;
const defaultTimeoutMs = 10 * 60_000;

/** One process. */
export class Child {
  readonly #process: ChildProcess;
  readonly #lines: string[] = [];
  readonly #waiting: { readonly line: string; readonly resolve: () => void }[] = [];
  /** Resolves when it has ended and all that it said has been read. */
  readonly ended: Promise<Ended>;

  /** Starts `programs/<name>.js` with one argument, as JSON. */
  constructor(name: string, plan: unknown, options: ChildOptions = {}) {
    const { nodeOptions = [], env = {}, onLine, timeoutMs = defaultTimeoutMs } = options;
    const file = builtFile(`programs/${name}.js`);
    this.#process = spawn(process.execPath, [...nodeOptions, file, JSON.stringify(plan)], {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, ...env },
    });
    const { stdout, stderr } = this.#process;
    let complaint = '';
    stderr?.setEncoding('utf8').on('data', (text: string) => {
      complaint = (complaint + text).slice(-complaintCharsMax);
    });
    if (stdout !== null) createInterface({ input: stdout }).on('line', (line) => this.#said(line, onLine));
    const timer = setTimeout(() => this.kill(), timeoutMs);
    this.ended = once(this.#process, 'close').then(([code, signal]) => {
      clearTimeout(timer);
      for (const { resolve } of this.#waiting.splice(0)) resolve();
      return { code: code as number | null, signal: signal as NodeJS.Signals | null, complaint };
    });
  }

  /** Everything that it has said. */
  get lines(): readonly string[] {
    return this.#lines;
  }

  /** Resolves when it has said this line, or has ended. */
  said(line: string): Promise<void> {
    if (this.#lines.includes(line)) return Promise.resolve();
    return new Promise((resolve) => this.#waiting.push({ line, resolve }));
  }

  kill(): void {
    this.#process.kill('SIGKILL');
  }

  #said(line: string, onLine: ((line: string) => void) | undefined): void {
    this.#lines.push(line);
    onLine?.(line);
    for (const waiting of this.#waiting) if (waiting.line === line) waiting.resolve();
  }
}

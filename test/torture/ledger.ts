/**
 * The ledger: what a client was promised. A file of JSON lines that the program under test appends to before it sends a
 * command and after it has the answer, with a plain synchronous write, so that it survives the program's death by
 * SIGKILL. The order of the lines is the real-time order: an answer that stands before a sending was there before it.
 *
 * Written by programs (`programs/`), read by the checker, which trusts nothing else. It must not import Ramax.
 */

import { closeSync, existsSync, fstatSync, openSync, readFileSync, readSync, writeSync } from 'node:fs';

/** A process has started to write; numbers of calls begin anew. */
export interface RunLine {
  readonly k: 'run';
  readonly seed: number;
}

/** A command is about to be sent. */
export interface SentLine {
  readonly k: 'sent';
  /** Names the call within its run. */
  readonly n: number;
  readonly space: string;
  readonly command: string;
  /** Names what is asked for; copies of a command share it. Every event that it makes carries it. */
  readonly marker: string;
  /** Events that it makes when it is accepted. */
  readonly parts: number;
  /** Its `commandId`, where it has one. */
  readonly id?: string;
  /** What it takes to send it again. */
  readonly params?: unknown;
}

/** A command was answered. */
export interface AnswerLine {
  readonly k: 'ok' | 'error';
  readonly n: number;
  readonly eventIds?: readonly number[];
  readonly seq?: number;
  /** The code of the error; something that is no RamaxError is told as `untyped …`. */
  readonly code?: string;
}

/** A read has shown that its space had come this far. */
export interface SeenLine {
  readonly k: 'seen';
  readonly space: string;
  readonly seq: number;
  /** The largest sequence that the client had an answer about before it asked. */
  readonly floor: number;
}

/** The whole state of a space, as a query told it. */
export interface StateLine {
  readonly k: 'state';
  readonly space: string;
  readonly when: string;
  /** Entries of the views, as `queries.everything` of the app gives them. */
  readonly state: unknown;
}

/** Something that no check of the log would see, in words: a violation that the program itself has noticed. */
export interface WrongLine {
  readonly k: 'wrong';
  readonly what: string;
}

/** One line. */
export type LedgerLine = RunLine | SentLine | AnswerLine | SeenLine | StateLine | WrongLine;

/** The ledger, open for appending. */
export class Ledger {
  readonly #file: number;

  constructor(path: string) {
    this.#file = openSync(path, 'a+');
    if (!this.#endsWithLine()) writeSync(this.#file, '\n');
  }

  write(line: LedgerLine): void {
    writeSync(this.#file, `${JSON.stringify(line)}\n`);
  }

  close(): void {
    closeSync(this.#file);
  }

  /** A killed program may have left half a line; the next one must not be glued to it. */
  #endsWithLine(): boolean {
    const { size } = fstatSync(this.#file);
    if (size === 0) return true;
    const last = Buffer.alloc(1);
    readSync(this.#file, last, 0, 1, size - 1);
    return last[0] === 0x0a;
  }
}

/** All whole lines; a line that a kill cut short promised nothing. */
export function readLedger(path: string): LedgerLine[] {
  const lines: LedgerLine[] = [];
  // A kill may come before the first line is written.
  const written = existsSync(path) ? readFileSync(path, 'utf8') : '';
  for (const text of written.split('\n')) {
    if (text === '') continue;
    try {
      lines.push(JSON.parse(text) as LedgerLine);
    } catch {
      // Cut short.
    }
  }
  return lines;
}

/** One command with all its copies, in the order of sending. */
export interface LedgerCommand {
  readonly space: string;
  readonly command: string;
  readonly marker: string;
  readonly parts: number;
  readonly id: string | undefined;
  readonly params: unknown;
  readonly calls: LedgerCall[];
}

/** One sending of a command. Places are places in the ledger. */
export interface LedgerCall {
  readonly sentAt: number;
  answer: AnswerLine | undefined;
  answeredAt: number;
}

/** The commands of a ledger by their markers, in the order of their first sending. */
export function commandsOf(lines: readonly LedgerLine[]): Map<string, LedgerCommand> {
  const commands = new Map<string, LedgerCommand>();
  let open = new Map<number, LedgerCall>();
  for (const [at, line] of lines.entries()) {
    if (line.k === 'run') open = new Map();
    else if (line.k === 'sent') {
      const { space, command, marker, parts, id, params } = line;
      const known = commands.get(marker) ?? { space, command, marker, parts, id, params, calls: [] };
      const call: LedgerCall = { sentAt: at, answer: undefined, answeredAt: Number.POSITIVE_INFINITY };
      known.calls.push(call);
      commands.set(marker, known);
      open.set(line.n, call);
    } else if (line.k === 'ok' || line.k === 'error') {
      const call = open.get(line.n);
      if (call === undefined) continue;
      call.answer = line;
      call.answeredAt = at;
    }
  }
  return commands;
}

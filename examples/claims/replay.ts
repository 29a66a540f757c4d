/**
 * One pass over a workflow log: one command per row, sent in the order of the file without waiting for each answer.
 *
 * Each row's command id is made from its claim and step, so a replay that was interrupted is simply run again on the
 * same directory: rows that were accepted give their first answer and run nothing.
 */

import { RamaxError } from 'ramax';
import { formatCount, formatRate } from '../demo/format.js';
import { showProgress } from '../demo/progress.js';
import type { RunContext } from '../demo/run-context.js';
import { Tally } from '../demo/tally.js';
import type { TextFile } from '../demo/text-file.js';
import { Traffic } from '../demo/traffic.js';
import { type BadLine, type ClaimRow, HeaderError, isBadLine, readClaimRows } from './claim-rows.js';
import type { Claims, Department } from './start-claims.js';

export class Replay {
  readonly tally = new Tally();
  /** The departments met so far, by name. */
  readonly departments = new Map<string, Department>();
  readonly badLines: BadLine[] = [];
  /** The events of the accepted rows: fewer than these where a row is in the file twice. */
  readonly eventIds = new Set<number>();
  readonly #claims: Claims;
  readonly #file: TextFile;
  readonly #context: RunContext;
  readonly #traffic: Traffic;
  #rowCount = 0;
  #readFailure: unknown;

  constructor(claims: Claims, file: TextFile, context: RunContext) {
    this.#claims = claims;
    this.#file = file;
    this.#context = context;
    this.#traffic = new Traffic(this.tally, context.options.inFlightMax);
  }

  /** Rows and bad lines read; empty lines and the header are neither. */
  get rowCount(): number {
    return this.#rowCount;
  }

  /** The first error of a command that was no decision; it ends the replay. */
  get failure(): unknown {
    return this.#traffic.failure;
  }

  /** What ended the reading before the end of the file, if something did. */
  get readFailure(): unknown {
    return this.#readFailure;
  }

  /**
   * Sends every row and waits for the last answer; gives the milliseconds that it took.
   *
   * @throws {HeaderError} when the file is no workflow log
   */
  async run(): Promise<number> {
    const startedMs = performance.now();
    const progress = showProgress(() => this.#sample(performance.now() - startedMs), this.#context.options);
    try {
      await this.#sendAll();
    } catch (error) {
      if (error instanceof HeaderError) throw error;
      this.#readFailure = error;
    } finally {
      await this.#traffic.drained();
      progress.stop();
    }
    return performance.now() - startedMs;
  }

  /** A failure stops it: rows after a hole would be judged on a state that never was. */
  async #sendAll(): Promise<void> {
    for await (const row of readClaimRows(this.#file)) {
      if (this.#context.signal.aborted || this.failure !== undefined) return;
      this.#rowCount++;
      if (isBadLine(row)) this.badLines.push(row);
      else await this.#send(row);
    }
  }

  async #send(row: ClaimRow): Promise<void> {
    const department = this.departments.get(row.spaceName) ?? (await this.#open(row));
    if (department === undefined) return;
    if (this.#traffic.isFull) await this.#traffic.room();
    const { activity, step } = row;
    const options = {
      commandId: `${step.claimId}:${step.step}`,
      correlationId: step.claimId,
      overload: 'wait',
    } as const;
    this.#traffic.send(
      () => department.execute(activity.action, step, options),
      ({ eventIds }) => {
        for (const eventId of eventIds) this.eventIds.add(eventId);
      },
    );
  }

  /** A name that no space can have is the line's fault; which names those are, the runtime knows. */
  async #open({ spaceName, line }: ClaimRow): Promise<Department | undefined> {
    try {
      const department = await this.#claims.spaces.getOrCreate(spaceName);
      this.departments.set(spaceName, department);
      return department;
    } catch (error) {
      if (!(error instanceof RamaxError) || error.code !== 'invalid_input') throw error;
      this.badLines.push({ line, problem: error.message });
      return undefined;
    }
  }

  #sample(elapsedMs: number) {
    const { answered, rejected } = this.tally;
    const rate = formatRate(answered, elapsedMs);
    return {
      done: this.#file.bytesRead,
      total: this.#file.bytes,
      note: `${formatCount(answered)} rows, ${rate}, ${formatCount(rejected)} rejected`,
    };
  }
}

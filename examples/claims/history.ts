/**
 * A workflow log as a history: what has happened, with the time at which it did. No rule is asked, for nobody can refuse the past:
 * a step that a rule forbids today is an event like the others.
 */

import { type HistoryItem, RamaxError } from 'ramax';
import type { TextFile } from '../demo/text-file.js';
import { eventTypes } from './claim.js';
import { type BadLine, type ClaimRow, isBadLine, readClaimRows } from './claim-rows.js';
import type { Claims, Department } from './start-claims.js';

/** One reading of a log. */
export class History {
  /** The departments met so far, by name. */
  readonly departments = new Map<string, Department>();
  readonly badLines: BadLine[] = [];
  /** When the events of each department have happened, in their order: milliseconds since the Unix epoch. */
  readonly times = new Map<string, number[]>();
  readonly #claims: Claims;
  readonly #file: TextFile;
  #rowCount = 0;

  constructor(claims: Claims, file: TextFile) {
    this.#claims = claims;
    this.#file = file;
  }

  /** Rows and bad lines read; empty lines and the header are neither. */
  get rowCount(): number {
    return this.#rowCount;
  }

  /**
   * The rows as events, in the order of the file.
   *
   * @throws {HeaderError} when the file is no workflow log
   */
  async *items(): AsyncGenerator<HistoryItem> {
    for await (const row of readClaimRows(this.#file)) {
      this.#rowCount++;
      if (isBadLine(row)) this.badLines.push(row);
      else if (await this.#isOpen(row)) yield this.#item(row);
    }
  }

  #item({ spaceName, activity: { action }, step }: ClaimRow): HistoryItem {
    const timestamp = Date.parse(step.at);
    this.times.get(spaceName)?.push(timestamp);
    return {
      spaceName,
      timestamp,
      entityId: `claim:${step.claimId}`,
      type: eventTypes[action],
      payload: { action, step },
      correlationId: step.claimId,
    };
  }

  /** A name that no space can have is the line's fault; which names those are, the runtime knows. */
  async #isOpen({ spaceName, line }: ClaimRow): Promise<boolean> {
    if (this.departments.has(spaceName)) return true;
    try {
      this.departments.set(spaceName, await this.#claims.spaces.getOrCreate(spaceName));
      this.times.set(spaceName, []);
      return true;
    } catch (error) {
      if (!(error instanceof RamaxError) || error.code !== 'invalid_input') throw error;
      this.badLines.push({ line, problem: error.message });
      return false;
    }
  }
}

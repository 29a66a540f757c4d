/**
 * One draft from its creation to its publishing, as main makes it: for imports, clones and restores.
 *
 * Invariant: a draft that is not published is abandoned, and nothing of it remains. One that cannot be abandoned now, because the
 * writer is gone or the runtime is closing, is purged at the next start.
 */

import { assert } from '../core/assert.js';
import { isRamaxError, RamaxError } from '../core/errors.js';
import type {
  CreateDraftRequest,
  DraftCommand,
  DraftEvent,
  DraftWrite,
  LogWriteOutcome,
  ReadBounds,
  SpaceRow,
} from '../event-store/port.js';

/** The log, as far as drafts are concerned. */
export interface DraftLog {
  /** Rejects with the error of a request that is refused. */
  change(request: DraftWrite): Promise<LogWriteOutcome>;
  /** Removes what there is of a draft. */
  abandon(spaceId: number): Promise<void>;
}

/** See the head of this file. */
export class Draft {
  readonly #log: DraftLog;
  readonly spaceId: number;
  #spaceSequence = 0;

  private constructor(log: DraftLog, spaceId: number) {
    this.#log = log;
    this.spaceId = spaceId;
  }

  static async create(log: DraftLog, what: Omit<CreateDraftRequest, 'kind'>): Promise<Draft> {
    const outcome = await log.change({ kind: 'createDraft', ...what });
    assert(outcome.kind === 'space', 'a draft is answered with its space');
    return new Draft(log, outcome.space.spaceId);
  }

  get spaceSequence(): number {
    return this.#spaceSequence;
  }

  async extend(events: readonly DraftEvent[], commands: readonly DraftCommand[]): Promise<void> {
    const [spaceId, previousSequence] = [this.spaceId, this.#spaceSequence];
    const outcome = await this.#change({ kind: 'extendDraft', spaceId, previousSequence, events, commands });
    assert(outcome.kind === 'extended', 'an extension is answered as one');
    this.#spaceSequence = outcome.spaceSequence;
  }

  /** Copies some events of a space behind those that it has. */
  async copyEvents(fromSpaceId: number, upTo: number, bounds: ReadBounds): Promise<void> {
    const { spaceId } = this;
    const outcome = await this.#change({ kind: 'copyEvents', spaceId, fromSpaceId, upTo, bounds });
    assert(outcome.kind === 'copiedEvents', 'a copy is answered as one');
    this.#spaceSequence = outcome.spaceSequence;
  }

  /** Copies some records of commands; says after which one to go on, or undefined at the end. */
  async copyCommands(
    fromSpaceId: number,
    upTo: number,
    after: string,
    rowsMax: number,
  ): Promise<string | undefined> {
    const { spaceId } = this;
    const outcome = await this.#change({ kind: 'copyCommands', spaceId, fromSpaceId, upTo, after, rowsMax });
    assert(outcome.kind === 'copiedCommands', 'a copy is answered as one');
    return outcome.last ?? undefined;
  }

  /** Makes it a live space, in the place of another one when that is given. */
  async publish(spaceName: string, replaces?: number): Promise<SpaceRow> {
    const { spaceId } = this;
    const outcome = await this.#change({ kind: 'publishDraft', spaceId, spaceName, replaces });
    assert(outcome.kind === 'space', 'publishing is answered with the space');
    return outcome.space;
  }

  abandon(): Promise<void> {
    return this.#log.abandon(this.spaceId);
  }

  async #change(request: DraftWrite): Promise<LogWriteOutcome> {
    try {
      return await this.#log.change(request);
    } catch (error) {
      if (!isRamaxError(error, 'not_found') || error.details['spaceId'] !== this.spaceId) throw error;
      const message = 'the writer was started again while the space was made; nothing of it remains';
      throw new RamaxError('unavailable', message, { cause: error });
    }
  }
}

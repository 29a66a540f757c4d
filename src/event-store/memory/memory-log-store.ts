/**
 * The writer's end of a log in memory: the same rules as on disk, durable as long as its `MemoryLog`.
 *
 * Invariant: a commit happens in one turn of the event loop and nothing in it can fail half way, so it is there wholly
 * or not at all. A simulation of failing disks wraps this class and lets `commit` reject before or after it took effect.
 */

import { assert } from '../../core/assert.js';
import type { Clock } from '../../core/clock.js';
import { applyBatch, assertBatch } from '../apply-batch.js';
import { newerOwner } from '../log-errors.js';
import { isKept, type ReactionFacts } from '../parked.js';
import type { LogHealth, LogStore, LogWrite, LogWriteOutcome } from '../port.js';
import { cursorKey, type MemoryLog, parkedKey } from './memory-log.js';
import { MemoryLogReader } from './memory-log-reader.js';
import { MemoryTables } from './memory-tables.js';

/** The log in memory, for its one writer. The one that was opened last may write; older ones are `fenced`. */
export class MemoryLogStore extends MemoryLogReader implements LogStore {
  readonly ownerGeneration: number;
  readonly health: LogHealth = { durability: 'memory', lost: undefined, witnessFailure: undefined };
  readonly #tables: MemoryTables;

  constructor(log: MemoryLog, clock: Clock) {
    super(log);
    log.ownerGeneration += 1;
    this.ownerGeneration = log.ownerGeneration;
    this.#tables = new MemoryTables(log, clock);
    // Drafts belong to the writer that began them.
    for (const space of log.spaces.values()) space.isDraft = false;
  }

  get logId(): string {
    return this.log.logId;
  }

  async commit(batch: readonly LogWrite[]): Promise<readonly LogWriteOutcome[]> {
    this.#assertOwner();
    assertBatch(batch);
    return applyBatch(batch, this.#tables);
  }

  takeScheduled(): number | undefined {
    const { scheduled } = this.log;
    this.log.scheduled = undefined;
    return scheduled;
  }

  async deletedSpaces(): Promise<readonly number[]> {
    this.assertUsable();
    return [...this.log.spaces.values()].filter((space) => space.isDeleted).map((space) => space.spaceId);
  }

  async purgeSpace(spaceId: number, rowsMax: number): Promise<{ readonly done: boolean }> {
    this.#assertOwner();
    const space = this.log.spaces.get(spaceId);
    if (space === undefined) return { done: true };
    assert(space.isDeleted, 'only a space marked as deleted is purged');
    space.isDraft = false;
    let rowsLeft = rowsMax - this.log.removeEvents(spaceId, rowsMax);
    for (const command of [...(this.log.commands.get(spaceId)?.values() ?? [])].slice(0, rowsLeft)) {
      this.log.removeCommand(command);
      rowsLeft -= 1;
    }
    if (rowsLeft === 0) return { done: false };
    this.log.spaceIndex.delete(spaceId);
    this.log.commands.delete(spaceId);
    this.log.timers.delete(spaceId);
    this.log.imports.delete(spaceId);
    this.log.spaceSequences.delete(spaceId);
    this.log.spaces.delete(spaceId);
    return { done: true };
  }

  /** Nothing of it is in any file. */
  async scrub(): Promise<void> {}

  async pruneCommands(before: number, rowsMax: number): Promise<{ readonly done: boolean }> {
    this.#assertOwner();
    let rowsLeft = rowsMax;
    for (const command of this.log.commandsInOrder) {
      if (command.acceptedAt >= before) return { done: true };
      if (isKept(command.record.commandId, this.#facts)) continue;
      if (rowsLeft === 0) return { done: false };
      this.log.removeCommand(command);
      rowsLeft -= 1;
    }
    return { done: true };
  }

  get #facts(): ReactionFacts {
    const { log } = this;
    return {
      isLive: (spaceId) => log.liveSpace(spaceId) !== undefined,
      position: (name, spaceId) => log.cursors.get(cursorKey({ kind: 'reactor', name, spaceId }))?.position,
      isParked: (place) => log.parked.has(parkedKey(place)),
    };
  }

  #assertOwner(): void {
    this.assertUsable();
    const current = this.log.ownerGeneration;
    if (current === this.ownerGeneration) return;
    throw newerOwner(this.ownerGeneration, current);
  }
}

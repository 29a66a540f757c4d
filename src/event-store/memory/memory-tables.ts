/** The tables of a log in memory, as a batch sees them. */

import { assert } from '../../core/assert.js';
import type { Clock } from '../../core/clock.js';
import { SteadyTime } from '../../core/steady-time.js';
import type { Value } from '../../core/values.js';
import type { LogTables } from '../apply-batch.js';
import type { CommandRecord, SealedEvent, SpaceHead, SpaceRow } from '../port.js';
import { metadataText } from '../space-metadata.js';
import { type SpaceSettings, settingsText } from '../space-settings.js';
import type { MemoryLog } from './memory-log.js';
import { headOf, rowOf } from './memory-log-reader.js';

/** See `LogTables`. */
export class MemoryTables implements LogTables {
  readonly #log: MemoryLog;
  readonly #clock: Clock;
  /** For the memory of command ids. */
  readonly #time: SteadyTime;

  constructor(log: MemoryLog, clock: Clock) {
    this.#log = log;
    this.#clock = clock;
    this.#time = new SteadyTime(clock);
  }

  get lastEventId(): number {
    return this.#log.eventCounter;
  }

  head(spaceId: number): SpaceHead | undefined {
    return headOf(this.#log, spaceId);
  }

  insertEvents(spaceId: number, invocationId: string, events: readonly SealedEvent[]): void {
    const head = this.head(spaceId);
    assert(head !== undefined, 'events are inserted into a live space');
    let { lastSpaceSequence, lastEventId, lastHash } = head;
    for (const event of events) {
      lastSpaceSequence += 1;
      lastEventId = this.#log.eventCounter + 1;
      lastHash = event.hash;
      this.#log.addEvent({
        ...event,
        eventId: lastEventId,
        spaceId,
        spaceSequence: lastSpaceSequence,
        invocationId,
      });
    }
    this.#log.spaceSequences.set(spaceId, { lastSpaceSequence, lastEventId, lastHash });
  }

  insertCommand(spaceId: number, record: CommandRecord): boolean {
    return this.#log.addCommand({ spaceId, acceptedAt: Math.trunc(this.#time.latest()), record });
  }

  findLiveSpace(spaceName: string): SpaceRow | undefined {
    const spaceId = this.#log.liveNames.get(spaceName);
    return spaceId === undefined ? undefined : rowOf(this.#log.liveSpace(spaceId));
  }

  liveSpace(spaceId: number): SpaceRow | undefined {
    return rowOf(this.#log.liveSpace(spaceId));
  }

  insertSpace(
    spaceName: string,
    metadata: Readonly<Record<string, Value>>,
    settings: SpaceSettings,
  ): SpaceRow {
    this.#log.spaceCounter += 1;
    const spaceId = this.#log.spaceCounter;
    const space = {
      spaceId,
      spaceName,
      createdAt: this.#now(),
      metadata: metadataText(metadata),
      settings: settingsText(settings),
      isDeleted: false,
    };
    this.#log.spaces.set(spaceId, space);
    this.#log.liveNames.set(spaceName, spaceId);
    return rowOf(space);
  }

  updateSpace(
    spaceId: number,
    metadata: Readonly<Record<string, Value>>,
    settings: SpaceSettings,
  ): SpaceRow | undefined {
    const space = this.#log.liveSpace(spaceId);
    if (space === undefined) return undefined;
    space.metadata = metadataText(metadata);
    space.settings = settingsText(settings);
    return rowOf(space);
  }

  markSpaceDeleted(spaceId: number): boolean {
    const space = this.#log.liveSpace(spaceId);
    if (space === undefined) return false;
    space.isDeleted = true;
    this.#log.liveNames.delete(space.spaceName);
    return true;
  }

  #now(): number {
    return Math.trunc(this.#clock.now());
  }
}

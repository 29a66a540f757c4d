/** The tables of a log in memory, as a batch sees them. */

import { assert } from '../../core/assert.js';
import type { Clock } from '../../core/clock.js';
import type { ReactionPlace } from '../../core/reaction-id.js';
import { SteadyTime } from '../../core/steady-time.js';
import type { Value } from '../../core/values.js';
import type { LogTables } from '../apply-batch.js';
import { everySpace } from '../cursor.js';
import type {
  CommandRecord,
  CopyCommandsRequest,
  CopyEventsRequest,
  Cursor,
  CursorPlace,
  DraftCommand,
  DraftEvent,
  ParkedEvent,
  SealedEvent,
  SpaceHead,
  SpaceRow,
} from '../port.js';
import { metadataText } from '../space-metadata.js';
import { type SpaceSettings, settingsText } from '../space-settings.js';
import { MemoryDrafts } from './memory-drafts.js';
import { cursorKey, type MemoryLog, type MemorySpace, parkedKey } from './memory-log.js';
import { headOf, rowOf } from './memory-log-reader.js';

/** See `LogTables`. */
export class MemoryTables implements LogTables {
  readonly #log: MemoryLog;
  readonly #clock: Clock;
  /** For the memory of command ids. */
  readonly #time: SteadyTime;
  readonly #drafts: MemoryDrafts;

  constructor(log: MemoryLog, clock: Clock) {
    this.#log = log;
    this.#clock = clock;
    this.#time = new SteadyTime(clock);
    this.#drafts = new MemoryDrafts(log);
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
    const space = this.#addSpace(spaceName, metadata, settings, false);
    this.#log.liveNames.set(spaceName, space.spaceId);
    return rowOf(space);
  }

  #addSpace(
    spaceName: string,
    metadata: Readonly<Record<string, Value>>,
    settings: SpaceSettings,
    isDraft: boolean,
  ): MemorySpace {
    this.#log.spaceCounter += 1;
    const space = {
      spaceId: this.#log.spaceCounter,
      spaceName,
      createdAt: this.#now(),
      metadata: metadataText(metadata),
      settings: settingsText(settings),
      isDeleted: isDraft,
      isDraft,
    };
    this.#log.spaces.set(space.spaceId, space);
    return space;
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
    this.#log.removeCursors(spaceId);
    this.#log.removeParked(spaceId);
    return true;
  }

  park(event: Omit<ParkedEvent, 'parkedAt'>): void {
    this.#log.parked.set(parkedKey(event), { ...event, parkedAt: this.#now() });
  }

  unpark(place: ReactionPlace): boolean {
    return this.#log.parked.delete(parkedKey(place));
  }

  reactorNames(): readonly string[] {
    const ofAll = [...this.#log.cursors.values()].filter(
      ({ kind, spaceId }) => kind === 'reactor' && spaceId === everySpace,
    );
    return ofAll.map(({ name }) => name);
  }

  moveCursor({ kind, name, spaceId, position: to }: Cursor): void {
    const before = this.#log.cursors.get(cursorKey({ kind, name, spaceId }))?.position ?? 0;
    const position = kind === 'reactor' ? Math.max(before, to) : to;
    const cursor = { kind, name, spaceId, position, updatedAt: this.#now() };
    this.#log.cursors.set(cursorKey(cursor), cursor);
  }

  dropCursor(place: CursorPlace): boolean {
    return this.#log.cursors.delete(cursorKey(place));
  }

  insertDraft(
    spaceName: string,
    metadata: Readonly<Record<string, Value>>,
    settings: SpaceSettings,
  ): SpaceRow {
    return rowOf(this.#addSpace(spaceName, metadata, settings, true));
  }

  draftHead(spaceId: number): SpaceHead | undefined {
    return this.#drafts.head(spaceId);
  }

  insertDraftEvents(spaceId: number, head: SpaceHead, events: readonly DraftEvent[]): void {
    this.#drafts.insertEvents(spaceId, head, events);
  }

  insertDraftCommand(spaceId: number, command: DraftCommand): boolean {
    return this.#drafts.insertCommand(spaceId, command);
  }

  copyEvents(request: CopyEventsRequest, head: SpaceHead): void {
    this.#drafts.copyEvents(request, head);
  }

  copyCommands(request: CopyCommandsRequest): string | undefined {
    return this.#drafts.copyCommands(request);
  }

  publishDraft(spaceId: number, spaceName: string, like: SpaceRow | undefined): SpaceRow {
    return this.#drafts.publish(spaceId, spaceName, like);
  }

  #now(): number {
    return Math.trunc(this.#clock.now());
  }
}

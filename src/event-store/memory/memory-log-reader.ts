/**
 * Reads a log in memory. It answers asynchronously, as every reader does, and holds nothing between calls.
 */

import { RamaxError } from '../../core/errors.js';
import { compareCodePoints } from '../../core/names.js';
import type { ReactionPlace } from '../../core/reaction-id.js';
import type {
  CommandRecord,
  CursorKind,
  CursorPage,
  CursorRow,
  DueTimer,
  EventSelection,
  ImportPosition,
  LogReader,
  ParkedEvent,
  ParkedPage,
  ReadBounds,
  SelectBounds,
  SelectedEvents,
  SpaceHead,
  SpaceRow,
  StoredCommand,
  StoredEvent,
  StoredTimer,
} from '../port.js';
import { genesisHash } from '../seal.js';
import { scanSteps, selectEvents } from '../select-events.js';
import { parseMetadataText } from '../space-metadata.js';
import { parseSettingsText } from '../space-settings.js';
import { cursorKey, type MemoryLog, type MemorySpace } from './memory-log.js';

/** A `LogReader` over a `MemoryLog`. */
export class MemoryLogReader implements LogReader {
  protected readonly log: MemoryLog;
  #isClosed = false;

  constructor(log: MemoryLog) {
    this.log = log;
  }

  async readSpace(spaceId: number, after: number, bounds: ReadBounds): Promise<readonly StoredEvent[]> {
    this.assertUsable();
    return takeWithin(this.#eventsOfSpace(spaceId), after, sequenceOf, bounds);
  }

  async readEntity(
    spaceId: number,
    entityId: string,
    after: number,
    bounds: ReadBounds,
  ): Promise<readonly StoredEvent[]> {
    this.assertUsable();
    if (this.log.liveSpace(spaceId) === undefined) return [];
    const events = this.log.entityIndex.get(spaceId)?.get(entityId) ?? [];
    return takeWithin(events, after, sequenceOf, bounds);
  }

  async readAll(after: number, bounds: ReadBounds): Promise<readonly StoredEvent[]> {
    this.assertUsable();
    const isLive = (event: StoredEvent) => this.log.liveSpace(event.spaceId) !== undefined;
    return takeWithin(this.log.events, after, idOf, bounds, isLive, this.#firstOfDrafts());
  }

  async selectEvents(selection: EventSelection, bounds: SelectBounds): Promise<SelectedEvents> {
    this.assertUsable();
    const { spaceId } = selection;
    if (spaceId !== undefined) {
      const events = this.#eventsOfSpace(spaceId);
      const steps = scanSteps({
        positionOf: sequenceOf,
        forwards: (after, step) => takeWithin(events, after, sequenceOf, step),
        backwards: (upTo, step) => takeBackwards(events, upTo, sequenceOf, step),
      });
      return selectEvents(selection, bounds, steps);
    }
    const isLive = (event: StoredEvent) => this.log.liveSpace(event.spaceId) !== undefined;
    const before = this.#firstOfDrafts();
    const { events } = this.log;
    const steps = scanSteps({
      positionOf: idOf,
      forwards: (after, step) => takeWithin(events, after, idOf, step, isLive, before),
      backwards: (upTo, step) => takeBackwards(events, Math.min(upTo, before - 1), idOf, step, isLive),
    });
    return selectEvents(selection, bounds, steps);
  }

  async readEvent(spaceId: number, eventId: number): Promise<StoredEvent | undefined> {
    this.assertUsable();
    const events = this.#eventsOfSpace(spaceId);
    const event = events[firstAfter(events, eventId - 1, idOf)];
    return event?.eventId === eventId ? event : undefined;
  }

  async findCommands(spaceId: number, commandIds: readonly string[]): Promise<readonly CommandRecord[]> {
    this.assertUsable();
    const commands = this.log.liveSpace(spaceId) === undefined ? undefined : this.log.commands.get(spaceId);
    const found = [...new Set(commandIds)].map((commandId) => commands?.get(commandId)?.record);
    return found.filter((record) => record !== undefined);
  }

  async readCommands(spaceId: number, after: string, limit: number): Promise<readonly StoredCommand[]> {
    this.assertUsable();
    if (this.log.liveSpace(spaceId) === undefined) return [];
    return this.log.commandsAfter(spaceId, after, limit).map(({ record, acceptedAt }) => ({
      ...record,
      acceptedAt,
    }));
  }

  async timersOf(spaceId: number, after: string, limit: number): Promise<readonly StoredTimer[]> {
    this.assertUsable();
    if (this.log.liveSpace(spaceId) === undefined) return [];
    return [...(this.log.timers.get(spaceId)?.values() ?? [])]
      .filter(({ timerId }) => after === '' || compareCodePoints(timerId, after) > 0)
      .sort((left, right) => compareCodePoints(left.timerId, right.timerId))
      .slice(0, limit);
  }

  async dueTimers(upTo: number, after: DueTimer | undefined, limit: number): Promise<readonly DueTimer[]> {
    this.assertUsable();
    const due: DueTimer[] = [];
    for (const [spaceId, timers] of this.log.timers) {
      const space = rowOf(this.log.liveSpace(spaceId));
      if (space === undefined || space.settings.suspended !== undefined) continue;
      for (const timer of timers.values()) if (timer.dueAt <= upTo) due.push({ spaceId, ...timer });
    }
    return due
      .filter((timer) => after === undefined || compareDue(timer, after) > 0)
      .sort(compareDue)
      .slice(0, limit);
  }

  async importsOf(spaceId: number): Promise<readonly ImportPosition[]> {
    this.assertUsable();
    if (this.log.liveSpace(spaceId) === undefined) return [];
    return Array.from(this.log.imports.get(spaceId) ?? [], ([name, position]) => ({ name, position })).sort(
      (left, right) => compareCodePoints(left.name, right.name),
    );
  }

  async latestEventId(): Promise<number> {
    this.assertUsable();
    return this.log.eventCounter;
  }

  async allCommands(spaceId: number, limit: number): Promise<readonly CommandRecord[] | undefined> {
    this.assertUsable();
    if (this.log.liveSpace(spaceId) === undefined) return [];
    const commands = this.log.commands.get(spaceId);
    if (commands === undefined) return [];
    return commands.size > limit ? undefined : Array.from(commands.values(), ({ record }) => record);
  }

  async spaceHead(spaceId: number): Promise<SpaceHead | undefined> {
    this.assertUsable();
    return headOf(this.log, spaceId);
  }

  async findSpaceByName(spaceName: string): Promise<SpaceRow | undefined> {
    this.assertUsable();
    const spaceId = this.log.liveNames.get(spaceName);
    return spaceId === undefined ? undefined : rowOf(this.log.liveSpace(spaceId));
  }

  async findSpaceById(spaceId: number): Promise<SpaceRow | undefined> {
    this.assertUsable();
    return rowOf(this.log.liveSpace(spaceId));
  }

  async listSpaces(after: number, limit: number): Promise<readonly SpaceRow[]> {
    this.assertUsable();
    const rows: SpaceRow[] = [];
    for (const spaceId of this.log.spaces.keys()) {
      if (rows.length >= limit) break;
      const row = spaceId > after ? rowOf(this.log.liveSpace(spaceId)) : undefined;
      if (row !== undefined) rows.push(row);
    }
    return rows;
  }

  async cursors(kind: CursorKind, { after, limit }: CursorPage): Promise<readonly CursorRow[]> {
    this.assertUsable();
    return [...this.log.cursors.values()]
      .filter((cursor) => cursor.kind === kind && (after === undefined || inOrder(after, cursor) < 0))
      .sort(inOrder)
      .slice(0, limit);
  }

  async cursor(kind: CursorKind, name: string, spaceId: number): Promise<CursorRow | undefined> {
    this.assertUsable();
    return this.log.cursors.get(cursorKey({ kind, name, spaceId }));
  }

  async parkedEvents({ spaceId, after, limit }: ParkedPage): Promise<readonly ParkedEvent[]> {
    this.assertUsable();
    return [...this.log.parked.values()]
      .filter((event) => spaceId === undefined || event.spaceId === spaceId)
      .filter((event) => after === undefined || parkedInOrder(after, event) < 0)
      .sort(parkedInOrder)
      .slice(0, limit);
  }

  async parkedCounts(): Promise<readonly { readonly reactor: string; readonly parked: number }[]> {
    this.assertUsable();
    const counts = new Map<string, number>();
    for (const { reactor } of this.log.parked.values()) counts.set(reactor, (counts.get(reactor) ?? 0) + 1);
    return [...counts]
      .map(([reactor, parked]) => ({ reactor, parked }))
      .sort((left, right) => compareCodePoints(left.reactor, right.reactor));
  }

  async close(): Promise<void> {
    this.#isClosed = true;
  }

  /** Throws when a call cannot be served any more. */
  protected assertUsable(): void {
    if (this.#isClosed) throw new RamaxError('closed', 'the log is closed');
  }

  /** Readers over all spaces stop before it (D2). */
  #firstOfDrafts(): number {
    let first = Number.POSITIVE_INFINITY;
    for (const { spaceId, isDraft } of this.log.spaces.values()) {
      if (isDraft) first = Math.min(first, this.log.spaceIndex.get(spaceId)?.[0]?.eventId ?? first);
    }
    return first;
  }

  #eventsOfSpace(spaceId: number): readonly StoredEvent[] {
    return this.log.liveSpace(spaceId) === undefined ? [] : (this.log.spaceIndex.get(spaceId) ?? []);
  }
}

/** Where a live space ends. */
export function headOf(log: MemoryLog, spaceId: number): SpaceHead | undefined {
  if (log.liveSpace(spaceId) === undefined) return undefined;
  return log.spaceSequences.get(spaceId) ?? { lastSpaceSequence: 0, lastEventId: 0, lastHash: genesisHash };
}

/** The port's row of a space. */
export function rowOf(space: MemorySpace): SpaceRow;
export function rowOf(space: MemorySpace | undefined): SpaceRow | undefined;
export function rowOf(space: MemorySpace | undefined): SpaceRow | undefined {
  if (space === undefined) return undefined;
  const { spaceId, spaceName, createdAt } = space;
  const metadata = parseMetadataText(space.metadata);
  return { spaceId, spaceName, metadata, settings: parseSettingsText(space.settings), createdAt };
}

function compareDue(left: DueTimer, right: DueTimer): number {
  return (
    left.dueAt - right.dueAt || left.spaceId - right.spaceId || compareCodePoints(left.timerId, right.timerId)
  );
}

function parkedInOrder(left: ReactionPlace, right: ReactionPlace): number {
  return (
    left.spaceId - right.spaceId ||
    compareCodePoints(left.reactor, right.reactor) ||
    left.spaceSequence - right.spaceSequence ||
    left.part - right.part
  );
}

type Named = Pick<CursorRow, 'name' | 'spaceId'>;

function inOrder(left: Named, right: Named): number {
  return compareCodePoints(left.name, right.name) || left.spaceId - right.spaceId;
}

const sequenceOf = (event: StoredEvent) => event.spaceSequence;
const idOf = (event: StoredEvent) => event.eventId;

/** The index of the first event whose position is after `after`; events are in the order of their positions. */
function firstAfter(
  events: readonly StoredEvent[],
  after: number,
  positionOf: (event: StoredEvent) => number,
): number {
  let low = 0;
  let high = events.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    const event = events[middle];
    if (event !== undefined && positionOf(event) <= after) low = middle + 1;
    else high = middle;
  }
  return low;
}

function takeWithin(
  events: readonly StoredEvent[],
  after: number,
  positionOf: (event: StoredEvent) => number,
  bounds: ReadBounds,
  isWanted: (event: StoredEvent) => boolean = () => true,
  before: number = Number.POSITIVE_INFINITY,
): readonly StoredEvent[] {
  const taken: StoredEvent[] = [];
  let bytes = 0;
  for (let index = firstAfter(events, after, positionOf); index < events.length; index++) {
    const event = events[index];
    if (event === undefined || taken.length >= bounds.limit || positionOf(event) >= before) break;
    if (!isWanted(event)) continue;
    bytes += event.payload.byteLength;
    if (bytes > bounds.bytesMax && taken.length > 0) break;
    taken.push(event);
  }
  return taken;
}

/** The same from a position back, the last event first. */
function takeBackwards(
  events: readonly StoredEvent[],
  upTo: number,
  positionOf: (event: StoredEvent) => number,
  bounds: ReadBounds,
  isWanted: (event: StoredEvent) => boolean = () => true,
): readonly StoredEvent[] {
  const taken: StoredEvent[] = [];
  let bytes = 0;
  for (let index = firstAfter(events, upTo, positionOf) - 1; index >= 0; index--) {
    const event = events[index];
    if (event === undefined || taken.length >= bounds.limit) break;
    if (!isWanted(event)) continue;
    bytes += event.payload.byteLength;
    if (bytes > bounds.bytesMax && taken.length > 0) break;
    taken.push(event);
  }
  return taken;
}

/**
 * The tables of a log in memory: what a disk is to the SQLite adapter. It outlives the stores that are opened over it,
 * so a test or a simulation can drop a writer and open the next one over the same data.
 *
 * The structure is the seed's: events in the order of their ids, an index by space, an index by entity, one sequence
 * for each space and one counter of events for all.
 *
 * Invariants: `events` is in the order of event ids; `spaceIndex[spaceId][n - 1]` has sequence n while the space lives;
 * the counters never go back.
 */

import { assert } from '../../core/assert.js';
import { compareCodePoints } from '../../core/names.js';
import type { ReactionPlace } from '../../core/reaction-id.js';
import { builtInChange } from '../built-in-changes.js';
import type {
  CommandRecord,
  CursorPlace,
  CursorRow,
  ParkedEvent,
  SpaceHead,
  StoredEvent,
  StoredTimer,
} from '../port.js';

/** One row of the registry. */
export interface MemorySpace {
  readonly spaceId: number;
  spaceName: string;
  readonly createdAt: number;
  /** A JSON object as text. */
  metadata: string;
  /** A JSON object as text, or null for none. */
  settings: string | null;
  isDeleted: boolean;
  /** It is being made; then it counts as deleted. */
  isDraft: boolean;
}

/** The record of an accepted command, with what its deletion needs. */
export interface MemoryCommand {
  readonly spaceId: number;
  readonly acceptedAt: number;
  readonly record: CommandRecord;
}

/** The log's tables. Only the adapter beside it changes them. */
export class MemoryLog {
  /** Names this log for ever. */
  readonly logId: string;
  /** Grows by one with every store that is opened over this log. */
  ownerGeneration = 0;
  /** The largest event id ever given. */
  eventCounter = 0;
  /** The largest space id ever given. */
  spaceCounter = 0;
  readonly events: StoredEvent[] = [];
  readonly spaceIndex = new Map<number, StoredEvent[]>();
  readonly entityIndex = new Map<number, Map<string, StoredEvent[]>>();
  readonly spaceSequences = new Map<number, SpaceHead>();
  readonly spaces = new Map<number, MemorySpace>();
  readonly liveNames = new Map<string, number>();
  readonly commands = new Map<number, Map<string, MemoryCommand>>();
  /** Pending timers, by space and id. */
  readonly timers = new Map<number, Map<string, StoredTimer>>();
  /** How far imports have come, by space and name. */
  readonly imports = new Map<number, Map<string, number>>();
  /** See `LogStore.takeScheduled`. */
  scheduled: number | undefined;
  /** The same records over all spaces, oldest first. */
  readonly commandsInOrder = new Set<MemoryCommand>();

  /** By what each is found by, as text. */
  readonly cursors = new Map<string, CursorRow>();

  /** The same for parked events. */
  readonly parked = new Map<string, ParkedEvent>();

  /** @param logId a UUID */
  constructor(logId: string) {
    this.logId = logId;
  }

  /** The space, when it lives. */
  liveSpace(spaceId: number): MemorySpace | undefined {
    const space = this.spaces.get(spaceId);
    return space === undefined || space.isDeleted ? undefined : space;
  }

  /** Adds an event to `events` and both indexes. */
  addEvent(event: StoredEvent): void {
    assert(event.eventId === this.eventCounter + 1, 'events are added in the order of their ids');
    this.eventCounter = event.eventId;
    this.events.push(event);
    listAt(this.spaceIndex, event.spaceId).push(event);
    listAt(mapAt(this.entityIndex, event.spaceId), event.entityId).push(event);
    this.#keepBuiltIn(event);
  }

  #keepBuiltIn(event: StoredEvent): void {
    const change = builtInChange(event);
    if (change === undefined) return;
    const { spaceId, spaceSequence } = event;
    if (change.kind === 'timerPending') {
      const { timerId, dueAt } = change;
      mapAt(this.timers, spaceId).set(timerId, { timerId, dueAt, spaceSequence });
      this.noteScheduled(dueAt);
    } else if (change.kind === 'timerDone') this.timers.get(spaceId)?.delete(change.timerId);
    else mapAt(this.imports, spaceId).set(change.name, change.position);
  }

  noteScheduled(dueAt: number): void {
    this.scheduled = Math.min(dueAt, this.scheduled ?? dueAt);
  }

  /** Removes up to `rowsMax` events of a deleted space, the newest first; says how many. */
  removeEvents(spaceId: number, rowsMax: number): number {
    const ofSpace = this.spaceIndex.get(spaceId) ?? [];
    const removed = new Set(ofSpace.splice(Math.max(0, ofSpace.length - rowsMax)));
    this.entityIndex.delete(spaceId);
    const kept = this.events.filter((event) => !removed.has(event));
    this.events.length = 0;
    for (const event of kept) this.events.push(event);
    return removed.size;
  }

  /** Adds the record of a command, or says false when the space has one of its id. */
  addCommand(command: MemoryCommand): boolean {
    const ofSpace = mapAt(this.commands, command.spaceId);
    if (ofSpace.has(command.record.commandId)) return false;
    ofSpace.set(command.record.commandId, command);
    this.commandsInOrder.add(command);
    return true;
  }

  /** Records of a space behind a command id, in the order of their ids. */
  commandsAfter(spaceId: number, after: string, limit: number): readonly MemoryCommand[] {
    return [...(this.commands.get(spaceId)?.values() ?? [])]
      .filter(({ record }) => after === '' || compareCodePoints(record.commandId, after) > 0)
      .sort((left, right) => compareCodePoints(left.record.commandId, right.record.commandId))
      .slice(0, limit);
  }

  /** Removes the cursors of a space. */
  removeCursors(spaceId: number): void {
    for (const [key, cursor] of this.cursors) if (cursor.spaceId === spaceId) this.cursors.delete(key);
  }

  /** Removes what is parked of a space. */
  removeParked(spaceId: number): void {
    for (const [key, event] of this.parked) if (event.spaceId === spaceId) this.parked.delete(key);
  }

  /** Removes the record of a command. */
  removeCommand(command: MemoryCommand): void {
    this.commands.get(command.spaceId)?.delete(command.record.commandId);
    this.commandsInOrder.delete(command);
  }
}

/** What a parked event is found by, as text. */
export function parkedKey({ spaceId, reactor, spaceSequence, part }: ReactionPlace): string {
  return `${spaceId} ${spaceSequence} ${part} ${reactor}`;
}

/** What a cursor is found by, as text. */
export function cursorKey({ kind, name, spaceId }: CursorPlace): string {
  return `${kind} ${spaceId} ${name}`;
}

function listAt<Key, Item>(lists: Map<Key, Item[]>, key: Key): Item[] {
  const list = lists.get(key) ?? [];
  if (list.length === 0) lists.set(key, list);
  return list;
}

function mapAt<Key, Inner, Item>(maps: Map<Key, Map<Inner, Item>>, key: Key): Map<Inner, Item> {
  const map = maps.get(key) ?? new Map<Inner, Item>();
  if (map.size === 0) maps.set(key, map);
  return map;
}

/** Drafts in a log in memory (`draft.ts` says what they are): spaces that count as deleted, and are drafts besides. */

import { assert } from '../../core/assert.js';
import type {
  CopyCommandsRequest,
  CopyEventsRequest,
  DraftCommand,
  DraftEvent,
  SpaceHead,
  SpaceRow,
} from '../port.js';
import { genesisHash } from '../seal.js';
import type { MemoryLog } from './memory-log.js';
import { rowOf } from './memory-log-reader.js';

/** See the head of this file. */
export class MemoryDrafts {
  readonly #log: MemoryLog;

  constructor(log: MemoryLog) {
    this.#log = log;
  }

  head(spaceId: number): SpaceHead | undefined {
    if (this.#log.spaces.get(spaceId)?.isDraft !== true) return undefined;
    return (
      this.#log.spaceSequences.get(spaceId) ?? {
        lastSpaceSequence: 0,
        lastEventId: 0,
        lastHash: genesisHash,
      }
    );
  }

  insertEvents(spaceId: number, head: SpaceHead, events: readonly DraftEvent[]): void {
    let { lastSpaceSequence, lastEventId, lastHash } = head;
    for (const event of events) {
      lastSpaceSequence += 1;
      lastEventId = this.#log.eventCounter + 1;
      lastHash = event.hash;
      this.#log.addEvent({ ...event, eventId: lastEventId, spaceId, spaceSequence: lastSpaceSequence });
    }
    this.#log.spaceSequences.set(spaceId, { lastSpaceSequence, lastEventId, lastHash });
  }

  copyEvents({ spaceId, fromSpaceId, upTo, bounds }: CopyEventsRequest, head: SpaceHead): void {
    const source = this.#log.spaceIndex.get(fromSpaceId) ?? [];
    const after = head.lastSpaceSequence;
    let end = after + 1;
    let bytes = source[after]?.payload.length ?? 0;
    for (; end < Math.min(after + bounds.limit, upTo); end += 1) {
      bytes += source[end]?.payload.length ?? 0;
      if (bytes > bounds.bytesMax) break;
    }
    while (end < upTo && source[end]?.invocationId === source[end - 1]?.invocationId) end += 1;
    this.insertEvents(spaceId, head, source.slice(after, end));
  }

  copyCommands({ spaceId, fromSpaceId, upTo, after, rowsMax }: CopyCommandsRequest): string | undefined {
    const page = this.#log.commandsAfter(fromSpaceId, after, rowsMax);
    for (const { record, acceptedAt } of page) {
      if (record.spaceSequence > upTo) continue;
      const isCopied = this.insertCommand(spaceId, { ...record, acceptedAt });
      assert(isCopied, 'the records of a space fit to its events');
    }
    return page.length < rowsMax ? undefined : page.at(-1)?.record.commandId;
  }

  insertCommand(spaceId: number, command: DraftCommand): boolean {
    const { acceptedAt, ...record } = command;
    const { eventCount, spaceSequence, invocationId } = record;
    const events = this.#log.spaceIndex.get(spaceId) ?? [];
    const first = eventCount === 0 ? undefined : events[spaceSequence - eventCount];
    const last = eventCount === 0 ? undefined : events[spaceSequence - 1];
    if (first?.invocationId !== last?.invocationId) return false;
    if (eventCount > 0 && first?.invocationId !== invocationId) return false;
    const firstEventId = first?.eventId ?? 0;
    return this.#log.addCommand({ spaceId, acceptedAt, record: { ...record, firstEventId } });
  }

  publish(spaceId: number, spaceName: string, like: SpaceRow | undefined): SpaceRow {
    const space = this.#log.spaces.get(spaceId);
    assert(space !== undefined, 'a draft has its row');
    const source = like === undefined ? undefined : this.#log.spaces.get(like.spaceId);
    if (source !== undefined) {
      space.metadata = source.metadata;
      space.settings = source.settings;
    }
    space.spaceName = spaceName;
    space.isDraft = false;
    space.isDeleted = false;
    this.#log.liveNames.set(space.spaceName, spaceId);
    for (const { dueAt } of this.#log.timers.get(spaceId)?.values() ?? []) this.#log.noteScheduled(dueAt);
    return rowOf(space);
  }
}

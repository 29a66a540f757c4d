/**
 * Verification over a `LogReader`, for a log that no other thread can look at: that in memory. What SQLite could damage does not exist
 * there; what is checked is that the writer and the shards have done what they promise.
 */

import type { LogInspector } from '../event-store/inspector.js';
import type { LogReader } from '../event-store/port.js';

const recordsMax = 1_000_000;

/** See the head of this file. */
export function plainInspector(log: LogReader): LogInspector {
  return {
    spaces: async (after, limit) =>
      (await log.listSpaces(after, limit)).map(({ spaceId, spaceName, metadata }) => ({
        spaceId,
        spaceName,
        metadata: JSON.stringify(metadata),
        isDeleted: false,
      })),
    nextSpaceWithEvents: async () => undefined,
    isLive: async (spaceId) => (await log.findSpaceById(spaceId)) !== undefined,
    events: async (spaceId, after, bounds) =>
      (await log.readSpace(spaceId, after, bounds)).map((event) => ({
        place: event.spaceSequence,
        eventId: event.eventId,
        event,
      })),
    async eventAt(spaceId, spaceSequence) {
      const [event] = await log.readSpace(spaceId, spaceSequence - 1, { limit: 1, bytesMax: 1 });
      return event?.spaceSequence === spaceSequence ? event : undefined;
    },
    commands: async (spaceId, after) =>
      after === '' ? ((await log.allCommands(spaceId, recordsMax)) ?? []) : [],
    missingCommandNumbers: async () => [],
    notInLookups: async () => [],
    structure: async () => [],
    close: async () => {},
  };
}

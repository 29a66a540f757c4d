import type { WitnessRecord } from '../../src/event-store/sqlite/witness-record.js';

/** A record whose every number differs. */
export function recordAt(lastEventId: number): WitnessRecord {
  return {
    logId: '01234567-89ab-cdef-0123-456789abcdef',
    changeNumber: lastEventId + 1,
    lastEventId,
    syncedChangeNumber: lastEventId + 2,
    syncedEventId: lastEventId + 3,
    lastHash: new Uint8Array(16).fill(lastEventId % 256),
    lastSpaceId: lastEventId + 4,
    writtenAt: 1_750_000_000_000 + lastEventId,
  };
}

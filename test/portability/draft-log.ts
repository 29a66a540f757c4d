/** A log for the tests of portability: a store in memory, with what main asks of its writer. */

import { RamaxError } from '../../src/core/errors.js';
import { defaultLimits, type Limits } from '../../src/core/limits.js';
import { MemoryLog } from '../../src/event-store/memory/memory-log.js';
import { MemoryLogStore } from '../../src/event-store/memory/memory-log-store.js';
import type { LogStore, SpaceRow } from '../../src/event-store/port.js';
import { nodePlatform } from '../../src/platform/node-platform.js';
import type { DraftLog } from '../../src/portability/draft.js';
import { exportSpace } from '../../src/portability/export-space.js';
import { importSpace } from '../../src/portability/import-space.js';

export function memoryLog(): LogStore {
  return new MemoryLogStore(new MemoryLog(nodePlatform.ids.newId()), nodePlatform.clock);
}

export function draftLogOf(log: LogStore): DraftLog {
  return {
    change: async (request) => {
      const [outcome] = await log.commit([structuredClone(request)]);
      if (outcome === undefined) throw new Error('the log did not answer');
      if (outcome.kind === 'refused') throw RamaxError.fromData(outcome.error);
      return outcome;
    },
    abandon: async (spaceId) => {
      while (!(await log.purgeSpace(spaceId, 100)).done);
    },
  };
}

export async function fileOf(log: LogStore, space: SpaceRow, upTo?: number): Promise<Buffer> {
  const latest = (await log.spaceHead(space.spaceId))?.lastSpaceSequence ?? 0;
  const chunks: Uint8Array[] = [];
  const bounds = { limit: 3, bytesMax: 10_000 };
  const options = { log, space, upTo: upTo ?? latest, bounds, platform: nodePlatform };
  for await (const chunk of exportSpace(options)) chunks.push(chunk);
  return Buffer.concat(chunks);
}

/** The file in pieces of this size. */
export async function* pieces(bytes: Uint8Array, pieceBytes = 64): AsyncGenerator<Uint8Array> {
  // One buffer for all pieces, as a source may have it.
  const buffer = new Uint8Array(pieceBytes);
  for (let at = 0; at < bytes.length; at += pieceBytes) {
    const piece = bytes.subarray(at, at + pieceBytes);
    buffer.set(piece);
    yield buffer.subarray(0, piece.length);
  }
}

export function importInto(
  log: LogStore,
  source: AsyncIterable<Uint8Array>,
  more: { readonly limits?: Partial<Limits>; readonly spaceName?: string } = {},
): Promise<SpaceRow> {
  return importSpace({
    source,
    log: draftLogOf(log),
    platform: nodePlatform,
    limits: { ...defaultLimits, ...more.limits },
    spaceName: more.spaceName,
    report: () => {},
    beforeWriting: async () => {},
    publishing: () => {},
    signal: new AbortController().signal,
  });
}

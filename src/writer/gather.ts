/** What goes into the next transaction. Pure. */

import type { Limits } from '../core/limits.js';
import type { LogWrite } from '../event-store/port.js';

/** A request that waits for the next transaction. */
export interface Queued {
  readonly write: LogWrite;
}

/** The next transaction, and what waits on; both in the order in which they came. */
export interface Gathered<Request> {
  readonly group: Request[];
  readonly rest: Request[];
}

type GatherLimits = Pick<Limits, 'commitCommandsMax' | 'commitBytesMax'>;

/**
 * Takes all that waits into the next transaction, up to `commitCommandsMax` requests and `commitBytesMax` bytes of payload, and one
 * at least. Where there is more, spaces are gone round, one request of each: a space with few waits for one transaction, however
 * many others have asked for before it. Requests of one space keep their order, and so do those of the registry.
 */
export function gather<Request extends Queued>(queue: Request[], limits: GatherLimits): Gathered<Request> {
  if (queue.length <= limits.commitCommandsMax && bytesOf(queue, limits) <= limits.commitBytesMax) {
    return { group: queue, rest: [] };
  }
  const taken = takenInTurn(queue, limits);
  const gathered: Gathered<Request> = { group: [], rest: [] };
  queue.forEach((queued, place) => {
    (taken.has(place) ? gathered.group : gathered.rest).push(queued);
  });
  return gathered;
}

/** The places of what goes, one of each space after the other. Spaces come in the order of their oldest requests. */
function takenInTurn(
  queue: readonly Queued[],
  { commitCommandsMax, commitBytesMax }: GatherLimits,
): ReadonlySet<number> {
  const taken = new Set<number>();
  let bytes = 0;
  let lines = [...linesOf(queue).values()];
  for (let turn = 0; lines.length > 0; turn++) {
    for (const line of lines) {
      const place = line[turn];
      if (place === undefined) continue;
      bytes += payloadBytes(queue[place]?.write);
      const isFull = taken.size === commitCommandsMax || (bytes > commitBytesMax && taken.size > 0);
      if (isFull) return taken;
      taken.add(place);
    }
    lines = lines.filter(({ length }) => length > turn + 1);
  }
  return taken;
}

/** For each space the places of its requests. */
function linesOf(queue: readonly Queued[]): ReadonlyMap<number, readonly number[]> {
  const lines = new Map<number, number[]>();
  queue.forEach(({ write }, place) => {
    const space = lineOf(write);
    const line = lines.get(space);
    if (line === undefined) lines.set(space, [place]);
    else line.push(place);
  });
  return lines;
}

function lineOf(write: LogWrite): number {
  if (write.kind === 'append') return write.spaceId;
  if (write.kind === 'parkEvent') return write.event.spaceId;
  if (write.kind === 'unparkEvent') return write.place.spaceId;
  return write.kind === 'moveCursor' || write.kind === 'dropCursor' ? write.cursor.spaceId : registryLine;
}

/** No space has this id; cursors of all spaces have it. */
const registryLine = 0;

/** The bytes of all payloads, as far as they are within the bound. */
function bytesOf(queue: readonly Queued[], { commitBytesMax }: GatherLimits): number {
  let bytes = 0;
  for (const { write } of queue) {
    bytes += payloadBytes(write);
    if (bytes > commitBytesMax) break;
  }
  return bytes;
}

function payloadBytes(write: LogWrite | undefined): number {
  if (write?.kind !== 'append' && write?.kind !== 'extendDraft') return 0;
  let bytes = 0;
  for (const event of write.events) bytes += event.payload.length;
  return bytes;
}

import type { Limits } from '../core/limits.js';
import type { LogWrite } from '../event-store/port.js';

/** A request that waits for the next transaction. */
export interface Queued {
  readonly write: LogWrite;
}

/**
 * How many requests from the front of the queue go into the next transaction: as many as there are, up to
 * `commitCommandsMax` requests and `commitBytesMax` bytes of payload, and at least one.
 */
export function gatherCount(
  queue: readonly Queued[],
  limits: Pick<Limits, 'commitCommandsMax' | 'commitBytesMax'>,
): number {
  let bytes = 0;
  const end = Math.min(queue.length, limits.commitCommandsMax);
  for (let index = 0; index < end; index++) {
    bytes += payloadBytes(queue[index]?.write);
    if (bytes > limits.commitBytesMax && index > 0) return index;
  }
  return end;
}

function payloadBytes(write: LogWrite | undefined): number {
  if (write?.kind !== 'append') return 0;
  let bytes = 0;
  for (const event of write.events) bytes += event.payload.length;
  return bytes;
}

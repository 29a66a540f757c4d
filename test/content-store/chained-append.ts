import type { ChainedAppend } from '../../src/content-store/log-link.js';
import type { AppendRequest } from '../../src/event-store/port.js';
import { genesisHash, headerOf } from '../../src/event-store/seal.js';

/** An append as a shard makes it: with the headers of its events, behind the hash that it follows. */
export function chained(
  request: AppendRequest,
  generation: number,
  previousHash = genesisHash,
): ChainedAppend {
  const { invocationId, previousSequence } = request;
  const events = request.events.map((event, index) => {
    const spaceSequence = previousSequence + 1 + index;
    return { ...event, header: headerOf({ ...event, spaceSequence, invocationId }) };
  });
  return { ...request, events, generation, previousHash };
}

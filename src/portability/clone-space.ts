/** Copies a space up to a sequence into a draft, some rows between two commits at a time, and publishes it. */

import { RamaxError } from '../core/errors.js';
import type { Limits } from '../core/limits.js';
import type { SpaceRow } from '../event-store/port.js';
import { Draft, type DraftLog } from './draft.js';

/** Bytes of payloads in one transaction: more would hold up everybody's commits. */
const chunkBytesMax = 1024 * 1024;

/** How far a copy has come. */
export interface CopyProgress {
  readonly eventsCopied: number;
  readonly eventsTotal: number;
}

/** What to copy. */
export interface CloneSpaceOptions {
  readonly log: DraftLog;
  readonly from: SpaceRow;
  /** The name of the copy. */
  readonly to: string;
  /** The copy takes the place of the space. */
  readonly replaces: boolean;
  readonly upTo: number;
  readonly limits: Pick<Limits, 'readEventsMax'>;
  readonly report: (progress: CopyProgress) => void;
  /** The next step makes the space visible. */
  readonly publishing: () => void;
  readonly signal: AbortSignal;
}

/** See the head of this file. */
export async function cloneSpace(options: CloneSpaceOptions): Promise<SpaceRow> {
  const { log, from, to } = options;
  const { metadata, settings } = from;
  const draft = await Draft.create(log, { spaceName: to, metadata, settings });
  try {
    await copyInto(draft, options);
    throwIfAborted(options.signal);
    options.publishing();
    return await draft.publish(to, options.replaces ? from.spaceId : undefined);
  } catch (error) {
    // What cannot be purged now is purged at the next start; the first error is the one that counts.
    await draft.abandon().catch(() => {});
    throw error;
  }
}

async function copyInto(draft: Draft, options: CloneSpaceOptions): Promise<void> {
  const { from, upTo, limits, report, signal } = options;
  const rowsMax = limits.readEventsMax;
  while (draft.spaceSequence < upTo) {
    throwIfAborted(signal);
    await draft.copyEvents(from.spaceId, upTo, { limit: rowsMax, bytesMax: chunkBytesMax });
    report({ eventsCopied: draft.spaceSequence, eventsTotal: upTo });
  }
  for (let after: string | undefined = ''; after !== undefined; ) {
    throwIfAborted(signal);
    after = await draft.copyCommands(from.spaceId, upTo, after, rowsMax);
  }
}

function throwIfAborted(signal: AbortSignal): void {
  if (signal.aborted) throw new RamaxError('aborted', 'the copy was aborted');
}

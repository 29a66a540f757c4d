import { type CatchUpOptions, catchUp } from './catch-up.js';
import type { Accepted } from './turn.js';

/** Which part of the log to search. */
export type FindWrittenOptions = Omit<CatchUpOptions, 'apply' | 'afterBatch' | 'signal'>;

/** The answers of the commands whose events lie between two sequences, by invocation id. */
export async function findWritten(options: FindWrittenOptions): Promise<ReadonlyMap<string, Accepted>> {
  const written = new Map<string, Accepted>();
  await catchUp({
    ...options,
    apply({ invocationId, eventId, spaceSequence }) {
      const first = written.get(invocationId);
      written.set(invocationId, {
        firstEventId: first?.firstEventId ?? eventId,
        eventCount: (first?.eventCount ?? 0) + 1,
        spaceSequence,
      });
    },
  });
  return written;
}

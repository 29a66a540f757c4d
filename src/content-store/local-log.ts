/**
 * A log in the same thread as the `LogLink` of content stores: for apps that use the nouns alone. Commits run one at
 * a time, because a log takes one batch at a time.
 *
 * Invariant: behind a commit in doubt nothing is committed of a space until it was opened again, so that nothing that was
 * decided on it lands in the log while its owner still looks what became of it.
 */

import { assert } from '../core/assert.js';
import { asRamaxError, RamaxError } from '../core/errors.js';
import { Line } from '../core/line.js';
import type { LogStore, LogWriteOutcome } from '../event-store/port.js';
import { spaceNotFound } from '../space/space-errors.js';
import type { Appended, FencedAppend, LogLink } from './log-link.js';

/** `log` as a link for the content stores of this thread. */
export function localLog(log: LogStore): LogLink {
  const commits = new Line();
  let lastGeneration = 0;
  /** Who may append, by space. */
  const owners = new Map<number, number>();

  const commit = async (append: FencedAppend): Promise<LogWriteOutcome> => {
    if (append.generation !== owners.get(append.spaceId)) throw staleAppend(append);
    try {
      const [outcome] = await log.commit([append]);
      assert(outcome !== undefined, 'a batch of one has one outcome');
      return outcome;
    } catch (error) {
      owners.clear();
      throw error;
    }
  };

  return {
    append(append, waiter) {
      commits
        .run(() => commit(append))
        .then(appendedIn)
        .then(
          (appended) => waiter.answered(appended),
          (error: unknown) => waiter.failed(asRamaxError(error, 'storage', 'the append failed')),
        );
    },
    async openSpace(spaceId) {
      owners.delete(spaceId);
      await commits.done();
      const head = await log.spaceHead(spaceId);
      const space = await log.findSpaceById(spaceId);
      if (head === undefined || space === undefined) throw spaceNotFound(spaceId);
      lastGeneration++;
      owners.set(spaceId, lastGeneration);
      return { generation: lastGeneration, head, encryption: space.settings.encryption };
    },
    async openForReading(spaceId) {
      const space = await log.findSpaceById(spaceId);
      const head = await log.spaceHead(spaceId);
      if (space === undefined || head === undefined) throw spaceNotFound(spaceId);
      return { head, encryption: space.settings.encryption };
    },
    readSpace: (spaceId, after, bounds) => log.readSpace(spaceId, after, bounds),
    timersOf: (spaceId, after, limit) => log.timersOf(spaceId, after, limit),
    importsOf: (spaceId) => log.importsOf(spaceId),
    async selectEvents(selection, bounds) {
      const found = await log.selectEvents(selection, bounds);
      const { spaceId } = selection;
      if (found.isEnd && spaceId !== undefined && (await log.spaceHead(spaceId)) === undefined)
        throw spaceNotFound(spaceId);
      return found;
    },
    allCommands: (spaceId, limit) => log.allCommands(spaceId, limit),
    findCommands: (spaceId, commandIds) => log.findCommands(spaceId, commandIds),
  };
}

function appendedIn(outcome: LogWriteOutcome): Appended {
  if (outcome.kind === 'refused') throw RamaxError.fromData(outcome.error);
  assert(outcome.kind === 'appended', 'an append is answered as one');
  return outcome;
}

function staleAppend({ spaceId }: FencedAppend): RamaxError {
  return new RamaxError('fenced', `space ${spaceId} was opened again, or must be`, { details: { spaceId } });
}

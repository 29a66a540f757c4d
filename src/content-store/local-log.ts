/**
 * A log in the same thread as the `LogLink` of one content store: for apps that use the nouns alone. Commits run one at
 * a time, because a log takes one batch at a time.
 *
 * Invariant: behind a commit in doubt nothing is committed until the space was opened again, so that nothing that was
 * decided on it lands in the log while its owner still looks what became of it.
 */

import { assert } from '../core/assert.js';
import { RamaxError } from '../core/errors.js';
import { Line } from '../core/line.js';
import type { LogStore, LogWriteOutcome } from '../event-store/port.js';
import { spaceNotFound } from '../space/space-errors.js';
import type { FencedAppend, LogLink } from './log-link.js';

const nobody = 0;

/** `log` as a link for the content store of one space. */
export function localLog(log: LogStore): LogLink {
  const commits = new Line();
  let lastGeneration = nobody;
  /** Who may append. */
  let owner = nobody;

  const commit = async (append: FencedAppend): Promise<LogWriteOutcome> => {
    if (append.generation !== owner) throw staleAppend(append);
    try {
      const [outcome] = await log.commit([append]);
      assert(outcome !== undefined, 'a batch of one has one outcome');
      return outcome;
    } catch (error) {
      owner = nobody;
      throw error;
    }
  };

  return {
    async append(append) {
      const outcome = await commits.run(() => commit(append));
      if (outcome.kind === 'refused') throw RamaxError.fromData(outcome.error);
      assert(outcome.kind === 'appended', 'an append is answered as one');
      return outcome;
    },
    async openSpace(spaceId) {
      owner = nobody;
      await commits.done();
      const head = await log.spaceHead(spaceId);
      if (head === undefined) throw spaceNotFound(spaceId);
      owner = ++lastGeneration;
      return { generation: owner, head };
    },
    readSpace: (spaceId, after, bounds) => log.readSpace(spaceId, after, bounds),
    findCommands: (spaceId, commandIds) => log.findCommands(spaceId, commandIds),
  };
}

function staleAppend({ spaceId }: FencedAppend): RamaxError {
  return new RamaxError('fenced', `space ${spaceId} was opened again, or must be`, { details: { spaceId } });
}

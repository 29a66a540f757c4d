/**
 * A log in the same thread as the `LogLink` of a content store: for apps that use the nouns alone. One owner, so there
 * is one generation; commits run one at a time, because a log takes one batch at a time.
 */

import { assert } from '../core/assert.js';
import { RamaxError } from '../core/errors.js';
import { Line } from '../core/line.js';
import type { LogStore, LogWrite, LogWriteOutcome } from '../event-store/port.js';
import { spaceNotFound } from '../space/space-errors.js';
import type { LogLink } from './log-link.js';

const onlyGeneration = 1;

/** `log` as a link for content stores of this thread. */
export function localLog(log: LogStore): LogLink {
  const commits = new Line();

  const commit = (write: LogWrite): Promise<LogWriteOutcome> =>
    commits.run(async () => {
      const [outcome] = await log.commit([write]);
      assert(outcome !== undefined, 'a batch of one has one outcome');
      return outcome;
    });

  return {
    async append(append) {
      const outcome = await commit(append);
      if (outcome.kind === 'refused') throw RamaxError.fromData(outcome.error);
      assert(outcome.kind === 'appended', 'an append is answered as one');
      return outcome;
    },
    async openSpace(spaceId) {
      await commits.done();
      const head = await log.spaceHead(spaceId);
      if (head === undefined) throw spaceNotFound(spaceId);
      return { generation: onlyGeneration, head };
    },
    readSpace: (spaceId, after, bounds) => log.readSpace(spaceId, after, bounds),
    findCommands: (spaceId, commandIds) => log.findCommands(spaceId, commandIds),
  };
}

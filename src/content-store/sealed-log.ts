/**
 * The log of an encrypted space as its content store sees it: what was sealed is read open. Appends come sealed already, because
 * the chain is made over sealed bytes.
 */

import type { Cipher } from '../core/cipher.js';
import { unsealed } from '../event-store/seal.js';
import type { LogLink } from './log-link.js';

/** `log` for a space of this cipher. */
export function sealedLog(log: LogLink, cipher: Cipher): LogLink {
  return {
    append: (append, waiter) => log.append(append, waiter),
    get trouble() {
      return log.trouble;
    },
    openSpace: (spaceId, wait) => log.openSpace(spaceId, wait),
    openForReading: (spaceId) => log.openForReading(spaceId),
    async readSpace(spaceId, after, bounds) {
      const events = await log.readSpace(spaceId, after, bounds);
      return events.map((stored) => unsealed(stored, cipher));
    },
    async selectEvents(selection, bounds) {
      const selected = await log.selectEvents(selection, bounds);
      return { ...selected, events: selected.events.map((stored) => unsealed(stored, cipher)) };
    },
    findCommands: (spaceId, commandIds) => log.findCommands(spaceId, commandIds),
    timersOf: (spaceId, after, limit) => log.timersOf(spaceId, after, limit),
    importsOf: (spaceId) => log.importsOf(spaceId),
    allCommands: (spaceId, limit) => log.allCommands(spaceId, limit),
  };
}

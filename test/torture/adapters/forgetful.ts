/** A weakened engine for controls: accepted commands are not recorded, so that a command that is sent again runs again. */

import { withLog } from './sound.js';

export const adapter = withLog((log) => ({
  commit: (batch) =>
    log.commit(
      batch.map((write) =>
        write.kind === 'append' && write.events.length > 0 ? { ...write, command: null } : write,
      ),
    ),
}));

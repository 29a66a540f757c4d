/** The app of the gaps: counts, and ends its thread when it is told to, once for each file. */

import { existsSync, rmSync } from 'node:fs';
import { defineApp } from 'ramax';

export default defineApp({
  name: 'gaps',
  commands: {
    count: (_pstate, n: number) => [{ entityId: 'counter', type: 'counted', payload: n }],
    /** The turn that runs when its thread ends is the only one that is suspected; the next time it goes well. */
    end(_pstate, file: string) {
      if (!existsSync(file)) return [];
      rmSync(file);
      return process.exit(1);
    },
  },
  projections: {
    counted: (pstate, { payload }) => pstate.put('count', payload as number),
  },
});

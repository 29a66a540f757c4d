import { defineApp } from '../../src/core/define-app.js';
import type { ManualClock } from '../testing/manual-clock.js';

/** An app whose commands take time, and write down that they were decided. */
export function slowApp(clock: ManualClock, decided: string[]) {
  return defineApp({
    name: 'slow',
    commands: {
      work(_pstate, { name, ms }: { name: string; ms: number }, { spaceName }) {
        clock.pass(ms);
        decided.push(`${spaceName} ${name}`);
        return [{ entityId: 'e', type: 'worked', payload: name }];
      },
    },
    projections: {
      worked: (pstate, { payload, spaceSequence }) => pstate.put(`work:${spaceSequence}`, payload),
    },
    queries: { done: (pstate) => pstate.size },
  });
}

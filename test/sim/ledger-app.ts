/** A small app whose projections show every mistake: applying an event twice, losing it, or reordering changes the state. */

import { defineApp } from '../../src/core/define-app.js';
import { reject } from '../../src/core/rejection.js';

export interface Entry {
  readonly marker: string;
  readonly amount: number;
}

export const ledger = defineApp({
  name: 'ledger',
  commands: {
    add: (_pstate, entry: Entry) => [{ entityId: 'ledger', type: 'added', payload: entry }],
    addAll: (_pstate, { entries }: { entries: readonly Entry[] }) =>
      entries.map((entry) => ({ entityId: 'ledger', type: 'added', payload: entry })),
    /** Refused while the number of entries is odd: a rejection that depends on what it could see. */
    addIfEven(pstate, entry: Entry) {
      const count = pstate.get<number>('count') ?? 0;
      if (count % 2 === 1) return reject('odd', { count });
      return [{ entityId: 'ledger', type: 'added', payload: entry }];
    },
    /** Removes an entry, so that tombstones take part. */
    remove(pstate, { marker, removed }: { marker: string; removed: string }) {
      if (!pstate.has(`entry:${removed}`)) return reject('absent', { removed });
      return [{ entityId: 'ledger', type: 'removed', payload: { marker, removed } }];
    },
    nothing: () => [],
  },
  projections: {
    added(pstate, { payload, spaceSequence }) {
      pstate.update<number>('count', (count = 0) => count + 1);
      pstate.update<number>('total', (total = 0) => total * 3 + payload.amount);
      pstate.put(`entry:${payload.marker}`, { amount: payload.amount, spaceSequence });
      pstate.put('last', spaceSequence);
    },
    removed(pstate, { payload, spaceSequence }) {
      pstate.update<number>('count', (count = 0) => count - 1);
      pstate.delete(`entry:${payload.removed}`);
      pstate.put('last', spaceSequence);
    },
  },
  views: {
    amounts: {
      version: 1,
      on: {
        added(view, { payload }) {
          view.update<number>(`amount:${payload.amount}`, (times = 0) => times + 1);
        },
      },
    },
  },
  queries: {
    everything: (pstate) => Object.fromEntries(pstate.entries()),
    amounts: (_pstate, _params: undefined, { views }) => Object.fromEntries(views.amounts.entries()),
  },
});

/** A small app whose projections show every mistake: applying an event twice, losing it, or reordering changes the state. */

import { defineApp } from '../../src/core/define-app.js';
import { reject } from '../../src/core/rejection.js';

export interface Entry {
  readonly marker: string;
  readonly amount: number;
}

/** What may be different in another release of the app. */
export interface LedgerRelease {
  /** The version of the view of amounts; it counts each of them so often, so that every version has another state. */
  readonly version: number;
  /** The view of amounts throws on this one. */
  readonly refused?: number;
}

/** The ledger in this release. */
export function ledgerOf({ version, refused }: LedgerRelease) {
  return defineApp({
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
        version,
        on:
          refused === undefined
            ? {
                added(view, { payload }) {
                  view.update<number>(`amount:${payload.amount}`, (times = 0) => times + version);
                },
              }
            : {
                added(view, { payload }) {
                  if (payload.amount === refused) throw new RangeError('this amount is refused');
                  view.update<number>(`amount:${payload.amount}`, (times = 0) => times + version);
                },
              },
      },
    },
    queries: {
      everything: (pstate) => Object.fromEntries(pstate.entries()),
      /** Both views as they are at one moment. */
      picture: (pstate, _params: undefined, { views }) => ({
        main: Object.fromEntries(pstate.entries()),
        amounts: Object.fromEntries(views.amounts.entries()),
      }),
      amounts: (_pstate, _params: undefined, { views }) => Object.fromEntries(views.amounts.entries()),
    },
  });
}

export const ledger = ledgerOf({ version: 1 });

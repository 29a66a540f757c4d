/**
 * The app of the torture suite. Its state shows every mistake: an event that is applied twice, left out, or out of order
 * changes the total. Its folds are written down a second time in `checker/fold.ts`, which must not import this file.
 */

import { defineApp, reject } from 'ramax';

/** What an event carries: which command made it, and which of its parts it is. */
export interface Mark {
  readonly marker: string;
  readonly part: number;
  readonly parts: number;
  readonly key: string;
  readonly amount: number;
  /** Ballast, so that pages fill. */
  readonly filling?: string;
}

/** What every command takes. */
export interface Entry {
  readonly marker: string;
  readonly key: string;
  readonly amount: number;
  readonly parts?: number;
  readonly filling?: string;
}

function marksOf({ marker, key, amount, parts = 1, filling }: Entry): Mark[] {
  return Array.from({ length: parts }, (_, part) => ({
    marker,
    part,
    parts,
    key: parts === 1 ? key : `${key}.${part}`,
    amount: amount + part,
    ...(filling === undefined ? {} : { filling }),
  }));
}

export default defineApp({
  name: 'torture',
  commands: {
    /** One event or several, all or none. */
    put: (_pstate, entry: Entry) =>
      marksOf(entry).map((mark) => ({ entityId: `entry:${mark.key}`, type: 'put', payload: mark })),
    /** Refused where there is nothing. */
    remove(pstate, entry: Entry) {
      if (!pstate.has(`entry:${entry.key}`)) return reject('absent', { key: entry.key });
      return marksOf(entry).map((mark) => ({
        entityId: `entry:${mark.key}`,
        type: 'removed',
        payload: mark,
      }));
    },
    /** Refused while the number of applied events is odd: a rejection that depends on what it could see. */
    putIfEven(pstate, entry: Entry) {
      const applied = pstate.get<number>('applied') ?? 0;
      if (applied % 2 === 1) return reject('odd', { applied });
      return marksOf(entry).map((mark) => ({ entityId: `entry:${mark.key}`, type: 'put', payload: mark }));
    },
    /** Accepted without an event. */
    nothing: (_pstate, _entry: Entry) => [],
    /** Always refused. */
    refuse: (_pstate, { marker }: Entry) => reject('refused', { marker }),
  },
  projections: {
    put(pstate, { payload, spaceSequence }) {
      pstate.update<number>('applied', (applied = 0) => applied + 1);
      pstate.update<number>('total', (total = 7) => (total * 31 + payload.amount) % 1_000_003);
      pstate.put('last', spaceSequence);
      pstate.put(`entry:${payload.key}`, { amount: payload.amount, spaceSequence, marker: payload.marker });
    },
    removed(pstate, { payload, spaceSequence }) {
      pstate.update<number>('applied', (applied = 0) => applied + 1);
      pstate.update<number>('total', (total = 7) => (total * 37 + payload.amount) % 1_000_003);
      pstate.put('last', spaceSequence);
      pstate.delete(`entry:${payload.key}`);
    },
  },
  views: {
    amounts: {
      version: 1,
      on: {
        put(view, { payload, spaceSequence }) {
          view.update<{ times: number; last: number }>(`amount:${payload.amount % 20}`, (before) => ({
            times: (before?.times ?? 0) + 1,
            last: spaceSequence,
          }));
        },
      },
    },
  },
  queries: {
    everything: (pstate, _params: undefined, { views }) => ({
      main: [...pstate.entries()],
      amounts: [...views.amounts.entries()],
    }),
    last: (pstate) => pstate.get<number>('last') ?? 0,
  },
});

/** A bank, sound or with one of the mistakes that apps make. */

import { defineApp } from '../../src/core/define-app.js';
import { reject } from '../../src/core/rejection.js';

/** What is wrong with a bank. */
export type Mistake =
  | 'a command that reads the clock'
  | 'a command that draws lots'
  | 'a command that remembers'
  | 'a command that throws'
  | 'a projection that counts outside'
  | 'a projection that reads the clock'
  | 'a projection that throws'
  | 'a view that counts outside'
  | 'a cache in the module'
  | 'an overdraft';

export interface Transfer {
  readonly id: string;
  readonly from: string;
  readonly to: string;
  readonly amount: number;
}

/** Money that every account begins with. */
export const opening = 100;
export const accounts = ['ann', 'ben', 'cleo'] as const;

/** The bank; every call gives one whose memory, where it has one, is its own. */
export function bankWith(mistake?: Mistake) {
  let counter = 0;
  const remembered = new Set<string>();
  const balances = new Map<string, number>();
  return defineApp({
    name: 'bank',
    commands: {
      transfer(pstate, transfer: Transfer) {
        if (mistake === 'a command that throws' && transfer.amount === 13) throw new RangeError('13');
        if (mistake === 'a command that remembers') {
          if (remembered.has(transfer.from)) return reject('busy');
          remembered.add(transfer.from);
        }
        const known = pstate.get<number>(transfer.from) ?? opening;
        const balance =
          mistake === 'a cache in the module' ? (balances.get(transfer.from) ?? opening) : known;
        if (balance < transfer.amount && mistake !== 'an overdraft') return reject('too_poor', { balance });
        const at =
          mistake === 'a command that reads the clock'
            ? Date.now()
            : mistake === 'a command that draws lots'
              ? Math.floor(Math.random() * 1e9)
              : 0;
        return [{ entityId: `transfer:${transfer.id}`, type: 'moved', payload: { ...transfer, at } }];
      },
    },
    projections: {
      moved(pstate, { payload: { from, to, amount } }) {
        if (mistake === 'a projection that throws' && amount === 13) throw new RangeError('13');
        pstate.update<number>(from, (balance = opening) => balance - amount);
        pstate.update<number>(to, (balance = opening) => balance + amount);
        balances.set(from, (balances.get(from) ?? opening) - amount);
        balances.set(to, (balances.get(to) ?? opening) + amount);
        if (mistake === 'a projection that counts outside') pstate.put('transfers', ++counter);
        if (mistake === 'a projection that reads the clock') pstate.put('at', Date.now());
      },
    },
    views: {
      times: {
        version: 1,
        on: {
          moved(view, { payload: { id } }) {
            view.update<number>(id, (times = 0) => times + 1);
            if (mistake === 'a view that counts outside') view.put('place', ++counter);
          },
        },
      },
    },
    queries: {
      balance: (pstate, account: string) => pstate.get<number>(account) ?? opening,
      timesOf: (_pstate, id: string, { views }) => views.times.get<number>(id) ?? 0,
    },
  });
}

export type Bank = ReturnType<typeof bankWith>;

/** The ledger of the simulation, and what its state must be: a fold written anew, straight from the log. */

import { decodeValue } from '../../src/codec/value-codec.js';
import type { StoredEvent } from '../../src/event-store/port.js';
import { type Entry, ledger } from '../sim/ledger-app.js';

export { ledger };

/** An entry of the ledger. */
export function entry(marker: string | number, amount = 1): Entry {
  return { marker: String(marker), amount };
}

/** What the query `everything` must answer after these events. */
export function folded(events: readonly StoredEvent[]): Record<string, unknown> {
  const state: Record<string, unknown> = {};
  for (const { type, payload, spaceSequence } of events) {
    const fact = decodeValue(payload) as { marker: string; amount: number; removed: string };
    const [count, total] = [Number(state['count'] ?? 0), Number(state['total'] ?? 0)];
    state['last'] = spaceSequence;
    if (type === 'added') {
      state['count'] = count + 1;
      state['total'] = total * 3 + fact.amount;
      state[`entry:${fact.marker}`] = { amount: fact.amount, spaceSequence };
    } else {
      state['count'] = count - 1;
      delete state[`entry:${fact.removed}`];
    }
  }
  return state;
}

/** What the query `amounts` must answer after these events. */
export function foldedAmounts(events: readonly StoredEvent[]): Record<string, number> {
  const times: Record<string, number> = {};
  for (const { type, payload } of events) {
    if (type !== 'added') continue;
    const key = `amount:${(decodeValue(payload) as { amount: number }).amount}`;
    times[key] = (times[key] ?? 0) + 1;
  }
  return times;
}

/** The markers of events, in order. */
export function markers(events: readonly StoredEvent[]): string[] {
  return events.map(({ payload }) => (decodeValue(payload) as { marker: string }).marker);
}

/** Claims and their amounts, counted together. */

import type { PStateWriter } from 'ramax';

export interface Total {
  readonly claims: number;
  readonly amountCents: number;
}

const nothing: Total = { claims: 0, amountCents: 0 };

/** Adds or takes away one claim; a total that comes down to none leaves no key behind. */
export function count(view: PStateWriter, key: string, sign: 1 | -1, amountCents: number): void {
  const total = view.get<Total>(key) ?? nothing;
  const claims = total.claims + sign;
  if (claims === 0) view.delete(key);
  else view.put(key, { claims, amountCents: total.amountCents + sign * amountCents });
}

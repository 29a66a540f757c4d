/** Summaries of departments, added up and counted again. Pure arithmetic on integer cents. */

import { type Claim, isOpen, statusOf } from './claim.js';
import type { Summary } from './claims.app.js';

/** The summary of all departments together, statuses in the order of their names. */
export function addSummaries(summaries: Iterable<Summary>): Summary {
  const statuses = new Map<string, { claims: number; amountCents: number }>();
  let openClaims = 0;
  for (const summary of summaries) {
    openClaims += summary.openClaims;
    for (const { status, claims, amountCents } of summary.statuses)
      add(statuses, status, claims, amountCents);
  }
  return summaryFrom(statuses, openClaims);
}

/** The summary that these claims must have, counted one by one. */
export function countClaims(claims: Iterable<Claim>): Summary {
  const statuses = new Map<string, { claims: number; amountCents: number }>();
  let openClaims = 0;
  for (const claim of claims) {
    if (isOpen(claim.phase)) openClaims++;
    add(statuses, statusOf(claim), 1, claim.amountCents);
  }
  return summaryFrom(statuses, openClaims);
}

type Totals = Map<string, { claims: number; amountCents: number }>;

function add(statuses: Totals, status: string, claims: number, amountCents: number): void {
  const total = statuses.get(status) ?? { claims: 0, amountCents: 0 };
  statuses.set(status, { claims: total.claims + claims, amountCents: total.amountCents + amountCents });
}

function summaryFrom(totals: Totals, openClaims: number): Summary {
  const sorted = [...totals].sort(([left], [right]) => (left < right ? -1 : 1));
  const statuses = sorted.map(([status, total]) => ({ status, ...total }));
  return {
    claims: statuses.reduce((sum, { claims }) => sum + claims, 0),
    amountCents: statuses.reduce((sum, { amountCents }) => sum + amountCents, 0),
    openClaims,
    statuses,
  };
}

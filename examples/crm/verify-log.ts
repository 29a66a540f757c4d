/**
 * Holds a file of acknowledged commands against a data directory: every promise that somebody outside was given is
 * kept, once and at its place. Run after a kill; says its verdict in one line of JSON.
 */

import { isDeepStrictEqual } from 'node:util';
import type { StartOptions } from '../demo/run-context.js';
import { readAcknowledgements } from './acknowledged-log.js';
import { compareSpace, type Faults, noFaults, sumOf } from './compare-space.js';
import { readTenant, startCrm, type Tenant } from './start-crm.js';

/** The one line. */
export interface Verdict extends Faults {
  readonly ok: boolean;
  readonly acknowledged: number;
  readonly unreadableLines: number;
  readonly spaces: number;
  readonly events: number;
}

/** Starts the CRM on the directory and holds it against the file, space by space. */
export async function verifyLog(file: string, options: StartOptions): Promise<Verdict> {
  const { bySpace, unreadableLines } = await readAcknowledgements(file);
  await using crm = await startCrm(options);
  const names = new Set((await crm.spaces.list()).map(({ spaceName }) => spaceName));
  for (const space of bySpace.keys()) names.add(space);
  let events = 0;
  let faults = noFaults;
  for (const name of names) {
    const acknowledgements = bySpace.get(name) ?? [];
    const tenant = await crm.spaces.findByName(name);
    const found = tenant && (await compareSpace(acknowledgements, tenant.streamEvents({ from: 0 })));
    events += found?.events ?? 0;
    faults = sumOf(faults, found ?? { ...noFaults, missing: acknowledgements.length });
    if (tenant && !(await isFold(tenant))) faults = { ...faults, notFolded: faults.notFolded + 1 };
  }
  const acknowledged = [...bySpace.values()].reduce((sum, { length }) => sum + length, 0);
  const ok = Object.values(faults).every((count) => count === 0);
  return { ok, acknowledged, unreadableLines, spaces: names.size, events, ...faults };
}

async function isFold(tenant: Tenant): Promise<boolean> {
  const live = await readTenant(tenant);
  await tenant.rebuild();
  return isDeepStrictEqual(await readTenant(tenant), live);
}

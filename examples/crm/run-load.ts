/**
 * The demo's first run: a seeded load over many tenants, then every promise held against what happened, also across a
 * restart.
 */

import { formatCount } from '../demo/format.js';
import type { Check, Report, Row } from '../demo/report.js';
import type { RunContext } from '../demo/run-context.js';
import {
  checkRebuild,
  checkRestart,
  checkSequences,
  type SpacePicture,
  takePictures,
} from '../demo/space-checks.js';
import { answerRows, checkAnswers, commitRows, speedRows } from '../demo/traffic-report.js';
import { checkPlan } from './check-plan.js';
import { type SentLoad, sendLoad } from './send-load.js';
import { type Crm, openTenants, readTenant, startCrm, type Tenant } from './start-crm.js';

type Pictures = ReadonlyMap<string, SpacePicture>;

/** Sends the load, checks, restarts, checks again. */
export async function runLoad(context: RunContext): Promise<Report> {
  const { options, directory, signal } = context;
  const rows: Row[] = [{ label: 'tenants', value: formatCount(options.tenants) }];
  const checks: Check[] = [];
  let pictures: Pictures | undefined;
  {
    await using crm = await startCrm({ directory, shards: options.shards });
    const tenants = await openTenants(crm, options.tenants);
    const sent = await sendLoad(context, tenants);
    rows.push(...(await figures(crm, sent)));
    checks.push(checkAnswers(sent.tally, sent.failure), checkPlan(sent.planned, sent.tally));
    if (sent.failure === undefined && !signal.aborted) {
      // A directory that the user named may hold events of earlier runs; a fresh one must hold exactly these.
      const expectedEvents = options.directory === undefined ? sent.tally.events : undefined;
      pictures = await checkLive(tenants, expectedEvents, checks);
    }
  }
  if (pictures !== undefined && !signal.aborted) checks.push(await checkAfterRestart(context, pictures));
  return { title: 'Ramax: a CRM for many tenants', rows, checks, notes: [] };
}

async function figures(crm: Crm, { tally, elapsedMs, failure }: SentLoad): Promise<Row[]> {
  const rows = [...answerRows(tally), ...speedRows(tally, elapsedMs)];
  if (failure !== undefined) return rows;
  const { writer } = await crm.stats();
  return [...rows, ...commitRows(tally, writer)];
}

async function checkLive(
  tenants: readonly Tenant[],
  expectedEvents: number | undefined,
  checks: Check[],
): Promise<Pictures> {
  const { check, lastSequences } = await checkSequences(tenants, expectedEvents);
  checks.push(check, await checkRebuild([busiestOf(tenants, lastSequences)], readTenant));
  return takePictures(tenants, readTenant, lastSequences);
}

/** One tenant is rebuilt: the one with most events. */
function busiestOf(tenants: readonly Tenant[], lastSequences: ReadonlyMap<string, number>): Tenant {
  const sequenceOf = ({ spaceName }: Tenant) => lastSequences.get(spaceName) ?? 0;
  return tenants.reduce((busiest, tenant) => (sequenceOf(tenant) > sequenceOf(busiest) ? tenant : busiest));
}

async function checkAfterRestart({ options, directory }: RunContext, pictures: Pictures): Promise<Check> {
  await using crm = await startCrm({ directory, shards: options.shards });
  // Awaited here: a promise that is returned as it is would be waited for after the runtime has closed.
  return await checkRestart(pictures, await openTenants(crm, options.tenants), readTenant);
}

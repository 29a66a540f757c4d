/** What every run of the claims checks at its end: of whole departments, whichever way their events came. */

import { isDeepStrictEqual } from 'node:util';
import { formatCounted } from '../demo/format.js';
import type { Entry } from '../demo/page.js';
import type { Check } from '../demo/report.js';
import type { RunContext } from '../demo/run-context.js';
import {
  checkRebuild,
  checkRestart,
  checkSequences,
  type SpacePicture,
  takePictures,
} from '../demo/space-checks.js';
import type { Claim } from './claim.js';
import { type Department, readDepartment, startClaims } from './start-claims.js';
import { countClaims } from './summaries.js';
import { countOpenStages, decisionsOf } from './workload.js';

/** What departments have shown, by their names. */
export type Pictures = ReadonlyMap<string, SpacePicture>;

/** Holds the departments against their logs; gives what they show, to be compared after a restart. */
export async function checkLive(
  departments: readonly Department[],
  expectedEvents: number | undefined,
  checks: Check[],
): Promise<Pictures> {
  const { check, lastSequences } = await checkSequences(departments, expectedEvents);
  checks.push(check, await checkRebuild(departments, readDepartment), await checkSummaries(departments));
  checks.push(await checkWorkloads(departments));
  return takePictures(departments, readDepartment, lastSequences);
}

/** The counters that the projections keep are what counting the claims one by one gives. */
async function checkSummaries(departments: readonly Department[]): Promise<Check> {
  const says = 'every summary is what counting the claims one by one gives';
  for (const department of departments) {
    const { main, summary } = await readDepartment(department);
    if (isDeepStrictEqual(countClaims(claimsIn(main)), summary)) continue;
    return { says, holds: false, seen: `${department.spaceName} differs` };
  }
  return { says, holds: true, seen: formatCounted(departments.length, 'space') };
}

/** The further view agrees with the claims of the main view and with the log. */
async function checkWorkloads(departments: readonly Department[]): Promise<Check> {
  const says = 'every workload is what the claims and the log say';
  let decisions = 0;
  for (const department of departments) {
    const { main, openByPhase, roles } = await readDepartment(department);
    const inLog = await countDecisions(department.streamEvents());
    const inView = roles.reduce((sum, work) => sum + decisionsOf(work), 0);
    if (!isDeepStrictEqual(countOpenStages(claimsIn(main)), openByPhase) || inLog !== inView) {
      return { says, holds: false, seen: `${department.spaceName} differs` };
    }
    decisions += inLog;
  }
  return { says, holds: true, seen: formatCounted(decisions, 'decision') };
}

async function countDecisions(events: AsyncIterable<{ readonly type: string }>): Promise<number> {
  let decisions = 0;
  for await (const { type } of events) if (isDecision(type)) decisions++;
  return decisions;
}

function isDecision(type: string): boolean {
  return type === 'claim.approved' || type === 'claim.finalApproved' || type === 'claim.rejected';
}

function claimsIn(main: readonly Entry[]): Claim[] {
  const claims = main.filter(([key]) => key.startsWith('claim:'));
  return claims.map(([, value]) => value as unknown as Claim);
}

/** They show it still. */
export async function checkAfterRestart(
  { options, directory }: RunContext,
  pictures: Pictures,
): Promise<Check> {
  await using claims = await startClaims({ directory, shards: options.shards });
  const names = [...pictures.keys()];
  const departments = await Promise.all(names.map((name) => claims.spaces.getOrCreate(name)));
  // Awaited here: a promise that is returned as it is would be waited for after the runtime has closed.
  return await checkRestart(pictures, departments, readDepartment);
}

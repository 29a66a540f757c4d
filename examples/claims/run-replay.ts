/** The demo's second run: replays a workflow log, then holds every promise against what happened. */

import { isDeepStrictEqual } from 'node:util';
import { formatCents, formatCount, formatCounted } from '../demo/format.js';
import type { Entry } from '../demo/page.js';
import type { Check, Report, Row } from '../demo/report.js';
import type { RunContext } from '../demo/run-context.js';
import {
  checkRebuild,
  checkRestart,
  checkSequences,
  type SpacePicture,
  takePictures,
} from '../demo/space-checks.js';
import { TextFile } from '../demo/text-file.js';
import { answerRows, checkAnswers, commitRows, speedRows } from '../demo/traffic-report.js';
import type { Claim } from './claim.js';
import type { BadLine } from './claim-rows.js';
import type { Summary } from './claims.app.js';
import { Replay } from './replay.js';
import { type Claims, type Department, readDepartment, startClaims } from './start-claims.js';
import { addSummaries, countClaims } from './summaries.js';
import { addWorkloads, countOpenStages, decisionsOf, type RoleWork } from './workload.js';

type Pictures = ReadonlyMap<string, SpacePicture>;

/** Bad lines that are shown one by one; the rest are counted. */
const badLinesShownMax = 20;

/** Replays the file, checks, restarts, checks again. */
export async function runReplay(csv: string, context: RunContext): Promise<Report> {
  const { options, directory, signal } = context;
  const file = await TextFile.open(csv);
  const rows: Row[] = [];
  const checks: Check[] = [];
  const notes: string[] = [];
  let pictures: Pictures | undefined;
  {
    await using claims = await startClaims({ directory, shards: options.shards });
    const replay = new Replay(claims, file, context);
    const elapsedMs = await replay.run();
    rows.push(...(await figures(claims, replay, elapsedMs)));
    notes.push(...badLineNotes(replay.badLines));
    checks.push(checkAnswers(replay.tally, replay.failure), checkRowCount(replay));
    if (!signal.aborted) checks.push(checkReading(replay));
    if (replay.failure === undefined && !signal.aborted) {
      // A directory that the user named may hold events of other files; a fresh one must hold exactly these.
      const expectedEvents = options.directory === undefined ? replay.eventIds.size : undefined;
      pictures = await checkLive([...replay.departments.values()], expectedEvents, checks);
    }
  }
  if (pictures !== undefined && !signal.aborted) checks.push(await checkAfterRestart(context, pictures));
  return { title: `Ramax: requests for payment, replayed from ${csv}`, rows, checks, notes };
}

async function figures(claims: Claims, replay: Replay, elapsedMs: number): Promise<Row[]> {
  const { tally, rowCount, badLines, departments, failure } = replay;
  const rows = [
    { label: 'rows', value: formatCount(rowCount) },
    { label: 'bad lines', value: formatCount(badLines.length) },
    ...answerRows(tally),
    ...speedRows(tally, elapsedMs),
  ];
  if (failure !== undefined) return rows;
  const { writer } = await claims.stats();
  const all = [...departments.values()];
  const summaries = await Promise.all(all.map((each) => each.query('summary')));
  const works = await Promise.all(all.map((each) => each.query('workload')));
  rows.push(...commitRows(tally, writer), { label: 'departments', value: formatCount(departments.size) });
  return [...rows, ...summaryRows(addSummaries(summaries)), ...workRows(addWorkloads(works.flat()))];
}

function workRows(works: readonly RoleWork[]): Row[] {
  const total = works.reduce((sum, work) => sum + decisionsOf(work), 0);
  return [
    { label: 'decisions', value: formatCount(total) },
    ...works.map((work) => {
      const value = `${formatCount(decisionsOf(work))}, ${formatCount(work.rejected)} against`;
      return { label: work.role.replaceAll('_', ' '), value, depth: 1 as const };
    }),
  ];
}

function summaryRows({ claims, openClaims, amountCents, statuses }: Summary): Row[] {
  return [
    { label: 'claims', value: formatCount(claims) },
    { label: 'open claims', value: formatCount(openClaims) },
    { label: 'amount', value: formatCents(amountCents) },
    ...statuses.map((total) => {
      const value = `${formatCounted(total.claims, 'claim')}  ${formatCents(total.amountCents).padStart(14)}`;
      return { label: total.status.replaceAll('_', ' '), value, depth: 1 as const };
    }),
  ];
}

function badLineNotes(badLines: readonly BadLine[]): string[] {
  const notes = badLines.slice(0, badLinesShownMax).map(({ line, problem }) => `line ${line}: ${problem}`);
  const more = badLines.length - notes.length;
  return more === 0 ? notes : [...notes, `and ${formatCounted(more, 'more bad line')}`];
}

function checkRowCount({ tally, rowCount, badLines }: Replay): Check {
  const accounted = tally.accepted + tally.rejected + badLines.length;
  const parts = [tally.accepted, tally.rejected, badLines.length].map(formatCount).join(' + ');
  return {
    says: 'rows = accepted + rejected + bad lines',
    holds: accounted === rowCount,
    seen: `${formatCount(rowCount)} = ${parts}`,
  };
}

function checkReading({ failure, readFailure, rowCount }: Replay): Check {
  const says = 'the file was read to its end';
  if (readFailure !== undefined) {
    return {
      says,
      holds: false,
      seen: readFailure instanceof Error ? readFailure.message : String(readFailure),
    };
  }
  return { says, holds: failure === undefined, seen: formatCounted(rowCount, 'row') };
}

async function checkLive(
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

async function checkAfterRestart({ options, directory }: RunContext, pictures: Pictures): Promise<Check> {
  await using claims = await startClaims({ directory, shards: options.shards });
  const names = [...pictures.keys()];
  const departments = await Promise.all(names.map((name) => claims.spaces.getOrCreate(name)));
  // Awaited here: a promise that is returned as it is would be waited for after the runtime has closed.
  return await checkRestart(pictures, departments, readDepartment);
}

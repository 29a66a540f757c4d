/** The demo's second run: replays a workflow log, then holds every promise against what happened. */

import { formatCount, formatCounted } from '../demo/format.js';
import type { Check, Report, Row } from '../demo/report.js';
import type { RunContext } from '../demo/run-context.js';
import { TextFile } from '../demo/text-file.js';
import { answerRows, checkAnswers, commitRows, speedRows } from '../demo/traffic-report.js';
import { checkAfterRestart, checkLive, type Pictures } from './check-claims.js';
import { badLineNotes, departmentRows } from './claims-report.js';
import { Replay } from './replay.js';
import { type Claims, startClaims } from './start-claims.js';

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
  return [...rows, ...commitRows(tally, writer), ...(await departmentRows([...departments.values()]))];
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

/**
 * The demo's third run: imports a workflow log as the history that it is, twice, and holds every promise against what happened. An
 * import that was interrupted is simply run again on the same directory.
 */

import { basename } from 'node:path';
import { type HistoryProgress, RamaxError } from 'ramax';
import { formatCount, formatCounted, formatRate, formatSeconds } from '../demo/format.js';
import { showProgress } from '../demo/progress.js';
import type { Check, Report, Row } from '../demo/report.js';
import type { RunContext } from '../demo/run-context.js';
import { TextFile } from '../demo/text-file.js';
import { checkAfterRestart, checkLive, type Pictures } from './check-claims.js';
import { badLineNotes, departmentRows } from './claims-report.js';
import { History } from './history.js';
import { type Claims, startClaims } from './start-claims.js';

/** Imports the file, and again; checks, restarts, checks again. */
export async function runImport(csv: string, context: RunContext): Promise<Report> {
  const { options, directory, signal } = context;
  const rows: Row[] = [];
  const checks: Check[] = [];
  const notes: string[] = [];
  let pictures: Pictures | undefined;
  {
    await using claims = await startClaims({ directory, shards: options.shards });
    const first = await importOnce(claims, csv, context);
    rows.push(...figures(first));
    notes.push(...badLineNotes(first.history.badLines));
    if (!first.isAborted) {
      const again = await importOnce(claims, csv, context);
      const departments = [...first.history.departments.values()];
      checks.push(checkRows(first), await checkTimes(first.history), checkRepeated(first, again));
      pictures = await checkLive(departments, undefined, checks);
      rows.push(...(await departmentRows(departments)));
    }
  }
  if (pictures !== undefined && !signal.aborted) checks.push(await checkAfterRestart(context, pictures));
  return { title: `Ramax: requests for payment, imported from ${csv}`, rows, checks, notes };
}

interface Import {
  readonly history: History;
  readonly progress: HistoryProgress;
  readonly elapsedMs: number;
  readonly isAborted: boolean;
}

/** Named after its file: the same file on the same directory goes on where it was. */
async function importOnce(claims: Claims, csv: string, { options, signal }: RunContext): Promise<Import> {
  const file = await TextFile.open(csv);
  const history = new History(claims, file);
  let progress: HistoryProgress = { itemsRead: 0, eventsAppended: 0, eventsSkipped: 0, spaces: 0 };
  const startedMs = performance.now();
  const shown = showProgress(
    () => ({
      done: file.bytesRead,
      total: file.bytes,
      note: formatCounted(progress.itemsRead, 'row'),
    }),
    options,
  );
  const onProgress = (now: HistoryProgress): void => {
    progress = now;
  };
  const settled = (isAborted: boolean): Import => {
    return { history, progress, elapsedMs: performance.now() - startedMs, isAborted };
  };
  try {
    progress = await claims.importEvents(history.items(), { name: basename(csv), onProgress, signal });
    return settled(false);
  } catch (error) {
    if (error instanceof RamaxError && error.code === 'aborted') return settled(true);
    throw error;
  } finally {
    shown.stop();
  }
}

function figures({ history, progress, elapsedMs }: Import): Row[] {
  return [
    { label: 'rows', value: formatCount(history.rowCount) },
    { label: 'bad lines', value: formatCount(history.badLines.length) },
    { label: 'imported', value: formatCount(progress.eventsAppended) },
    { label: 'there before', value: formatCount(progress.eventsSkipped) },
    { label: 'elapsed', value: formatSeconds(elapsedMs) },
    { label: 'throughput', value: formatRate(progress.itemsRead, elapsedMs) },
  ];
}

function checkRows({ history, progress }: Import): Check {
  const { eventsAppended, eventsSkipped } = progress;
  const parts = [eventsAppended, eventsSkipped, history.badLines.length];
  return {
    says: 'rows = imported + there before + bad lines',
    holds: parts.reduce((sum, part) => sum + part, 0) === history.rowCount,
    seen: `${formatCount(history.rowCount)} = ${parts.map(formatCount).join(' + ')}`,
  };
}

/** Every row is one event, in the order of the file, with the time of the row. */
async function checkTimes({ departments, times }: History): Promise<Check> {
  const says = 'every row is one event, in order, with its own time';
  let rows = 0;
  for (const [name, due] of times) {
    const department = departments.get(name);
    let at = 0;
    for await (const { type, timestamp } of department?.streamEvents() ?? []) {
      if (!type.startsWith('claim.')) continue;
      if (timestamp !== due[at]) return { says, holds: false, seen: `${name}: row ${at + 1} differs` };
      at++;
    }
    if (at !== due.length) return { says, holds: false, seen: `${name}: ${at} of ${due.length} rows` };
    rows += at;
  }
  return { says, holds: true, seen: formatCounted(rows, 'event') };
}

function checkRepeated(first: Import, { progress }: Import): Check {
  const known = first.progress.eventsAppended + first.progress.eventsSkipped;
  return {
    says: 'imported once more, nothing is appended',
    holds: progress.eventsAppended === 0 && progress.eventsSkipped === known,
    seen: `${formatCount(progress.eventsAppended)} of ${formatCount(progress.itemsRead)}`,
  };
}

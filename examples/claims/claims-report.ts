/** The part of a report that both runs of the claims share: what the departments have on their desks, and bad lines. */

import { formatCents, formatCount, formatCounted } from '../demo/format.js';
import type { Row } from '../demo/report.js';
import type { BadLine } from './claim-rows.js';
import type { Summary } from './claims.app.js';
import type { Department } from './start-claims.js';
import { addSummaries } from './summaries.js';
import { addWorkloads, decisionsOf, type RoleWork } from './workload.js';

/** Bad lines that are shown one by one; the rest are counted. */
const badLinesShownMax = 20;

/** All departments together. */
export async function departmentRows(departments: readonly Department[]): Promise<Row[]> {
  const summaries = await Promise.all(departments.map((each) => each.query('summary')));
  const works = await Promise.all(departments.map((each) => each.query('workload')));
  return [
    { label: 'departments', value: formatCount(departments.length) },
    ...summaryRows(addSummaries(summaries)),
    ...workRows(addWorkloads(works.flat())),
  ];
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

/** The first bad lines one by one, and how many more there are. */
export function badLineNotes(badLines: readonly BadLine[]): string[] {
  const notes = badLines.slice(0, badLinesShownMax).map(({ line, problem }) => `line ${line}: ${problem}`);
  const more = badLines.length - notes.length;
  return more === 0 ? notes : [...notes, `and ${formatCounted(more, 'more bad line')}`];
}

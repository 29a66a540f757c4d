/** The summary that a person reads at the end: a table of figures and a list of checks. */

import Table from 'cli-table3';
import type pc from 'picocolors';

/** Colours, or none. */
export type Colors = ReturnType<typeof pc.createColors>;

/** One promise that was held against what happened. */
export interface Check {
  readonly says: string;
  readonly holds: boolean;
  /** What was seen: numbers when it holds, the first difference when it does not. */
  readonly seen: string;
}

/** A line of the table; `depth` 1 sets it under the one before. */
export interface Row {
  readonly label: string;
  readonly value: string;
  readonly depth?: 0 | 1;
}

/** What a run hands to the reader. */
export interface Report {
  readonly title: string;
  readonly rows: readonly Row[];
  readonly checks: readonly Check[];
  /** Things to know besides, such as lines that could not be read. */
  readonly notes: readonly string[];
}

/** Whether every check of a report holds. */
export function allHold(report: Report): boolean {
  return report.checks.every((check) => check.holds);
}

/** The report as text, with or without colours. */
export function reportText({ title, rows, checks, notes }: Report, colors: Colors): string {
  const parts = [
    colors.bold(title),
    tableText(rows, colors),
    ...notes.map((note) => colors.yellow(note)),
    ...checks.map((check) => checkText(check, colors)),
  ];
  return `${parts.join('\n')}\n`;
}

/** Rows as a table. */
export function tableText(rows: readonly Row[], colors: Colors): string {
  // The table's own colours stay off: it would print them whatever NO_COLOR says.
  const table = new Table({ colAligns: ['left', 'right'], style: { head: [], border: [], compact: true } });
  for (const { label, value, depth = 0 } of rows) {
    table.push(depth === 0 ? [label, value] : [colors.dim(`  ${label}`), colors.dim(value)]);
  }
  return table.toString();
}

/** A check as a line: green when it holds, red with what was seen when it does not. */
export function checkText({ says, holds, seen }: Check, colors: Colors): string {
  if (holds) return `${colors.green('✔')} ${says} ${colors.dim(`(${seen})`)}`;
  return colors.red(`✘ ${says}: ${seen}`);
}

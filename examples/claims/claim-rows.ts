/**
 * The rows of a workflow log: one line of CSV, checked and given types. Everything that can be wrong with a line is
 * found here and reported with the line's number; a bad line is skipped and never stops the file.
 *
 * A record is one line: with it, a stray quote spoils its own line and not the rest of the file.
 */

import { parse } from 'csv-parse/sync';
import { InputError } from '../demo/command-line.js';
import { lineCharsMax, type TextFile } from '../demo/text-file.js';
import { type Activity, activityOf } from './activities.js';
import type { ClaimStep } from './claim.js';

/** A line that could be read. */
export interface ClaimRow {
  readonly line: number;
  /** The department: one space each. */
  readonly spaceName: string;
  readonly activity: Activity;
  readonly step: ClaimStep;
}

/** A line that could not, and why, in words. */
export interface BadLine {
  readonly line: number;
  readonly problem: string;
}

/** The columns that a row is made of; a file may have more. */
const columns = ['timestamp', 'space', 'entity', 'step', 'activity', 'amount'] as const;

type Column = (typeof columns)[number];

/** The file is no workflow log at all: its header lacks columns. */
export class HeaderError extends InputError {
  override readonly name = 'HeaderError';
}

/**
 * Every row and every bad line, in the order of the file. Empty lines are neither.
 *
 * @throws {HeaderError} when the first line lacks a column
 */
export async function* readClaimRows(file: TextFile): AsyncGenerator<ClaimRow | BadLine> {
  let header: readonly string[] | undefined;
  for await (const { number, text } of file.lines()) {
    if (header === undefined) header = headerOf(text);
    else if (text.trim() !== '') yield rowOf(number, text, header);
  }
  if (header === undefined) throw new HeaderError('the file is empty: expected a header line');
}

/** Whether this is a line that could not be read. */
export function isBadLine(row: ClaimRow | BadLine): row is BadLine {
  return 'problem' in row;
}

function headerOf(text: string): readonly string[] {
  const header = fieldsOf(text.replace(/^\ufeff/, '')) ?? [];
  const lacking = columns.filter((column) => !header.includes(column));
  if (lacking.length > 0) {
    throw new HeaderError(`the header lacks ${lacking.join(', ')}: expected ${columns.join(',')}`);
  }
  return header;
}

function rowOf(line: number, text: string, header: readonly string[]): ClaimRow | BadLine {
  if (text.length > lineCharsMax) return { line, problem: `longer than ${lineCharsMax} characters` };
  const fields = fieldsOf(text);
  if (fields === undefined) return { line, problem: 'the quotes do not match' };
  if (fields.length !== header.length) {
    return { line, problem: `expected ${header.length} fields, got ${fields.length}` };
  }
  const field = (column: Column) => fields[header.indexOf(column)] ?? '';
  return checkedRow(line, field);
}

function checkedRow(line: number, field: (column: Column) => string): ClaimRow | BadLine {
  const activity = activityOf(field('activity'));
  const step = integerOf(field('step'));
  const amountCents = centsOf(field('amount'));
  const at = timeOf(field('timestamp'));
  const wrong = (column: Column, expected: string): BadLine => {
    return { line, problem: `${column} must be ${expected}, but is ${JSON.stringify(field(column))}` };
  };
  if (field('space') === '') return wrong('space', 'a name');
  if (field('entity') === '') return wrong('entity', 'an id');
  if (activity === undefined) return wrong('activity', 'a known activity');
  if (step === undefined) return wrong('step', 'an integer from 0');
  if (amountCents === undefined) return wrong('amount', 'a decimal number from 0');
  if (at === undefined) return wrong('timestamp', 'an ISO 8601 time');
  const claimId = field('entity');
  return {
    line,
    spaceName: field('space'),
    activity,
    step: { claimId, step, role: activity.role, amountCents, at },
  };
}

/** The fields of one line, or undefined when its quotes do not match. Most lines have none and need no parser. */
function fieldsOf(text: string): readonly string[] | undefined {
  if (!text.includes('"')) return text.split(',');
  try {
    const [fields] = parse(text) as string[][];
    return fields;
  } catch {
    return undefined;
  }
}

function integerOf(text: string): number | undefined {
  if (!/^\d+$/.test(text)) return undefined;
  const value = Number(text);
  return Number.isSafeInteger(value) ? value : undefined;
}

/** Whole cents, rounded here and never again, so that every sum of them is exact. */
function centsOf(text: string): number | undefined {
  if (!/^\d+(\.\d+)?([eE][+-]?\d+)?$/.test(text)) return undefined;
  const cents = Math.round(Number(text) * 100);
  return Number.isSafeInteger(cents) ? cents : undefined;
}

function timeOf(text: string): string | undefined {
  if (!/^\d{4}-\d{2}-\d{2}([T ]|$)/.test(text)) return undefined;
  const time = new Date(text);
  return Number.isNaN(time.getTime()) ? undefined : time.toISOString();
}

/** The part of a report that both kinds of run share: what became of the commands, and how fast. */

import { formatCount, formatMicros, formatRate, formatRatio, formatSeconds } from './format.js';
import type { Check, Row } from './report.js';
import type { Tally } from './tally.js';

/** What the runtime's writer has counted. */
export interface CommitFigures {
  readonly commits: number;
  readonly commands: number;
  readonly events: number;
}

/** Accepted, rejected by rule, failed by code. */
export function answerRows(tally: Tally): Row[] {
  return [
    { label: 'accepted', value: formatCount(tally.accepted) },
    { label: 'rejected', value: formatCount(tally.rejected) },
    ...tally.rejectedByReason.map(([label, count]) => underRow(label, formatCount(count))),
    ...(tally.failed === 0 ? [] : [{ label: 'failed', value: formatCount(tally.failed) }]),
    ...tally.failedByCode.map(([label, count]) => underRow(label, formatCount(count))),
  ];
}

/** Throughput and latency, as the caller saw them. */
export function speedRows(tally: Tally, elapsedMs: number): Row[] {
  return [
    { label: 'elapsed', value: formatSeconds(elapsedMs) },
    { label: 'throughput', value: formatRate(tally.answered, elapsedMs) },
    { label: 'latency p50', value: formatMicros(tally.latencyMicros(50)) },
    underRow('p99', formatMicros(tally.latencyMicros(99))),
    underRow('p99.9', formatMicros(tally.latencyMicros(99.9))),
  ];
}

/** What went to the disk, and in how many transactions. */
export function commitRows(tally: Tally, { commits, commands, events }: CommitFigures): Row[] {
  return [
    { label: 'events', value: formatCount(tally.events) },
    { label: 'commits', value: formatCount(commits) },
    underRow('events per commit', formatRatio(events, commits)),
    underRow('commands per commit', formatRatio(commands, commits)),
  ];
}

/** Every command got a decision. */
export function checkAnswers(tally: Tally, failure: unknown): Check {
  const says = 'every command was decided';
  if (failure === undefined) return { says, holds: true, seen: formatCount(tally.answered) };
  const message = failure instanceof Error ? failure.message : String(failure);
  return { says, holds: false, seen: `${formatCount(tally.failed)} were not; the first: ${message}` };
}

function underRow(label: string, value: string): Row {
  return { label, value, depth: 1 };
}

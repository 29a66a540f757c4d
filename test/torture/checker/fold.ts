/** The folds of the torture app, written down a second time: what its state must be after these events. */

import type { LogEvent } from './log-file.js';

/** What an event of the torture app carries. */
export interface Mark {
  readonly marker: string;
  readonly part: number;
  readonly parts: number;
  readonly key: string;
  readonly amount: number;
}

/** The state of a space: both views by key. */
export interface Folded {
  readonly main: Map<string, unknown>;
  readonly amounts: Map<string, unknown>;
}

/** The state before the first event. */
export function nothingFolded(): Folded {
  return { main: new Map(), amounts: new Map() };
}

/** Goes on with one event. */
export function foldEvent(
  { main, amounts }: Folded,
  event: Pick<LogEvent, 'type' | 'sequence' | 'payload'>,
): void {
  const mark = event.payload as Mark | undefined;
  if (mark === undefined) return;
  const { key, amount, marker } = mark;
  const number = (of: string, otherwise: number): number => (main.get(of) as number | undefined) ?? otherwise;
  const factor = event.type === 'put' ? 31 : 37;
  main.set('applied', number('applied', 0) + 1);
  main.set('total', (number('total', 7) * factor + amount) % 1_000_003);
  main.set('last', event.sequence);
  if (event.type === 'removed') {
    main.delete(`entry:${key}`);
    return;
  }
  main.set(`entry:${key}`, { amount, spaceSequence: event.sequence, marker });
  const bucket = `amount:${amount % 20}`;
  const before = amounts.get(bucket) as { times: number } | undefined;
  amounts.set(bucket, { times: (before?.times ?? 0) + 1, last: event.sequence });
}

/** A state as text that does not depend on the order of keys. */
export function textOf(entries: Iterable<readonly [string, unknown]>): string {
  const sorted = [...entries].sort(([left], [right]) => (left < right ? -1 : 1));
  return JSON.stringify(sorted.map(([key, value]) => [key, sortedValue(value)]));
}

function sortedValue(value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
  return Object.fromEntries(Object.entries(value).sort(([left], [right]) => (left < right ? -1 : 1)));
}

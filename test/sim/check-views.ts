/**
 * The checker of what was seen of the views: whole, in order, committed, and the newest at the end. It folds the log by
 * itself.
 */

import type { LedgerEvent } from './check-history.js';
import type { SeenPicture } from './history.js';
import { type WatchedKind, type Watcher, watchedAmount } from './watcher.js';

/** Both views of a space after its first events. */
export interface Folded {
  readonly main: Record<string, unknown>;
  readonly amounts: Record<string, number>;
}

/** Both views after these events. */
export function fold(log: readonly LedgerEvent[], version: number): Folded {
  const main: Record<string, unknown> = {};
  const amounts: Record<string, number> = {};
  let [count, total] = [0, 0];
  for (const { type, payload, spaceSequence } of log) {
    if (type === 'added') {
      count++;
      total = total * 3 + payload.amount;
      main[`entry:${payload.marker}`] = { amount: payload.amount, spaceSequence };
      const key = `amount:${payload.amount}`;
      amounts[key] = (amounts[key] ?? 0) + version;
      main['total'] = total;
    } else {
      count--;
      delete main[`entry:${payload.removed}`];
    }
    main['count'] = count;
    main['last'] = spaceSequence;
  }
  return { main, amounts };
}

/** A picture shows both views after one event: a further view of an older version perhaps after an earlier one. */
export function checkPicture(log: readonly LedgerEvent[], picture: SeenPicture, broken: string[]): void {
  const { spaceName, at, main, amounts, version } = picture;
  const sequence = at ?? (main as { last?: number }).last ?? 0;
  const expected = fold(log.slice(0, sequence), version);
  const what = `${spaceName}: a look at ${at ?? 'the state'} (${sequence})`;
  if (canonical(main) !== canonical(expected.main)) {
    broken.push(`${what} saw main ${canonical(main)}, the fold is ${canonical(expected.main)}`);
  }
  const seen = canonical(amounts);
  if (seen === canonical(expected.amounts)) return;
  const isOlderVersion = at === undefined && version > 1;
  for (let end = sequence; isOlderVersion && end >= 0; end--) {
    if (seen === canonical(fold(log.slice(0, end), version - 1).amounts)) return;
  }
  broken.push(`${what} saw amounts ${seen}, the fold is ${canonical(expected.amounts)}`);
}

/** Each value is the state after some event that was on disk, none before the last one; the last is there in the end. */
export function checkWatcher(log: readonly LedgerEvent[], watcher: Watcher, broken: string[]): void {
  const { kind, spaceName, seen, endedBy, endedAt } = watcher;
  const what = `${spaceName}: a watcher of ${kind}`;
  if (endedBy !== 'aborted' && endedBy !== 'closed') broken.push(`${what} was ended by ${endedBy}`);
  const states = Array.from({ length: endedAt + 1 }, (_, end) => shown(kind, log.slice(0, end)));
  let place = 0;
  let before: string | undefined;
  for (const { value, onDisk } of seen) {
    const text = canonical(value ?? null);
    if (text === before) broken.push(`${what} was shown ${text} twice`);
    before = text;
    const found = states.indexOf(text, place);
    if (found === -1) {
      broken.push(`${what} was shown ${text}, which it never was after sequence ${place}`);
      return;
    }
    place = found;
    if (place > onDisk) broken.push(`${what} was shown sequence ${place} when ${onDisk} was on disk`);
  }
  if (before !== states.at(-1)) broken.push(`${what} was shown ${before} last, but it is ${states.at(-1)}`);
}

function shown(kind: WatchedKind, log: readonly LedgerEvent[]): string {
  const { main, amounts } = fold(log, 1);
  switch (kind) {
    case 'last':
      return canonical(main['last'] ?? null);
    case 'entries':
      return canonical(
        Object.entries(main)
          .filter(([key]) => key.startsWith('entry:'))
          .sort(([left], [right]) => (left < right ? -1 : 1)),
      );
    case 'amount':
      return canonical(amounts[`amount:${watchedAmount}`] ?? null);
    case 'picture':
      return canonical({ main, amounts });
  }
}

/** One text for equal values. */
export function canonical(value: unknown): string {
  return JSON.stringify(value, (_key, nested: unknown) =>
    typeof nested === 'object' && nested !== null && !Array.isArray(nested)
      ? Object.fromEntries(Object.entries(nested).sort(([left], [right]) => (left < right ? -1 : 1)))
      : nested,
  );
}

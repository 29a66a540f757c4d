/**
 * Reading a whole view in pages, for whoever compares states: a query's answer is one value and has a bound.
 */

import type { PStateReader, Value } from 'ramax';

/** Which part of which view. */
export interface Page<ViewName extends string> {
  readonly view: ViewName;
  /** Entries to pass over. */
  readonly offset: number;
  /** Entries to give at most. */
  readonly limit: number;
}

/** One key with its value. */
export type Entry = readonly [key: string, value: Value];

/** The entries of one page, in the order of their keys. */
export function pageOf(view: PStateReader, { offset, limit }: Omit<Page<string>, 'view'>): Entry[] {
  const page: Entry[] = [];
  let place = 0;
  for (const entry of view.entries()) {
    if (place >= offset + limit) break;
    if (place >= offset) page.push(entry);
    place++;
  }
  return page;
}

const pageEntries = 1_000;

/** Every entry of a view, page by page. `ask` sends the query. The view must not change meanwhile. */
export async function allPages<ViewName extends string>(
  view: ViewName,
  ask: (page: Page<ViewName>) => Promise<readonly Entry[]>,
): Promise<Entry[]> {
  const entries: Entry[] = [];
  for (;;) {
    const page = await ask({ view, offset: entries.length, limit: pageEntries });
    entries.push(...page);
    if (page.length < pageEntries) return entries;
  }
}

/**
 * Finds the events that a query may mean in sorted lists of entries: an item means what is in all of its lists (its entity, each of its
 * tags), a query what any of its items means. Pure over pages of entries; called by `lookup-steps.ts`.
 *
 * A list is never read through: where another one of the item has come further, it is asked from there on. So an item costs about
 * as many entries as its shortest list has, and not its longest.
 *
 * Invariants:
 *   - Keys grow. Where events are wanted from the end, a key is the negative of an event id.
 *   - What is found says how far everything is known, also where the budget has come to its end: nothing is passed over.
 */

/** Reads the next entries of a list, in order: those with `key > after`, `limit` at most. */
export type EntryPage = (after: number, limit: number) => readonly number[];

/** The first key that an item or a query may mean, or only how far there is none: `Infinity` where there are no more. */
export interface FoundKey {
  readonly key: number;
  readonly isEntry: boolean;
}

/** How many entries may be read. */
export class EntryBudget {
  #left: number;
  /** Entries that were read. */
  read = 0;

  constructor(entriesMax: number) {
    this.#left = entriesMax;
  }

  get isSpent(): boolean {
    return this.#left <= 0;
  }

  /** A read that finds nothing counts as one: it is a look, too. */
  spend(entries: number): void {
    this.read += Math.max(entries, 1);
    this.#left -= Math.max(entries, 1);
  }
}

/** Entries of one list that are asked for at once: as few as one where lists jump, more and more where one is followed. */
const pageEntriesMax = 128;

/** One list, followed in one direction. */
class EntryList {
  readonly #page: EntryPage;
  readonly #budget: EntryBudget;
  #entries: readonly number[] = [];
  #at = 0;
  #limit = 1;
  #isEnd = false;

  constructor(page: EntryPage, budget: EntryBudget) {
    this.#page = page;
    this.#budget = budget;
  }

  /** The first key behind `after`, which never goes back; `Infinity`: there is none; undefined: the budget is spent. */
  next(after: number): number | undefined {
    for (; ; this.#at++) {
      const key = this.#entries[this.#at];
      if (key === undefined) break;
      if (key > after) return key;
    }
    if (this.#isEnd) return Number.POSITIVE_INFINITY;
    if (this.#budget.isSpent) return undefined;
    this.#entries = this.#page(after, this.#limit);
    this.#at = 0;
    this.#budget.spend(this.#entries.length);
    this.#isEnd = this.#entries.length < this.#limit;
    this.#limit = Math.min(2 * this.#limit, pageEntriesMax);
    return this.#entries[0] ?? Number.POSITIVE_INFINITY;
  }
}

/** What is in all of some lists. */
class ItemEntries {
  readonly #lists: readonly EntryList[];
  #found: FoundKey | undefined;

  constructor(lists: readonly EntryList[]) {
    this.#lists = lists;
  }

  /** The first one behind `after`, which never goes back. */
  next(after: number): FoundKey {
    if (this.#found === undefined || this.#found.key <= after) this.#found = this.#findNext(after);
    return this.#found;
  }

  #findNext(after: number): FoundKey {
    let key = after + 1;
    for (let agreed = 0; agreed < this.#lists.length; ) {
      for (const list of this.#lists) {
        const next = list.next(key - 1);
        if (next === undefined) return { key: key - 1, isEntry: false };
        if (next === Number.POSITIVE_INFINITY) return { key: next, isEntry: false };
        agreed = next === key ? agreed + 1 : 1;
        key = next;
        if (agreed === this.#lists.length) break;
      }
    }
    return { key, isEntry: true };
  }
}

/** What any of some items may mean. */
export class EntryMerge {
  readonly #items: readonly ItemEntries[];

  /** @param items the lists of each item: at least one each */
  constructor(items: readonly (readonly EntryPage[])[], budget: EntryBudget) {
    this.#items = items.map((pages) => new ItemEntries(pages.map((page) => new EntryList(page, budget))));
  }

  /** The first one behind `after`, which never goes back. */
  next(after: number): FoundKey {
    let first: FoundKey = { key: Number.POSITIVE_INFINITY, isEntry: false };
    for (const item of this.#items) {
      const found = item.next(after);
      // Of two that are equal the entry: the other one says that its item means nothing up to there.
      if (found.key < first.key || (found.key === first.key && found.isEntry)) first = found;
    }
    return first;
  }
}

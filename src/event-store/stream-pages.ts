import { RamaxError } from '../core/errors.js';

/** How to go over what is read page by page. */
export interface StreamPagesOptions<Item, Opened> {
  /** Reads the next page: items after this position, in order; none when there are no more. */
  readonly readAfter: (after: number) => Promise<readonly Item[]>;
  /** An item's position, which grows from item to item. */
  readonly positionOf: (item: Item) => number;
  /** What the stream gives of an item, made when its turn has come: one thing, several, or nothing. */
  readonly open: (item: Item) => Opened | readonly Opened[];
  /** Begin after this position. */
  readonly from: number;
  /** Ends the stream with `aborted`. */
  readonly signal?: AbortSignal | undefined;
}

/**
 * One lazy stream out of bounded reads. It reads nothing before it is asked, and one page ahead once a second item of a page is
 * asked for: the next page is read while the consumer works on this one. It ends with a page that is empty when it is
 * needed: one that was read ahead and is empty is read again, because something may have come since.
 *
 * Invariants: it holds two pages at most; when it has ended or was left, nothing of it is under way.
 *
 * @throws {RamaxError} `aborted` when the signal aborts
 */
export async function* streamPages<Item, Opened>(
  options: StreamPagesOptions<Item, Opened>,
): AsyncGenerator<Opened, void, void> {
  const { positionOf, open, from, signal } = options;
  const pages = new PageReads(options.readAfter);
  let after = from;
  try {
    for (;;) {
      throwIfAborted(signal);
      const page = await pages.after(after);
      const last = page.at(-1);
      if (last === undefined) return;
      after = positionOf(last);
      for (let index = 0; index < page.length; index++) {
        throwIfAborted(signal);
        if (index === 1) pages.readAhead(after);
        const opened = open(page[index] as Item);
        if (isSeveral(opened)) yield* opened;
        else yield opened;
      }
    }
  } finally {
    await pages.ended();
  }
}

/** The reads of one stream: one at a time. */
class PageReads<Item> {
  readonly #read: (after: number) => Promise<readonly Item[]>;
  #ahead: Promise<readonly Item[]> | undefined;

  constructor(read: (after: number) => Promise<readonly Item[]>) {
    this.#read = read;
  }

  /** The page after the last one. */
  async after(position: number): Promise<readonly Item[]> {
    const ahead = this.#ahead;
    if (ahead === undefined) return this.#read(position);
    const page = await ahead;
    this.#ahead = undefined;
    return page.length > 0 ? page : this.#read(position);
  }

  /** Begins to read that page. A failure waits until the page is asked for. */
  readAhead(position: number): void {
    this.#ahead = this.#read(position);
    this.#ahead.catch(() => {});
  }

  async ended(): Promise<void> {
    await this.#ahead?.catch(() => {});
  }
}

function isSeveral<Opened>(opened: Opened | readonly Opened[]): opened is readonly Opened[] {
  return Array.isArray(opened);
}

function throwIfAborted(signal: AbortSignal | undefined): void {
  if (signal?.aborted) throw new RamaxError('aborted', 'the stream was aborted', { cause: signal.reason });
}

import { RamaxError } from '../core/errors.js';
import type { EventSelection } from './port.js';

/** A page of what is selected: as `SelectedEvents`, of whatever is read. */
export interface SelectedPage<Item> {
  readonly events: readonly Item[];
  readonly position: number;
  readonly isEnd: boolean;
}

/** How to go over what is selected, page by page. */
export interface StreamSelectionOptions<Item, Opened> {
  readonly selection: EventSelection;
  /** Reads what is selected, or its beginning. */
  readonly read: (selection: EventSelection) => Promise<SelectedPage<Item>>;
  /** What the stream gives of an event, made when its turn has come: one thing, several, or nothing. */
  readonly open: (event: Item) => Opened | readonly Opened[];
  /** Events at most, as they are stored: all that is given of one counts once, and of which nothing is given, not. */
  readonly limit?: number | undefined;
  /** Ends the stream with `aborted`. */
  readonly signal?: AbortSignal | undefined;
}

/**
 * One lazy stream out of bounded filtered reads. It reads nothing before it is asked; pages without a match are passed over. It ends
 * where a read has said that there is nothing more.
 *
 * @throws {RamaxError} `aborted` when the signal aborts
 */
export async function* streamSelection<Item, Opened>(
  options: StreamSelectionOptions<Item, Opened>,
): AsyncGenerator<Opened, void, void> {
  const { read, open, limit = Number.POSITIVE_INFINITY, signal } = options;
  let { selection } = options;
  for (let left = limit; ; ) {
    throwIfAborted(signal);
    const { events, position, isEnd } = await read(selection);
    for (const event of events) {
      throwIfAborted(signal);
      const opened = open(event);
      if (isSeveral(opened)) {
        if (opened.length === 0) continue;
        yield* opened;
      } else {
        yield opened;
      }
      left--;
      if (left === 0) return;
    }
    if (isEnd) return;
    selection =
      selection.direction === 'forwards'
        ? { ...selection, after: position }
        : { ...selection, upTo: position };
  }
}

function isSeveral<Opened>(opened: Opened | readonly Opened[]): opened is readonly Opened[] {
  return Array.isArray(opened);
}

function throwIfAborted(signal: AbortSignal | undefined): void {
  if (signal?.aborted) throw new RamaxError('aborted', 'the stream was aborted', { cause: signal.reason });
}

/** Which events a stream gives: what may be asked, its check, and the selection that it becomes. */

import { invalidInput } from '../core/errors.js';
import type { LiteralString } from '../core/event.js';
import { checkEventQuery, type EventQuery, type EventQueryLimits } from '../core/event-query.js';
import { checkInteger, checkOptions, checkSignal } from '../core/names.js';
import { checkOptionNames } from '../core/option-names.js';
import type { EventSelection } from './port.js';

/** Which events to stream, and in which order. */
export interface StreamOptions<Type extends string = LiteralString> {
  /**
   * Only events after this place, in either direction: `spaceSequence > from` in one space, `eventId > from` over all. Default 0.
   */
  readonly from?: number | undefined;
  /** Only events up to this place, it included. Default: no bound. Backwards, the next page is `to: last - 1`. */
  readonly to?: number | undefined;
  /** Only events that match. Default: every event. */
  readonly query?: EventQuery<Type> | undefined;
  /** `backwards`: the newest first. It changes the order of the events, never which they are. Default `forwards`. */
  readonly direction?: 'forwards' | 'backwards' | undefined;
  /** Only events whose `timestamp` is at least this, in milliseconds. Timestamps are no order: it filters, and does not seek. */
  readonly since?: number | undefined;
  /** Only events whose `timestamp` is at most this. */
  readonly until?: number | undefined;
  /** Events at most. Default: all. */
  readonly limit?: number | undefined;
  /** Ends the stream with `aborted`. */
  readonly signal?: AbortSignal | undefined;
}

const streamOptionNames = [
  'from',
  'to',
  'query',
  'direction',
  'since',
  'until',
  'limit',
  'signal',
] as const satisfies readonly (keyof StreamOptions)[];

/** A stream as it was asked for. */
export interface StreamPlan {
  readonly from: number;
  readonly signal: AbortSignal | undefined;
  readonly limit: number | undefined;
  /** Undefined: every event behind `from`, in order. */
  readonly selection: EventSelection | undefined;
}

/**
 * Checks the options of a stream.
 *
 * @param of the method, as an error names it
 * @throws {RamaxError} `invalid_input`
 */
export function streamPlan(options: StreamOptions, of: string, limits: EventQueryLimits): StreamPlan {
  checkOptions(options);
  checkOptionNames(options, streamOptionNames, of);
  const { from = 0, to, query, direction, since, until, limit, signal } = options;
  checkInteger(from, 'from', 0);
  if (to !== undefined) checkInteger(to, 'to', 0);
  if (since !== undefined) checkInteger(since, 'since', 0);
  if (until !== undefined) checkInteger(until, 'until', 0);
  if (limit !== undefined) checkInteger(limit, 'limit', 1);
  if (direction !== undefined && direction !== 'forwards' && direction !== 'backwards')
    throw invalidInput('direction', "'forwards' or 'backwards'", direction);
  checkSignal(signal);
  const plain = [to, query, since, until, limit].every((option) => option === undefined);
  if (plain && direction !== 'backwards') return { from, signal, limit, selection: undefined };
  const selection: EventSelection = {
    direction: direction ?? 'forwards',
    after: from,
    upTo: to ?? Number.MAX_SAFE_INTEGER,
    ...(query === undefined ? {} : { query: checkEventQuery(query, 'query', limits) }),
    ...(since === undefined ? {} : { since }),
    ...(until === undefined ? {} : { until }),
  };
  return { from, signal, limit, selection };
}

/** The same selection of one entity's events; undefined where it can have none. */
export function ofEntity(selection: EventSelection, entityId: string): EventSelection | undefined {
  if (selection.query === undefined) return { ...selection, query: { items: [{ entityId }] } };
  const items = selection.query.items
    .filter((item) => item.entityId === undefined || item.entityId === entityId)
    .map((item) => ({ ...item, entityId }));
  return items.length === 0 ? undefined : { ...selection, query: { items } };
}

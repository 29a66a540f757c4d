/**
 * The observable instruments: what `stats()` and `health()` say, under the names of OpenTelemetry. One line for each; a room that
 * has a new figure in either adds a line here.
 *
 * Counters of threads begin anew when a thread is started again; `RisingCounts` keeps what is exported from falling.
 */

import type { Attributes } from '@opentelemetry/api';
import type { RamaxFigures } from '../../supervisor/ramax.js';

/** One value of an instrument, with what it is of. */
type Reading = readonly [value: number, attributes?: Attributes];

/** One observable instrument. */
export interface InstrumentLine {
  readonly name: string;
  /** A counter only rises; a level goes up and down and may be summed; a gauge may not. */
  readonly kind: 'counter' | 'level' | 'gauge';
  readonly unit: string;
  readonly description: string;
  readonly read: (figures: RamaxFigures) => readonly Reading[];
}

type Shard = RamaxFigures['stats']['shards'][number];

function perShard(read: (shard: Shard) => number): InstrumentLine['read'] {
  return ({ stats }) =>
    stats.shards.map((shard, index): Reading => [read(shard), { 'ramax.shard.index': index }]);
}

function perView(read: (view: Shard['views'][number]) => readonly Reading[]): InstrumentLine['read'] {
  return ({ stats }) =>
    stats.shards.flatMap(({ views }, index) =>
      views.flatMap((view) =>
        read(view).map(
          ([value, attributes]): Reading => [
            value,
            { 'ramax.shard.index': index, 'ramax.view.name': view.view, ...attributes },
          ],
        ),
      ),
    );
}

function line(
  name: string,
  kind: InstrumentLine['kind'],
  unit: string,
  description: string,
  read: InstrumentLine['read'],
): InstrumentLine {
  return { name, kind, unit, description, read };
}

/** Calls that are refused, by what they are. */
function refusedByKind({ health }: RamaxFigures): Reading[] {
  const counts = new Map<string, number>();
  for (const { kind } of health.refused) counts.set(kind, (counts.get(kind) ?? 0) + 1);
  return [...counts].map(([kind, count]): Reading => [count, { 'ramax.refused.kind': kind }]);
}

function restarts({ stats }: RamaxFigures): Reading[] {
  const { writer, shards } = stats.restarts;
  return [
    [writer, { 'ramax.thread': 'writer' }],
    ...shards.map((count, index): Reading => [count, { 'ramax.thread': `shard ${index}` }]),
  ];
}

/** See the head of this file. */
export const instrumentLines: readonly InstrumentLine[] = [
  line('ramax.calls.in_flight', 'level', '{call}', 'Calls without an answer', ({ stats }) => [
    [stats.inFlight],
  ]),
  line('ramax.calls.in_flight.size', 'level', 'By', 'Their parameters', ({ stats }) => [
    [stats.inFlightBytes],
  ]),
  line('ramax.calls.waiting', 'level', '{call}', 'Calls that wait for room', ({ stats }) => [
    [stats.waiting],
  ]),
  line(
    'ramax.refused',
    'gauge',
    '{call}',
    'Calls and events that are refused, for shards have died of them',
    refusedByKind,
  ),
  line('ramax.thread.restarts', 'counter', '{restart}', 'Starts of threads after the first', restarts),
  line('ramax.lookups.lag', 'gauge', '{event}', 'Events that the lookups do not have', ({ health }) => [
    [health.lookups.unfilledEvents],
  ]),

  line(
    'ramax.spaces.open',
    'level',
    '{space}',
    'Open spaces',
    perShard(({ openSpaces }) => openSpaces),
  ),
  line(
    'ramax.turns',
    'counter',
    '{turn}',
    'Turns taken, of commands and reads',
    perShard(({ turns }) => turns),
  ),
  line(
    'ramax.mailbox.turns',
    'level',
    '{turn}',
    'Turns in all mailboxes',
    perShard(({ queuedTurns }) => queuedTurns),
  ),
  line(
    'ramax.mailbox.depth',
    'gauge',
    '{turn}',
    'Turns in the fullest mailbox',
    perShard(({ deepestMailbox }) => deepestMailbox),
  ),
  line(
    'ramax.answers.held',
    'level',
    '{answer}',
    'Answers behind their commits',
    perShard(({ heldAnswers }) => heldAnswers),
  ),
  line(
    'ramax.answers.held.size',
    'level',
    'By',
    'Their values',
    perShard(({ heldBytes }) => heldBytes),
  ),
  line(
    'ramax.watchers',
    'level',
    '{watcher}',
    'Watchers that wait',
    perShard(({ watchers }) => watchers),
  ),
  line(
    'ramax.recoveries',
    'counter',
    '{recovery}',
    'States discarded after a failed commit',
    perShard(({ recoveries }) => recoveries),
  ),
  line(
    'ramax.caught_up.events',
    'counter',
    '{event}',
    'Events applied when spaces were opened',
    perShard(({ caughtUpEvents }) => caughtUpEvents),
  ),

  line(
    'ramax.pstate.dirty_keys',
    'level',
    '{key}',
    'Changed keys that are not persisted',
    perShard(({ dirtyKeys }) => dirtyKeys),
  ),
  line(
    'ramax.pstate.flush_failures',
    'counter',
    '{failure}',
    'Flushes that failed',
    perShard(({ flushFailures }) => flushFailures),
  ),
  line(
    'ramax.cache.hits',
    'counter',
    '{read}',
    'Reads that memory answered',
    perShard(({ cache }) => cache.hits),
  ),
  line(
    'ramax.cache.misses',
    'counter',
    '{read}',
    'Reads that went to the store',
    perShard(({ cache }) => cache.misses),
  ),
  line(
    'ramax.cache.size',
    'level',
    'By',
    'Values in memory',
    perShard(({ cache }) => cache.bytes),
  ),
  line(
    'ramax.migrations',
    'counter',
    '{value}',
    'Values brought to their present shape',
    perShard(({ migrations }) => migrations.entries),
  ),
  line(
    'ramax.migrations.pending',
    'level',
    '{value}',
    'Of these, those that are not written back',
    perShard(({ migrations }) => migrations.pending),
  ),
  line(
    'ramax.migrations.failures',
    'counter',
    '{value}',
    'Migrations that failed',
    perShard(({ migrations }) => migrations.failed),
  ),

  line(
    'ramax.view.lag',
    'gauge',
    '{event}',
    'Events that a view has not applied, where it lags most',
    perView(({ lagMax }) => [[lagMax]]),
  ),
  line(
    'ramax.view.spaces',
    'level',
    '{space}',
    'Open spaces by the state of a view',
    perView(({ live, building, stopped }) => [
      [live, { 'ramax.view.state': 'live' }],
      [building, { 'ramax.view.state': 'building' }],
      [stopped, { 'ramax.view.state': 'stopped' }],
    ]),
  ),

  line(
    'ramax.reactor.lag',
    'gauge',
    '{event}',
    'Events that a reactor has not handled, in the space where it lags most',
    ({ health }) => health.reactors.map(({ reactor, lagMax }) => [lagMax, { 'ramax.reactor.name': reactor }]),
  ),
  line('ramax.reactor.parked', 'level', '{event}', 'Events that a reactor has parked', ({ health }) =>
    health.reactors.flatMap(({ reactor, parked }): readonly Reading[] =>
      parked === undefined ? [] : [[parked, { 'ramax.reactor.name': reactor }]],
    ),
  ),
  line('ramax.timers.fired', 'counter', '{timer}', 'Timers that have fired', ({ stats }) => [
    [stats.timers.fired],
  ]),
  line(
    'ramax.timers.lateness',
    'gauge',
    'ms',
    'How long behind its time the last timer has fired',
    ({ stats }) => [[stats.timers.lateMs]],
  ),
  line('ramax.subscriptions', 'level', '{subscription}', 'Subscriptions that are open', ({ stats }) => [
    [stats.subscriptions.open],
  ]),
  line(
    'ramax.subscription.lag',
    'gauge',
    '{event}',
    'Events behind what a connected named subscription has acknowledged',
    ({ stats }) =>
      stats.subscriptions.named.map(({ name, spaceId, lag }) => [
        lag,
        spaceId === undefined
          ? { 'ramax.subscription.name': name }
          : { 'ramax.subscription.name': name, 'ramax.space.id': spaceId },
      ]),
  ),

  line('ramax.commits', 'counter', '{commit}', 'Transactions', ({ stats }) => [[stats.writer.commits]]),
  line('ramax.commands.committed', 'counter', '{command}', 'Commands in them', ({ stats }) => [
    [stats.writer.commands],
  ]),
  line('ramax.events', 'counter', '{event}', 'Events in them', ({ stats }) => [[stats.writer.events]]),
  line(
    'ramax.appends.fenced',
    'counter',
    '{append}',
    'Appends of shards that had lost the space',
    ({ stats }) => [[stats.writer.fenced]],
  ),
  line(
    'ramax.writer.queue',
    'level',
    '{append}',
    'Requests that wait for the next transaction',
    ({ stats }) => [[stats.writer.queued]],
  ),

  line(
    'ramax.telemetry.spans_dropped',
    'counter',
    '{span}',
    'Spans over the bound of a batch',
    ({ stats }) => [[stats.telemetry.spansDropped]],
  ),
  line('ramax.telemetry.failures', 'counter', '{failure}', 'Errors that hooks have thrown', ({ stats }) => [
    [stats.telemetry.failures],
  ]),
];

/** Sums that never fall, of counts that begin anew now and then. */
export class RisingCounts {
  readonly #known = new Map<string, { last: number; before: number }>();

  /** @param key of what is counted */
  risen(key: string, count: number): number {
    const known = this.#known.get(key) ?? { last: 0, before: 0 };
    if (count < known.last) known.before += known.last;
    known.last = count;
    this.#known.set(key, known);
    return known.before + count;
  }
}

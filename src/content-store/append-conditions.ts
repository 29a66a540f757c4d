/**
 * Conditional commands: refused when an event behind `after` matches. The log is asked before the turn, as far as the space remembers no
 * further; what has come since is checked in the turn, uncommitted events included, from memory.
 *
 * Owns: the facts of the latest events, kept from the first conditional command on.
 * Called by: the speculation of a space, which holds back a refusal like every answer.
 *
 * Invariants:
 *   A1  Memory has every event behind `floor` up to the head; what is dropped from it is committed, so the log can be asked for it.
 *   A2  A condition is decided in the turn, between turns that run one at a time: nothing comes between it and the append.
 *   A3  What the log has said of a turn is about committed events, which stay: it holds also when the turn is decided again.
 */

import { assert } from '../core/assert.js';
import { matchesQuery, type QueriedEvent } from '../core/event-query.js';
import type { Limits } from '../core/limits.js';
import type { EventShapes } from '../core/upcasters.js';
import { damagedLog, eventsMatch, spaceIsBehind } from '../event-store/log-errors.js';
import { askedEventsMax, isMeantNow, storedQuery } from '../event-store/present-query.js';
import type { DraftEvent } from '../event-store/seal.js';
import type { LogLink } from './log-link.js';
import type { AppendCondition, AskedCondition, CommandTurn } from './turn.js';

/** What conditions are checked on. */
export interface AppendConditionsOptions {
  readonly spaceId: number;
  readonly log: Pick<LogLink, 'selectEvents'>;
  readonly limits: Limits;
  /** Of the app: a condition means events in their present shapes. */
  readonly shapes: EventShapes;
  readonly head: () => number;
  readonly committed: () => number;
  /** Resolves when this is committed, or when the speculation is over. */
  readonly whenCommitted: (sequence: number) => Promise<void>;
}

/** See the head of this file. */
export class AppendConditions {
  readonly #options: AppendConditionsOptions;
  /** Event n lies at `n - floor - 1`. Undefined: no conditional command has come. */
  #recent: QueriedEvent[] | undefined;
  #floor = 0;

  constructor(options: AppendConditionsOptions) {
    this.#options = options;
  }

  /** Everything is committed: the log can be asked for all. */
  begin(): void {
    this.#recent = undefined;
  }

  /** These are decided. */
  decided(drafts: readonly DraftEvent[]): void {
    if (this.#recent === undefined) return;
    for (const { event } of drafts) {
      const { type, entityId, tags } = event;
      this.#recent.push({ type, entityId, tags });
    }
    const { recentEventsMax } = this.#options.limits;
    if (this.#recent.length >= 2 * recentEventsMax) this.#trim(recentEventsMax);
  }

  /** Whether the log must be asked before this turn can be decided. */
  mustAsk({ invocation, asked }: CommandTurn): boolean {
    const condition = invocation.failIfEventsMatch;
    if (condition === undefined || asked?.match !== undefined) return false;
    return this.#recent === undefined || Math.max(condition.after, asked?.upTo ?? 0) < this.#floor;
  }

  /** Asks the log. What is decided meanwhile may make it necessary to ask once more. */
  async ask(turn: CommandTurn): Promise<void> {
    const condition = turn.invocation.failIfEventsMatch;
    if (condition === undefined) return;
    if (this.#recent === undefined) {
      this.#recent = [];
      this.#floor = this.#options.head();
    }
    while (turn.state === 'queued' && this.mustAsk(turn)) {
      const upTo = this.#floor;
      if (this.#options.committed() < upTo) await this.#options.whenCommitted(upTo);
      // The speculation is over: whoever prepares the turn asks again.
      if (this.#options.committed() < upTo) return;
      turn.asked = await this.#askLog(condition, Math.max(condition.after, turn.asked?.upTo ?? 0), upTo);
    }
  }

  /**
   * Refuses the turn when an event matches.
   *
   * @throws {RamaxError} `conflict`
   */
  check({ invocation, asked }: CommandTurn): void {
    const condition = invocation.failIfEventsMatch;
    if (condition === undefined) return;
    const { query, after } = condition;
    const head = this.#options.head();
    if (after > head) throw spaceIsBehind(after, head);
    if (asked?.match !== undefined) throw eventsMatch(asked.match, after);
    const from = Math.max(after, asked?.upTo ?? 0);
    assert(this.#recent !== undefined && from >= this.#floor, 'a condition is asked for before its turn');
    for (let index = from - this.#floor; index < this.#recent.length; index++) {
      const event = this.#recent[index];
      if (event !== undefined && matchesQuery(query, event))
        throw eventsMatch(this.#floor + index + 1, after);
    }
  }

  async #askLog({ query }: AppendCondition, after: number, upTo: number): Promise<AskedCondition> {
    const { spaceId, log, limits, shapes } = this.#options;
    const { readBytesMax, scanEventsMax } = limits;
    const asked = storedQuery(query, shapes.versions);
    const { events, position, isEnd } = await log.selectEvents(
      { spaceId, direction: 'forwards', after, upTo, query: asked },
      { limit: askedEventsMax(shapes.versions), bytesMax: readBytesMax, scanEventsMax },
    );
    const match = events.find((event) => isMeantNow(query, event, shapes));
    if (isEnd && match === undefined && position < upTo)
      throw damagedLog({ spaceId, spaceSequence: position + 1 }, 'it is missing');
    return { upTo: position, match: match?.spaceSequence };
  }

  #trim(keep: number): void {
    if (this.#recent === undefined) return;
    const committed = this.#options.committed() - this.#floor;
    const dropped = Math.min(this.#recent.length - keep, Math.max(0, committed));
    this.#recent.splice(0, dropped);
    this.#floor += dropped;
  }
}

/** Events that no view is given any more, because shards have died of them: to the view they are events that it failed to apply. */

/** One of them. */
export interface PoisonedEvent {
  readonly spaceId: number;
  readonly view: string;
  readonly spaceSequence: number;
  /** What the shard died of. */
  readonly cause: string;
}

const none: ReadonlyMap<number, string> = new Map();

/** Those that one shard was started with. */
export class PoisonedEvents {
  readonly #causes = new Map<string, Map<number, string>>();

  constructor(events: readonly PoisonedEvent[] = []) {
    for (const { spaceId, view, spaceSequence, cause } of events) {
      const name = nameOf(spaceId, view);
      const causes = this.#causes.get(name) ?? new Map<number, string>();
      this.#causes.set(name, causes.set(spaceSequence, cause));
    }
  }

  /** What shards died of, by the sequence of the event. */
  of(spaceId: number, view: string): ReadonlyMap<number, string> {
    return this.#causes.get(nameOf(spaceId, view)) ?? none;
  }
}

function nameOf(spaceId: number, view: string): string {
  return `${spaceId} ${view}`;
}

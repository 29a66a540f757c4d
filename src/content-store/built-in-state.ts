/**
 * What Ramax itself knows of an open space, besides its views: the timers that are pending, and how far imports have come.
 *
 * Owned by the live space. Loaded from the tables of the log when the space is, and then changed by the same events that change
 * those (`event-store/built-in-changes.ts`), ahead of their commit like the views; a recovery loads it anew.
 */

import type { Limits } from '../core/limits.js';
import { builtInChange } from '../event-store/built-in-changes.js';
import type { ImportPosition, SealedEvent, StoredTimer } from '../event-store/port.js';

/** What commands are decided against. */
export interface BuiltInReader {
  /** How many timers are pending. */
  readonly timerCount: number;
  readonly importCount: number;
  timer(timerId: string): StoredTimer | undefined;
  /** Items of this space that an import has taken; undefined: it never was here. */
  importPosition(name: string): number | undefined;
}

/** Where it is loaded from. */
export interface BuiltInSource {
  timersOf(spaceId: number, after: string, limit: number): Promise<readonly StoredTimer[]>;
  importsOf(spaceId: number): Promise<readonly ImportPosition[]>;
}

/** See the head of this file. */
export class BuiltInState implements BuiltInReader {
  #timers = new Map<string, StoredTimer>();
  #imports = new Map<string, number>();

  get timerCount(): number {
    return this.#timers.size;
  }

  get importCount(): number {
    return this.#imports.size;
  }

  timer(timerId: string): StoredTimer | undefined {
    return this.#timers.get(timerId);
  }

  importPosition(name: string): number | undefined {
    return this.#imports.get(name);
  }

  /** Takes the place of all that was known. */
  async load(
    source: BuiltInSource,
    spaceId: number,
    { readEventsMax }: Pick<Limits, 'readEventsMax'>,
  ): Promise<void> {
    const timers = new Map<string, StoredTimer>();
    for (let after = ''; ; ) {
      const page = await source.timersOf(spaceId, after, readEventsMax);
      for (const timer of page) timers.set(timer.timerId, timer);
      const last = page.at(-1);
      if (last === undefined || page.length < readEventsMax) break;
      after = last.timerId;
    }
    const imports = await source.importsOf(spaceId);
    this.#timers = timers;
    this.#imports = new Map(imports.map(({ name, position }) => [name, position]));
  }

  /** An event was decided. */
  apply(event: Pick<SealedEvent, 'type' | 'entityId' | 'metadata'>, spaceSequence: number): void {
    const change = builtInChange(event);
    if (change === undefined) return;
    if (change.kind === 'timerPending') {
      const { timerId, dueAt } = change;
      this.#timers.set(timerId, { timerId, dueAt, spaceSequence });
    } else if (change.kind === 'timerDone') this.#timers.delete(change.timerId);
    else this.#imports.set(change.name, change.position);
  }
}

/** Of a space of which nothing is known. */
export const noBuiltInState: BuiltInReader = new BuiltInState();

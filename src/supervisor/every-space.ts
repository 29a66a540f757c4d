/**
 * One task for every space: over all spaces, in the order of their ids, with a bounded number at once on each shard, so that a
 * shard's other work goes on. Within a page of spaces no shard waits for another; the next page comes when no space of this
 * one waits in line on any shard, so that what is held is bounded, and a shard that is ahead waits for the others there.
 */

import { shardOf } from '../core/routing.js';
import type { SpaceAddress } from '../protocol/links.js';

/** What to do, and over which spaces. */
export interface EverySpaceOptions<Space extends Pick<SpaceAddress, 'spaceId'>> {
  readonly shards: number;
  /** At once on one shard. */
  readonly spacesAtOnce: number;
  /** The spaces after this id, in the order of their ids, some at a time; none at the end. */
  readonly listAfter: (spaceId: number) => Promise<readonly Space[]>;
  readonly task: (space: Space) => Promise<void>;
  /** No further space is begun. */
  readonly signal: AbortSignal;
}

/** Runs the task for every space. Rejects with the first failure, after the tasks under way have ended. */
export async function everySpace<Space extends Pick<SpaceAddress, 'spaceId'>>(
  options: EverySpaceOptions<Space>,
): Promise<void> {
  const { shards, spacesAtOnce, listAfter, task, signal } = options;
  const lanes = Array.from({ length: shards }, () => new Lane(spacesAtOnce));
  const failures: unknown[] = [];
  const failed = (error: unknown): readonly [] => {
    failures.push(error);
    return [];
  };
  let after = 0;
  for (;;) {
    const page = signal.aborted || failures.length > 0 ? [] : await listAfter(after).catch(failed);
    const last = page.at(-1);
    if (last === undefined) break;
    for (const space of page) {
      const lane = lanes[shardOf(space.spaceId, shards)];
      if (lane === undefined) throw new RangeError('routing stays within the shards');
      lane.add(async () => {
        if (signal.aborted || failures.length > 0) return;
        await task(space).catch(failed);
      });
    }
    await Promise.all(lanes.map((lane) => lane.hasRoom()));
    after = last.spaceId;
  }
  await Promise.all(lanes.map((lane) => lane.done()));
  if (failures.length > 0) throw failures[0];
}

/** Tasks of one shard: a bounded number runs, the rest waits in line. */
class Lane {
  readonly #atOnce: number;
  readonly #line: (() => Promise<void>)[] = [];
  readonly #waiters: { readonly rest: number; readonly wake: () => void }[] = [];
  #running = 0;

  constructor(atOnce: number) {
    this.#atOnce = atOnce;
  }

  add(task: () => Promise<void>): void {
    this.#line.push(task);
    this.#next();
  }

  /** Resolves when nothing waits in line: the next page may come. */
  hasRoom(): Promise<void> {
    return this.#whenAtMost(this.#atOnce);
  }

  done(): Promise<void> {
    return this.#whenAtMost(0);
  }

  #whenAtMost(rest: number): Promise<void> {
    if (this.#line.length + this.#running <= rest) return Promise.resolve();
    return new Promise((wake) => this.#waiters.push({ rest, wake }));
  }

  #next(): void {
    while (this.#running < this.#atOnce) {
      const task = this.#line.shift();
      if (task === undefined) return;
      this.#running++;
      void task().finally(() => {
        this.#running--;
        this.#wake();
        this.#next();
      });
    }
  }

  #wake(): void {
    const open = this.#line.length + this.#running;
    for (const waiter of [...this.#waiters]) {
      if (open > waiter.rest) continue;
      this.#waiters.splice(this.#waiters.indexOf(waiter), 1);
      waiter.wake();
    }
  }
}

/** A watcher of a random history: writes down what it is shown, and takes its time now and then. */

import { isRamaxError } from '../../src/core/errors.js';
import type { SpaceHandle } from '../../src/supervisor/space-handle.js';
import type { House } from '../../src/testing/house.js';
import type { ledger } from './ledger-app.js';

type Ledger = typeof ledger;

const kinds = ['last', 'entries', 'amount', 'picture'] as const;
const slowMsMax = 30;

/** What is watched: a key, a prefix, a key of the further view, or a query. */
export type WatchedKind = (typeof kinds)[number];

/** The key of the further view that is watched. */
export const watchedAmount = 5;

/** See the head of this file. */
export class Watcher {
  readonly #house: House<Ledger>;
  readonly #space: SpaceHandle<Ledger>;
  readonly #abort = new AbortController();
  readonly kind: WatchedKind;
  /** What it was shown, and how many events of the space were on disk then. */
  readonly seen: { readonly value: unknown; readonly onDisk: number }[] = [];
  /** The code of the error that has ended it. */
  endedBy: string | undefined;
  /** Events of the space when it ended. */
  endedAt = 0;
  readonly ended: Promise<void>;

  constructor(house: House<Ledger>, space: SpaceHandle<Ledger>) {
    this.#house = house;
    this.#space = space;
    this.kind = house.random.pick(kinds);
    this.ended = this.#watch();
  }

  get spaceName(): string {
    return this.#space.spaceName;
  }

  /** It may not have been shown what there is: nothing can be said of what is no whole picture, so all get their time. */
  get isBehind(): boolean {
    const last = this.seen.at(-1)?.value as { main?: { last?: number } } | number | undefined;
    if (this.kind === 'last') return (last ?? 0) !== this.#onDisk;
    if (this.kind === 'picture')
      return ((last as { main?: { last?: number } })?.main?.last ?? 0) !== this.#onDisk;
    return true;
  }

  abort(): void {
    this.#abort.abort();
  }

  async #watch(): Promise<void> {
    const { random, scheduler } = this.#house;
    try {
      for await (const value of this.#values()) {
        this.seen.push({ value, onDisk: this.#onDisk });
        const pauseMs = random.oneIn(2) ? 0 : random.fraction() * slowMsMax;
        if (pauseMs > 0) await new Promise<void>((resolve) => scheduler.plan(pauseMs, resolve));
      }
    } catch (error) {
      this.endedBy = isRamaxError(error) ? error.code : String(error);
    }
    this.endedAt = this.#onDisk;
  }

  #values(): AsyncIterable<unknown> {
    const { signal } = this.#abort;
    switch (this.kind) {
      case 'last':
        return this.#space.watch('last', { signal });
      case 'entries':
        return this.#space.watch({ prefix: 'entry:' }, { signal });
      case 'amount':
        return this.#space.watch(`amount:${watchedAmount}`, { view: 'amounts', signal });
      case 'picture':
        return this.#space.watch({ query: 'picture' }, { signal });
    }
  }

  get #onDisk(): number {
    return this.#house.disk.log.spaceIndex.get(this.#space.spaceId)?.length ?? 0;
  }
}

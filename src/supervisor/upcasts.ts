/**
 * Events of older shapes on their way to readers in main: they are sent to the thread that has the app's upcasters, and come back as what
 * they are now. Main runs none of them.
 *
 * A page without such events, as nearly all are, stays as it is: main knows the present versions from the app's description.
 */

import type { EventVersions } from '../core/upcasters.js';
import type { StoredEvent } from '../event-store/port.js';
import { EarlierStored, type EventUpcaster, type ReadableEvent } from '../event-store/upcasting.js';

/** See the head of this file. */
export class Upcasts {
  readonly #described: () => { readonly eventVersions?: EventVersions };
  readonly #open: () => EventUpcaster;
  #upcaster: EventUpcaster | undefined;
  #known: EventVersions | undefined;
  #versions: ReadonlyMap<string, number> = new Map();

  /**
   * @param described what is known of the app
   * @param open is called when the first such event is met
   */
  constructor(described: () => { readonly eventVersions?: EventVersions }, open: () => EventUpcaster) {
    this.#described = described;
    this.#open = open;
  }

  /**
   * The events of a page, those of older shapes with what they are now. Payloads are open, or `isOpen` says which are.
   *
   * @throws {RamaxError} `unavailable`, `closed`
   */
  async of(
    page: readonly StoredEvent[],
    isOpen: (event: StoredEvent) => boolean,
  ): Promise<readonly ReadableEvent[]> {
    const versions = this.#presentVersions();
    if (versions === undefined) return page;
    const isEarlier = ({ type, version }: StoredEvent): boolean => version !== (versions.get(type) ?? 1);
    if (!page.some(isEarlier)) return page;
    const earlier = page.filter((event) => isEarlier(event) && isOpen(event));
    if (earlier.length === 0) return page;
    this.#upcaster ??= this.#open();
    const made = await this.#upcaster.upcast(earlier);
    const madeOf = new Map(earlier.map((event, index) => [event, made[index]]));
    return page.map((event) => {
      const upcasted = madeOf.get(event);
      return upcasted === undefined ? event : new EarlierStored(event, upcasted);
    });
  }

  async close(): Promise<void> {
    await this.#upcaster?.close();
  }

  /** The types that have upcasters, with their present versions. */
  get versions(): EventVersions | undefined {
    return this.#described().eventVersions;
  }

  /** Undefined: the app looks after versions itself. */
  #presentVersions(): ReadonlyMap<string, number> | undefined {
    const { eventVersions } = this.#described();
    if (eventVersions === undefined) return undefined;
    if (eventVersions !== this.#known) {
      this.#known = eventVersions;
      this.#versions = new Map(eventVersions);
    }
    return this.#versions;
  }
}

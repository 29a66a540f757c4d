/**
 * A bounded map that forgets what was not used lately.
 *
 * A hit costs one map lookup and a flag, because reads are the hot path. The price is paid when room is needed: the
 * hand goes over the keys from the oldest on, gives each that was used a second chance at the end of the line, and
 * forgets the first that was not.
 *
 * Invariants: never more than `entriesMax` entries; making room takes at most `secondChancesMax` + 1 steps, so that
 * no single turn pays for all hits of the past.
 */

interface Slot<Held> {
  held: Held;
  used: boolean;
}

const secondChancesMax = 8;

/** See the file's header. `Held` must not include undefined. */
export class SecondChanceCache<Held> {
  readonly #entriesMax: number;
  readonly #slots = new Map<string, Slot<Held>>();
  /**
   * Stands before the oldest key, because every key that it passes is forgotten or moved to the end. It is kept from
   * one eviction to the next: a new iterator would skip all the holes at the front again.
   */
  #hand: Iterator<string> | undefined;

  constructor(entriesMax: number) {
    this.#entriesMax = entriesMax;
  }

  get size(): number {
    return this.#slots.size;
  }

  /** Whether one more key fits without forgetting another. */
  get hasRoom(): boolean {
    return this.#slots.size < this.#entriesMax;
  }

  /** What is held for `key`, and counts as a use of it. */
  get(key: string): Held | undefined {
    const slot = this.#slots.get(key);
    if (slot === undefined) return undefined;
    slot.used = true;
    return slot.held;
  }

  /** What is held for `key`, without counting as a use. */
  peek(key: string): Held | undefined {
    return this.#slots.get(key)?.held;
  }

  /** Holds `held` for `key`. Returns false when something had to be forgotten for it. */
  set(key: string, held: Held): boolean {
    const slot = this.#slots.get(key);
    if (slot !== undefined) {
      slot.held = held;
      return true;
    }
    if (this.#entriesMax === 0) return false;
    const fits = this.hasRoom;
    if (!fits) this.#forgetOne();
    this.#slots.set(key, { held, used: false });
    return fits;
  }

  delete(key: string): void {
    // A hand that does not move would keep every outgrown table of the map alive.
    if (this.#slots.delete(key)) this.#hand = undefined;
  }

  clear(): void {
    this.#slots.clear();
    this.#hand = undefined;
  }

  #forgetOne(): void {
    for (let chances = secondChancesMax; ; chances--) {
      const key = this.#oldestKey();
      const slot = this.#slots.get(key);
      this.#slots.delete(key);
      if (slot === undefined || !slot.used || chances === 0) return;
      slot.used = false;
      this.#slots.set(key, slot);
    }
  }

  #oldestKey(): string {
    this.#hand ??= this.#slots.keys();
    const step = this.#hand.next();
    if (step.done !== true) return step.value;
    this.#hand = undefined;
    return this.#oldestKey();
  }
}

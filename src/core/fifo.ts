/** A first-in-first-out queue whose operations cost the same at any length. */
export class Fifo<Item> {
  #items: (Item | undefined)[] = [];
  #first = 0;

  get size(): number {
    return this.#items.length - this.#first;
  }

  push(item: Item): void {
    this.#items.push(item);
  }

  /** The item at `index` from the front, without taking it. */
  peek(index = 0): Item | undefined {
    return this.#items[this.#first + index];
  }

  /** Up to `count` items from the front, without taking them. */
  peekMany(count: number): Item[] {
    return this.#items.slice(this.#first, this.#first + count) as Item[];
  }

  shift(): Item | undefined {
    const item = this.#items[this.#first];
    if (item === undefined) return undefined;
    // Let go at once: what is held here survives into the old generation.
    this.#items[this.#first++] = undefined;
    // Their places are let go in one slice, once they are the larger part.
    if (this.#first >= 1_024 && this.#first * 2 >= this.#items.length) {
      this.#items = this.#items.slice(this.#first);
      this.#first = 0;
    } else if (this.#first === this.#items.length) {
      this.#items.length = 0;
      this.#first = 0;
    }
    return item;
  }

  /** Takes everything. */
  takeAll(): Item[] {
    const items = this.#items.slice(this.#first) as Item[];
    this.#items = [];
    this.#first = 0;
    return items;
  }
}

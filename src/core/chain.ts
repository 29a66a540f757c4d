/**
 * A chain: a doubly linked list whose nodes are the items themselves, so that an item that comes and goes costs no object and no
 * place in a table.
 *
 * Used where every call passes. A `Set` of calls is dearer than its time tells: it goes over to a larger or fresher table now and
 * then, and the old one, once it has grown old for the garbage collector, keeps everything alive that was in it.
 */

/** What can be in a chain; in one at a time. The fields belong to the chain. */
export interface Chained<Item> {
  before: Item | undefined;
  after: Item | undefined;
}

/** See the head of this file. */
export class Chain<Item extends Chained<Item>> {
  #first: Item | undefined;
  #last: Item | undefined;
  #size = 0;

  get first(): Item | undefined {
    return this.#first;
  }

  get size(): number {
    return this.#size;
  }

  push(item: Item): void {
    item.before = this.#last;
    if (this.#last === undefined) this.#first = item;
    else this.#last.after = item;
    this.#last = item;
    this.#size++;
  }

  /** Takes out an item that is in this chain. */
  remove(item: Item): void {
    if (item.before === undefined) this.#first = item.after;
    else item.before.after = item.after;
    if (item.after === undefined) this.#last = item.before;
    else item.after.before = item.before;
    item.before = undefined;
    item.after = undefined;
    this.#size--;
  }

  /** All that are in it now, in order. */
  toArray(): Item[] {
    const items: Item[] = [];
    for (let item = this.#first; item !== undefined; item = item.after) items.push(item);
    return items;
  }
}

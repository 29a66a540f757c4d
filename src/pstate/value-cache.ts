/**
 * The decoded values that one shard keeps in memory, over all views of all its spaces: one budget, and whichever was
 * not used for the longest time goes, wherever it belongs.
 *
 * Owned by the shard; each stored view has a *section* of it. A section has its own map of keys, so that views cannot
 * meet each other's values; the nodes of all sections are one chain, from the newest use to the oldest.
 *
 * Invariants:
 *   - Never more than `entriesMax` entries or `bytesMax` bytes; what alone is larger than that is not held.
 *   - Entries and bytes are the sums over the nodes, and each node is in the chain and in its section's map or in
 *     neither.
 *   - The order is exact: what is forgotten has been used longer ago than everything that is held.
 *   - A section is told of each of its entries that had to go for others, also for those of another section.
 *   - Only what the store holds is here. Changes that it does not hold yet are layers above, and no cache.
 */

import { checkInteger } from '../core/names.js';
import type { Known } from './change-layer.js';

/** What one entry costs besides its key and value: its node and its place in a map. */
const entryBytes = 64;

/** The bounds of a cache. */
export interface ValueCacheOptions {
  /** Entries of all sections together. 0 holds nothing. */
  readonly entriesMax: number;
  /** Bytes of all sections together: values as `valueBytesMax` counts them or as they are stored, keys, and 64 for each entry. */
  readonly bytesMax: number;
}

/** Numbers about a cache, for telemetry. */
export interface ValueCacheStats {
  readonly entries: number;
  readonly bytes: number;
  /** Reads of states that memory answered: this cache, or changes that are not stored yet. */
  readonly hits: number;
  /** Reads that went to the store. */
  readonly misses: number;
  /** The part of all reads that memory answered, from 0 to 1; 0 before the first read. */
  readonly hitRate: number;
  /** Entries that were forgotten to make room. */
  readonly evictions: number;
}

/**
 * See the file's header.
 *
 * @example
 * ```ts
 * const cache = new ValueCache({ entriesMax: 500_000, bytesMax: 256 * 1024 * 1024 });
 * const pstate = new PState({ spaceId: 1, view: { name: 'main', version: 1 }, store, cache });
 * cache.stats; // { entries: 0, bytes: 0, … }
 * ```
 */
export class ValueCache {
  readonly #entriesMax: number;
  readonly #bytesMax: number;
  /** Closes the chain to a ring: after it the newest use, before it the oldest. */
  readonly #ends: CacheNode = new CacheNode(undefined, '', null, 0);
  #entries = 0;
  #bytes = 0;
  #hits = 0;
  #misses = 0;
  #evictions = 0;

  /** @throws {RamaxError} `invalid_input` for a bound that is no integer from 0 on */
  constructor({ entriesMax, bytesMax }: ValueCacheOptions) {
    checkInteger(entriesMax, 'entriesMax', 0);
    checkInteger(bytesMax, 'bytesMax', 0);
    this.#entriesMax = entriesMax;
    this.#bytesMax = bytesMax;
  }

  get stats(): ValueCacheStats {
    return {
      entries: this.#entries,
      bytes: this.#bytes,
      hits: this.#hits,
      misses: this.#misses,
      hitRate: this.#hits / Math.max(1, this.#hits + this.#misses),
      evictions: this.#evictions,
    };
  }

  /** A new section. `onEvicted` is called when one of its entries is not held any more although nobody took it out. */
  section(onEvicted: () => void): CacheSection {
    return new CacheSection(this, onEvicted);
  }

  /** For states: counts a read that memory answered. */
  countHit(): void {
    this.#hits++;
  }

  /** For states: counts reads that went to the store. */
  countMisses(reads: number): void {
    this.#misses += reads;
  }

  /** For sections: whether an entry of this size can be held at all. */
  takes(bytes: number): boolean {
    return this.#entriesMax > 0 && bytes <= this.#bytesMax;
  }

  /** For sections: whether an entry of this size fits without forgetting another. */
  hasRoom(bytes: number): boolean {
    return this.#entries < this.#entriesMax && this.#bytes + bytes <= this.#bytesMax;
  }

  /** For sections: a node comes in as the newest, and the oldest ones go until the bounds hold. */
  add(node: CacheNode): void {
    this.#entries++;
    this.#bytes += node.bytes;
    this.#link(node);
    this.#makeRoom();
  }

  /** For sections: a node has been used. */
  use(node: CacheNode): void {
    if (this.#ends.next === node) return;
    unlink(node);
    this.#link(node);
  }

  /** For sections: a node that is the newest has another size now. */
  resize(node: CacheNode, bytes: number): void {
    this.#bytes += bytes - node.bytes;
    node.bytes = bytes;
    this.#makeRoom();
  }

  /** For sections: a node goes. */
  remove(node: CacheNode): void {
    this.#entries--;
    this.#bytes -= node.bytes;
    unlink(node);
  }

  #link(node: CacheNode): void {
    const ends = this.#ends;
    const second = ends.next;
    node.previous = ends;
    node.next = second;
    second.previous = node;
    ends.next = node;
  }

  /** The newest node is never reached: alone it is within the bounds. */
  #makeRoom(): void {
    while (this.#entries > this.#entriesMax || this.#bytes > this.#bytesMax) {
      const oldest = this.#ends.previous;
      this.remove(oldest);
      this.#evictions++;
      oldest.section?.evicted(oldest);
    }
  }
}

/** The entries of one view of one space in the cache of its shard. */
export class CacheSection {
  readonly #cache: ValueCache;
  readonly #onEvicted: () => void;
  readonly #nodes = new Map<string, CacheNode>();
  #closed = false;

  /** Called by `ValueCache.section`. */
  constructor(cache: ValueCache, onEvicted: () => void) {
    this.#cache = cache;
    this.#onEvicted = onEvicted;
  }

  get size(): number {
    return this.#nodes.size;
  }

  /** What is held for `key`, and counts as a use of it. */
  get(key: string): Known | undefined {
    const node = this.#nodes.get(key);
    if (node === undefined) return undefined;
    this.#cache.use(node);
    return node.known;
  }

  /** What is held for `key`, without counting as a use. */
  peek(key: string): Known | undefined {
    return this.#nodes.get(key)?.known;
  }

  /** Holds `known` for `key`, as the newest use. What is too large is not held, and nothing older in its place. */
  set(key: string, known: Known, valueSize: number): void {
    const bytes = sizeOf(key, valueSize);
    const node = this.#nodes.get(key);
    if (this.#closed || !this.#cache.takes(bytes)) {
      this.delete(key);
      this.#onEvicted();
    } else if (node === undefined) {
      this.#add(new CacheNode(this, key, known, bytes));
    } else {
      node.known = known;
      this.#cache.use(node);
      this.#cache.resize(node, bytes);
    }
  }

  /** Holds `known` for `key`, which is not held, where that drives nothing out. */
  fill(key: string, known: Known, valueSize: number): void {
    const bytes = sizeOf(key, valueSize);
    if (this.#cache.hasRoom(bytes)) this.set(key, known, valueSize);
  }

  delete(key: string): void {
    const node = this.#nodes.get(key);
    if (node === undefined) return;
    this.#nodes.delete(key);
    this.#cache.remove(node);
  }

  /** Takes everything out: its room goes to the other sections. */
  clear(): void {
    for (const node of this.#nodes.values()) this.#cache.remove(node);
    this.#nodes.clear();
  }

  /** Takes everything out, and holds nothing from now on. */
  close(): void {
    this.clear();
    this.#closed = true;
  }

  /** Called by the cache, which has forgotten this node. */
  evicted(node: CacheNode): void {
    this.#nodes.delete(node.key);
    this.#onEvicted();
  }

  #add(node: CacheNode): void {
    this.#nodes.set(node.key, node);
    this.#cache.add(node);
  }
}

/** One entry: in the map of its section and in the chain of the cache. */
class CacheNode {
  readonly section: CacheSection | undefined;
  readonly key: string;
  known: Known;
  bytes: number;
  next: CacheNode = this;
  previous: CacheNode = this;

  constructor(section: CacheSection | undefined, key: string, known: Known, bytes: number) {
    this.section = section;
    this.key = key;
    this.known = known;
    this.bytes = bytes;
  }
}

function unlink(node: CacheNode): void {
  node.previous.next = node.next;
  node.next.previous = node.previous;
}

function sizeOf(key: string, valueSize: number): number {
  return key.length + valueSize + entryBytes;
}

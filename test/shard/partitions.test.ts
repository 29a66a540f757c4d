import { describe, expect, it, vi } from 'vitest';
import { RamaxError } from '../../src/core/errors.js';
import { MemoryPStateStore } from '../../src/pstate/memory/memory-pstate-store.js';
import type { PStateStore } from '../../src/pstate/port.js';
import { Partitions } from '../../src/shard/partitions.js';

const view = { name: 'main', version: 1, build: 1 };
const next = { ...view, build: 2 };
const flush = {
  view,
  clear: false,
  puts: [['key', new Uint8Array([1])] as const],
  deletes: [],
  checkpoint: { lastEventId: 1, lastSpaceSequence: 1 },
};

describe('the partitions of a shard', () => {
  it('are opened with their first space, and give all their spaces the same store', () => {
    const opened: number[] = [];
    const open = (partition: number): MemoryPStateStore => {
      opened.push(partition);
      return new MemoryPStateStore();
    };
    const partitions = new Partitions(open, () => {});
    expect(partitions.of(5)).toBe(partitions.of(21));
    expect(partitions.of(6)).not.toBe(partitions.of(5));
    expect(opened).toEqual([5, 6]);
  });

  it('are let go together, and opened anew after that', () => {
    const stores: MemoryPStateStore[] = [];
    const open = (): MemoryPStateStore => {
      stores.push(new MemoryPStateStore());
      return stores.at(-1)!;
    };
    const partitions = new Partitions(open, () => {});
    partitions.of(1);
    partitions.of(2);
    const closed = stores.map((store) => vi.spyOn(store, 'close'));
    partitions.close();
    for (const close of closed) expect(close).toHaveBeenCalledTimes(1);
    partitions.of(1);
    expect(stores).toHaveLength(3);
  });

  it('pass every call on to their store', () => {
    const store = new MemoryPStateStore();
    const partition = new Partitions(
      () => store,
      () => {},
    ).of(1);
    partition.flush(1, [flush]);
    expect(partition.get(1, view, 'key')).toEqual(new Uint8Array([1]));
    expect(partition.getMany(1, view, ['key', 'none'])).toEqual([new Uint8Array([1]), undefined]);
    expect(partition.count(1, view)).toBe(1);
    expect(partition.scan(1, view, { prefix: '', after: undefined, limit: 5 })).toHaveLength(1);
    expect(partition.listSpaces(0, 5)).toEqual([1]);
    expect(partition.listSpaces(1, 5)).toEqual([]);
    partition.skip(1, view, 4);
    expect(partition.skips(1, view)).toEqual([4]);
    partition.flush(1, [{ ...flush, view: next, state: 'building' }]);
    partition.swap(1, [next]);
    const states = () => partition.builds(1).map(({ state }) => state);
    expect(states()).toEqual(['retired', 'live']);
    partition.retire(1, [next]);
    expect(states()).toEqual(['retired', 'retired']);
    expect(partition.sweep(1, 2)).toEqual({ done: false });
    expect(states()).toEqual(['retired']);
    expect(partition.dropSpace(1, 100)).toEqual({ done: true });
    expect(partition.skips(1, view)).toEqual([]);
    partition.close();
    expect(() => partition.count(1, view)).toThrow(RamaxError);
  });

  it.each<readonly [what: string, write: (store: PStateStore) => unknown]>([
    ['a flush', (store) => store.flush(1, [flush])],
    ['a swap', (store) => store.swap(1, [view])],
    ['a retirement', (store) => store.retire(1, [view])],
    ['a sweep', (store) => store.sweep(1, 10)],
    ['a skip', (store) => store.skip(1, view, 1)],
    ['a deletion', (store) => store.dropSpace(1, 10)],
  ])('tell of %s that a newer owner does not allow, and throw all the same', (_what, write) => {
    const store = new MemoryPStateStore({ fence: 1 });
    const told: RamaxError[] = [];
    const partition = new Partitions(
      () => store,
      (error) => told.push(error),
    ).of(1);
    new MemoryPStateStore({ data: store.data, fence: 2 });
    expect(() => write(partition)).toThrow(RamaxError);
    expect(told.map(({ code }) => code)).toEqual(['fenced']);
  });
});

import { describe, expect, it } from 'vitest';
import { MemoryPStateStore } from '../../../src/pstate/memory/memory-pstate-store.js';
import { flushOf, pstateStoreContract } from '../pstate-store.contract.js';
import { memoryBed } from '../store-bed.js';

describe('the projection store in memory', () => {
  pstateStoreContract(memoryBed);

  it('starts with nothing when no data is given, and needs no owner', () => {
    const store = new MemoryPStateStore();
    store.flush(1, [flushOf({ puts: { a: '1' } })]);
    const main = { name: 'main', version: 1, build: 1 };
    expect(new MemoryPStateStore().count(1, main)).toBe(0);
    expect(new MemoryPStateStore({ data: store.data }).count(1, main)).toBe(1);
  });
});

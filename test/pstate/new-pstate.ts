import { defaultLimits } from '../../src/core/limits.js';
import { MemoryPStateStore } from '../../src/pstate/memory/memory-pstate-store.js';
import type { PStateStore } from '../../src/pstate/port.js';
import { PState, type PStateLimits, type PStateOptions } from '../../src/pstate/pstate.js';

/** The main view of space 1 over `store`. */
export function newPState(
  store: PStateStore = new MemoryPStateStore(),
  limits: Partial<PStateLimits> = {},
  options: Partial<PStateOptions> = {},
): PState {
  return new PState({
    spaceId: 1,
    view: { name: 'main', version: 1 },
    store,
    limits: { ...defaultLimits, ...limits },
    ...options,
  });
}

/** A store that has these entries already. */
export function storeWith(entries: Readonly<Record<string, unknown>>): MemoryPStateStore {
  const store = new MemoryPStateStore();
  const pstate = newPState(store);
  pstate.putMany(Object.entries(entries));
  pstate.flush();
  return store;
}

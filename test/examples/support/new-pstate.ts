import { MemoryPStateStore } from '../../../src/pstate/memory/memory-pstate-store.js';
import { PState, type PStateOptions } from '../../../src/pstate/pstate.js';

/** One view of one space, over memory. */
export function newPState(name = 'main', schema?: unknown): PState {
  return new PState({
    spaceId: 1,
    view: { name, version: 1 },
    store: new MemoryPStateStore(),
    // Of the build that the app imports, not of the sources that the tests import: the same interface, another copy.
    schema: schema as PStateOptions['schema'],
  });
}

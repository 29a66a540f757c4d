/**
 * A store of projections whose values are sealed: what lies in the file needs the key of the space. Keys of entries, names of
 * views and checkpoints lie open.
 *
 * Used for one space: its cipher is the space's.
 */

import { type Cipher, entryPlace } from '../core/cipher.js';
import type { PStateStore, ViewBuild } from './port.js';

/** `store` with values that are sealed on their way in and opened on their way out. */
export function sealedPStateStore(store: PStateStore, cipher: Cipher): PStateStore {
  const open = (view: ViewBuild, key: string, sealed: Uint8Array | undefined): Uint8Array | undefined =>
    sealed === undefined ? undefined : cipher.open(sealed, entryPlace(view.name, key));
  return {
    get epoch() {
      return store.epoch ?? 0;
    },
    get: (spaceId, view, key) => open(view, key, store.get(spaceId, view, key)),
    getMany: (spaceId, view, keys) =>
      store.getMany(spaceId, view, keys).map((sealed, index) => open(view, keys[index] ?? '', sealed)),
    scan: (spaceId, view, range) =>
      store
        .scan(spaceId, view, range)
        .map(([key, sealed]) => [key, cipher.open(sealed, entryPlace(view.name, key))] as const),
    count: (spaceId, view) => store.count(spaceId, view),
    builds: (spaceId) => store.builds(spaceId),
    listSpaces: (after, limit) => store.listSpaces(after, limit),
    flush: (spaceId, views) =>
      store.flush(
        spaceId,
        views.map((view) => ({
          ...view,
          puts: view.puts.map(
            ([key, plain]) => [key, cipher.seal(plain, entryPlace(view.view.name, key))] as const,
          ),
        })),
      ),
    swap: (spaceId, views) => store.swap(spaceId, views),
    retire: (spaceId, views) => store.retire(spaceId, views),
    sweep: (spaceId, rowsMax) => store.sweep(spaceId, rowsMax),
    skip: (spaceId, view, spaceSequence) => store.skip(spaceId, view, spaceSequence),
    skips: (spaceId, view) => store.skips(spaceId, view),
    dropSpace: (spaceId, rowsMax) => store.dropSpace(spaceId, rowsMax),
    scrub: (rewriteBytesMax) => store.scrub(rewriteBytesMax),
    close: () => store.close(),
  };
}

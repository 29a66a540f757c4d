/** The CMS as a running system. */

import { Ramax } from 'ramax';
import { sqlite } from 'ramax/storage/sqlite';
import type { StartOptions } from '../demo/run-context.js';
import type cms from './cms.app.js';

/** Starts the CMS on a directory; `close()` it, or hold it with `await using`. */
export function startCms({ directory, shards }: StartOptions) {
  return Ramax.start<typeof cms>({
    app: new URL('./cms.app.js', import.meta.url),
    storage: sqlite({ directory }),
    ...(shards === undefined ? {} : { shards }),
  });
}

export type Cms = Awaited<ReturnType<typeof startCms>>;

/** One site: a space. */
export type Site = Awaited<ReturnType<Cms['spaces']['getOrCreate']>>;

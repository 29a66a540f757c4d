/** `Ramax.start`: the runtime on Node's threads, clock and modules. */

import { availableParallelism } from 'node:os';
import type { App } from '../core/define-app.js';
import { type RamaxOptions, RamaxRuntime } from '../supervisor/ramax.js';
import { diagnosticChannels } from './diagnostic-channels.js';
import { loadAdapter } from './load-module.js';
import { nodePlatform } from './node-platform.js';
import { workerHost } from './worker-host.js';

/** A running runtime. */
export type Ramax<A extends App = App> = RamaxRuntime<A>;

/**
 * The runtime.
 *
 * @example
 * ```ts
 * await using ramax = await Ramax.start<typeof crm>({
 *   app: new URL('./crm.app.js', import.meta.url),
 *   storage: sqlite({ directory: './data' }),
 * });
 * ```
 */
export const Ramax = {
  /**
   * Starts a runtime: owns the data directory, opens the log, starts the shards, and finishes what an earlier runtime
   * has left unfinished. On an existing directory it resumes where that one ended.
   *
   * @throws {RamaxError} `invalid_input`; `invalid_app`; `already_owned` with the owner's pid; `storage_unsuitable`;
   *   `format_newer`; `corrupt`; `witness_missing`; `storage`; `unavailable`
   */
  start<A extends App>(options: RamaxOptions): Promise<Ramax<A>> {
    return RamaxRuntime.startOn<A>(
      {
        platform: nodePlatform,
        host: workerHost,
        loadAdapter,
        cores: availableParallelism(),
        channels: diagnosticChannels,
      },
      options,
    );
  },
};

/** What every run of the demo is given. */

import type { DemoOptions } from './options.js';

/** What a run works with. */
export interface RunContext {
  readonly options: DemoOptions;
  readonly directory: string;
  /** Aborted when the run is to stop early: it then drains and reports what there is. */
  readonly signal: AbortSignal;
}

/** What starting a runtime takes. */
export interface StartOptions {
  readonly directory: string;
  /** Shard threads; undefined leaves the choice to the runtime. */
  readonly shards: number | undefined;
}

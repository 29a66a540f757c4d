/** Who verifies, as main sees it: a thread of its own, or main itself for a log that no other thread can look at. */

import type { Platform } from '../core/clock.js';
import { yieldToPorts } from '../core/clock.js';
import type { Limits } from '../core/limits.js';
import type { LogReader } from '../event-store/port.js';
import { plainInspector } from './plain-inspector.js';
import type { VerifyReport } from './report.js';
import { verifyRegistry, verifySpace } from './verify-space.js';

/** What to verify. */
export interface VerifyRequest {
  /** Undefined: what is of no one space. */
  readonly space: { readonly spaceId: number; readonly spaceName: string } | undefined;
  /** Compare the stored views with their events. */
  readonly views: boolean;
  /** Have the storage look at its pages, too. */
  readonly pages: boolean;
}

/** A verification under way. */
export interface VerifyRun {
  readonly report: Promise<VerifyReport>;
  /** Events and entries looked at so far. */
  readonly items: number;
  /** It ends soon, with `aborted`. */
  cancel(): void;
}

/** See the head of this file. */
export interface Verifier {
  start(request: VerifyRequest): VerifyRun;
  close(): Promise<void>;
}

/** Verifies in this thread, the log alone, and lets others have it between two looks. */
export function localVerifier(reader: LogReader, platform: Platform, limits: Limits): Verifier {
  const log = plainInspector(reader);
  return {
    start({ space, pages }) {
      const state = { items: 0, isCancelled: false };
      const control = {
        advanced: (items: number) => {
          state.items += items;
        },
        get isCancelled() {
          return state.isCancelled;
        },
        rest: () => yieldToPorts(platform.clock),
      };
      const report =
        space === undefined
          ? verifyRegistry(log, { pages })
          : verifySpace(space, { log, platform, limits }, control);
      return {
        report,
        get items() {
          return state.items;
        },
        cancel() {
          state.isCancelled = true;
        },
      };
    },
    close: async () => {},
  };
}

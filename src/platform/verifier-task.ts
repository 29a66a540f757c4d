import type { ErrorData } from '../core/errors.js';
import type { Limits } from '../core/limits.js';
import type { VerifyReport } from '../reader/report.js';
import type { VerifyRequest } from '../reader/verifier.js';
import type { StorageRef } from '../storage/adapter.js';

/** A verification, as it crosses to its thread. */
export interface VerifierTask {
  readonly storage: StorageRef;
  /** URL of the app module. */
  readonly app: string;
  readonly limits: Limits;
  readonly request: VerifyRequest;
  /** Two integers that both threads see: see `verifierSignals`. */
  readonly signals: SharedArrayBuffer;
}

/** Places in `VerifierTask.signals`: not 0 when it is to end; events and entries looked at. */
export const verifierSignals = { cancelled: 0, items: 1, count: 2 } as const;

/** What comes back: an error that is thrown would lose its code. */
export type VerifierAnswer = { readonly report: VerifyReport } | { readonly error: ErrorData };

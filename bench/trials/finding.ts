/** What a trial hands to its process. */

import type { TrialResult } from '../trial-spec.js';

/** Figures, and latencies where somebody waited. The process adds its own resident size unless the trial says one. */
export type Finding = Pick<TrialResult, 'figures'> & Partial<TrialResult>;

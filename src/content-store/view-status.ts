import type { ErrorData } from '../core/errors.js';

/** How one view of one space stands. */
export interface ViewStatus {
  readonly view: string;
  /** The version that the app has. */
  readonly version: number;
  /**
   * `live`: it follows every event. `building`: it is filled from the log and takes its place when it has caught up.
   * `stopped`: a projection threw, and `error` says where; it goes on with a fixed app, or when the event is skipped.
   */
  readonly state: 'live' | 'building' | 'stopped';
  /** The last sequence that it has applied. */
  readonly spaceSequence: number;
  /** Events that it has not applied yet. */
  readonly lag: number;
  /** What readers get: the view as of this sequence, perhaps still of an older version. Undefined: an error. */
  readonly serves: { readonly version: number; readonly spaceSequence: number } | undefined;
  readonly error: ErrorData | undefined;
  /** The projections have changed since the view was made, but its version was not raised: it is a mixture of both. */
  readonly isChanged: boolean;
}

/**
 * The port of verification for stored projections: what lies there, right or wrong, beside the shard that owns it. Every call is one
 * bounded look in a snapshot of its own.
 */

import type { KeyRange, StoredBuild, ViewBuild, ViewRef } from './port.js';

/** Some entries of a build, and how far the build was when they were read. */
export interface InspectedPage {
  /** Undefined: the build is not there any more. */
  readonly build: StoredBuild | undefined;
  /** The value is undefined where it fails its checksum. */
  readonly entries: readonly (readonly [key: string, value: Uint8Array | undefined])[];
}

/** See the head of this file. */
export interface PStateInspector {
  builds(spaceId: number): readonly StoredBuild[];
  skips(spaceId: number, view: ViewRef): readonly number[];
  page(spaceId: number, view: ViewBuild, range: KeyRange): InspectedPage;
  /** What is wrong with the pages of the file. */
  structure(): readonly string[];
  close(): void;
}

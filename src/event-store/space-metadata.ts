/** The metadata of a space as text: what every adapter stores, so that all give back the same. */

import { RamaxError } from '../core/errors.js';
import { freezeValue, type Value } from '../core/values.js';

/** Metadata was checked when it came in; reading back must not fail on a bound that was lowered since. */
const readLimits = { valueBytesMax: Number.MAX_SAFE_INTEGER, valueDepthMax: 1_024 };

/** Metadata as JSON text. */
export function metadataText(metadata: Readonly<Record<string, Value>>): string {
  return JSON.stringify(metadata);
}

/**
 * The frozen metadata in `text`.
 *
 * @throws {RamaxError} `corrupt` when the text is no JSON
 */
export function parseMetadataText(text: string): Readonly<Record<string, Value>> {
  try {
    const metadata = freezeValue(JSON.parse(text), 'stored metadata', readLimits);
    return metadata as Readonly<Record<string, Value>>;
  } catch (cause) {
    throw new RamaxError('corrupt', 'the stored metadata of a space cannot be read', { cause });
  }
}

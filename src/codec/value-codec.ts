/**
 * Values to bytes and back, for event payloads and PState values on disk. This folder is the one door to msgpackr.
 *
 * It packs only what `freezeValue` has let through (JSON values), because msgpackr changes or leaks other things
 * silently. What it unpacks is frozen, so that it can be handed to app code without another copy.
 */

import { Packr } from 'msgpackr';
import { RamaxError } from '../core/errors.js';
import { defaultLimits } from '../core/limits.js';
import { freezeValue, type Value } from '../core/values.js';

/** A value may have keys named `constructor` and `toJSON`: they are data here, whatever they stand for elsewhere. */
const packr = new Packr({
  useRecords: false,
  mapsAsObjects: true,
  variableMapSize: true,
  useToJSON: false,
});

/** Stored values were checked when they came in; reading back must not fail on a bound that was lowered since. */
const readLimits = {
  valueBytesMax: Number.MAX_SAFE_INTEGER,
  valueDepthMax: defaultLimits.valueDepthMax * 16,
};

/** `value` as msgpack bytes of its own (not a view of a shared buffer). */
export function encodeValue(value: Value): Uint8Array {
  return Uint8Array.prototype.slice.call(packr.pack(value));
}

/**
 * The frozen value in `bytes`.
 *
 * @throws {RamaxError} `corrupt` when the bytes are no value
 */
export function decodeValue(bytes: Uint8Array): Value {
  try {
    return freezeValue(packr.unpack(bytes), 'stored value', readLimits);
  } catch (cause) {
    throw new RamaxError('corrupt', 'stored bytes cannot be decoded', { cause });
  }
}

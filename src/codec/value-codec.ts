/**
 * Values to bytes and back, for event payloads and PState values on disk. This folder is the one door to msgpackr.
 *
 * It packs only what `freezeValue` has let through (JSON values), because msgpackr changes or leaks other things
 * silently. What it unpacks is frozen, so that it can be handed to app code without another copy.
 */

import { Packr } from 'msgpackr';
import { RamaxError } from '../core/errors.js';
import { freezeDecoded } from '../core/freeze-decoded.js';
import type { Value } from '../core/values.js';

/** A value may have keys named `constructor` and `toJSON`: they are data here, whatever they stand for elsewhere. */
const packr = new Packr({
  useRecords: false,
  mapsAsObjects: true,
  variableMapSize: true,
  useToJSON: false,
});

/**
 * Encoded values lie side by side in slabs: a buffer for each would cost more than the encoding does (0.4 instead of 0.8 µs for a
 * value of 75 bytes, and less for the garbage collector). A slab lives as long as any value in it is held.
 */
const slabBytes = 64 * 1024;
/** A larger value has a buffer of its own, so that a small one does not keep it. */
const slabValueBytesMax = 4 * 1024;

/** msgpackr's option to give its own buffer, with the place of the value in it, instead of a view. */
const reuseBuffer = 512;

let slab = Buffer.allocUnsafeSlow(slabBytes);
let slabEnd = 0;

/** `value` as msgpack bytes that nobody writes again. Their buffer may hold others: copy what is to be transferred. */
export function encodeValue(value: Value): Uint8Array {
  const packed = packr.pack(value, reuseBuffer) as PackedPlace;
  const bytes = packed.end - packed.start;
  if (bytes > slabValueBytesMax) return Uint8Array.prototype.slice.call(packed, packed.start, packed.end);
  if (slabEnd + bytes > slabBytes) {
    slab = Buffer.allocUnsafeSlow(slabBytes);
    slabEnd = 0;
  }
  const start = slabEnd;
  slabEnd += packed.copy(slab, start, packed.start, packed.end);
  return new Uint8Array(slab.buffer, start, bytes);
}

/** msgpackr's own buffer, and where in it the value lies. */
type PackedPlace = Buffer & { readonly start: number; readonly end: number };

/** What is smaller has no branch that is worth to be remembered for long. */
const largeBytesMin = 512;

/**
 * Small values are decoded from here: msgpackr makes a view of every buffer that it has not seen, which takes longer than to copy
 * 75 bytes. What is decoded shares nothing with it: a value holds no bytes.
 */
const scratch = Buffer.allocUnsafeSlow(4 * 1024);

/**
 * The frozen value in `bytes`.
 *
 * @throws {RamaxError} `corrupt` when the bytes are no value
 */
export function decodeValue(bytes: Uint8Array): Value {
  try {
    return freezeDecoded(unpacked(bytes), bytes.length >= largeBytesMin);
  } catch (cause) {
    throw new RamaxError('corrupt', 'stored bytes cannot be decoded', { cause });
  }
}

function unpacked(bytes: Uint8Array): unknown {
  if (bytes.length > scratch.length) return packr.unpack(bytes);
  scratch.set(bytes);
  return packr.unpack(scratch, bytes.length);
}

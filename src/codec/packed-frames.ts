import { Packr } from 'msgpackr';
import { assert } from '../core/assert.js';
import type { ErrorData } from '../core/errors.js';
import { RamaxError } from '../core/errors.js';
import type { Frame, FrameCodec } from '../protocol/frames.js';

const packr = new Packr({
  useRecords: false,
  mapsAsObjects: true,
  variableMapSize: true,
  useToJSON: false,
});

/**
 * Packed bytes in a buffer of their own. msgpackr packs into a large buffer that it keeps, and a post clones the whole
 * buffer behind a view: megabytes for a message of kilobytes.
 */
function packed(value: unknown): Uint8Array {
  return Uint8Array.prototype.slice.call(packr.pack(value));
}

/** msgpack: for links that carry encoded events, whose payload bytes pass through untouched. */
export const packedFrames: FrameCodec<Frame> = {
  gather: (...frame) => frame,
  encode: packed,
  decode(message) {
    assert(message instanceof Uint8Array, 'a packed batch is bytes');
    return packr.unpack(message) as readonly Frame[];
  },
  headOf: (frame) => frame,
};

/** Packs and unpacks single bodies, for links that carry most of theirs otherwise. */
export interface PackedBodies {
  pack(body: unknown): Uint8Array;
  unpack(bytes: Uint8Array): unknown;
}

export const packedBodies: PackedBodies = { pack: packed, unpack: (bytes) => packr.unpack(bytes) };

/** What a stateless task gives back: a result as bytes, or an error as data. */
export type PackedAnswer = { readonly bytes: Uint8Array } | { readonly error: ErrorData };

/** The answer of a stateless task, packed once instead of cloned object by object. */
export const packedValues = {
  packResult: (result: unknown): PackedAnswer => ({ bytes: packed([result]) }),
  unpackAnswer(answer: unknown): unknown {
    const packed = answer as PackedAnswer;
    if ('error' in packed) throw RamaxError.fromData(packed.error);
    const [result] = packr.unpack(packed.bytes) as [unknown];
    return result;
  },
};

/**
 * What a message between threads consists of: a batch of frames, encoded once per batch. A batch of 100 costs
 * a twentieth of 100 messages, so nothing is ever posted alone except a call that hands over ports.
 */

import type { ErrorData } from '../core/errors.js';

/** One frame, told apart by its first place. `callId` counts up from 1 on the calling end. */
export type Frame =
  | readonly [kind: typeof request, callId: number, call: number, body: unknown]
  | readonly [kind: typeof reply, callId: number, body: unknown]
  | readonly [kind: typeof failure, callId: number, error: ErrorData]
  | readonly [kind: typeof progress, callId: number, body: unknown]
  | readonly [kind: typeof cancel, callId: number];

/** Asks: the index of the call in its link's table, and its request. */
export const request = 0;
/** Answers a request; its last frame. */
export const reply = 1;
/** Answers a request with an error; its last frame. */
export const failure = 2;
/** Reports on a request under way. */
export const progress = 3;
/** The caller no longer needs the answer; an answer still comes. */
export const cancel = 4;

/** Encodes batches of frames for one link. */
export interface FrameCodec {
  encode(frames: readonly Frame[]): string | Uint8Array;
  decode(message: string | Uint8Array): readonly Frame[];
}

/** Text: the cheapest carrier of JSON values, for links that carry no bytes. */
export const jsonFrames: FrameCodec = {
  encode: (frames) => JSON.stringify(frames),
  decode: (message) => JSON.parse(String(message)) as readonly Frame[],
};

/**
 * What a message between threads consists of: a batch of frames. A batch of 100 costs a twentieth of 100 messages, so nothing
 * is ever posted alone except a call that hands over ports.
 */

import type { Message } from './port.js';

/**
 * One frame. `callId` is given by the calling end, to one open call at a time; `call` is the call's number in the link's table. The body of a
 * failure is `ErrorData`; a cancellation has none.
 */
export type Frame = readonly [kind: FrameKind, callId: number, call: number, body: unknown];

export type FrameKind = typeof request | typeof reply | typeof failure | typeof progress | typeof cancel;

/** Asks. */
export const request = 0;
/** Answers a request; its last frame. */
export const reply = 1;
/** Answers a request with an error; its last frame. */
export const failure = 2;
/** Reports on a request under way. */
export const progress = 3;
/** The caller no longer needs the answer; an answer still comes. */
export const cancel = 4;

/**
 * Makes messages of frames, for one link, in two steps: each frame is gathered when it is pushed, and what was gathered is
 * encoded when the batch leaves.
 */
export interface FrameCodec<Gathered = unknown> {
  /** The frame as it waits for its batch. Throws for a frame that cannot be sent, where that is known this early. */
  gather(kind: FrameKind, callId: number, call: number, body: unknown): Gathered;
  /** Throws when they are more than one message holds, or one of them cannot be sent. */
  encode(gathered: readonly Gathered[]): Message;
  decode(message: Message): readonly Frame[];
  /** Which frame was gathered. */
  headOf(gathered: Gathered): readonly [kind: FrameKind, callId: number, ...unknown[]];
}

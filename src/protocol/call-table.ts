/** Tables of calls as types: what is asked, answered and reported, request and reply side by side (`links.ts`). */

import type { Answerable } from '../core/answerable.js';

/** The shape of one call. `Sent` is what the calling end gives, where that is not yet what the serving end gets. */
export interface Call<Request, Reply, Progress = never, Sent = Request> {
  readonly request: Request;
  readonly reply: Reply;
  readonly progress: Progress;
  readonly sent: Sent;
}

/** Calls by name. */
export type CallTable = { readonly [name: string]: Call<unknown, unknown, unknown> };

/** The request of a call. */
export type RequestOf<Table, Name extends keyof Table> = Table[Name] extends { readonly request: infer R }
  ? R
  : never;
/** What the calling end gives as the request of a call. */
export type SentOf<Table, Name extends keyof Table> = Table[Name] extends { readonly sent: infer S }
  ? S
  : never;
/** The reply of a call. */
export type ReplyOf<Table, Name extends keyof Table> = Table[Name] extends { readonly reply: infer R }
  ? R
  : never;
/** The progress reports of a call. */
export type ProgressOf<Table, Name extends keyof Table> = Table[Name] extends { readonly progress: infer P }
  ? P
  : never;

/** Who waits for the answer of one call, and hears of its progress until then. */
export interface Waiter<Reply, Progress = never> extends Answerable<Reply> {
  progressed?(progress: Progress): void;
}

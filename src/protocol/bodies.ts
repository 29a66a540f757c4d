/** The bodies of the calls that main asks of a shard most: commands and reads. */

import type { WrittenInvocation } from '../content-store/invocation.js';
import type { ErrorData } from '../core/errors.js';
import type { ReactionPlace } from '../core/reaction-id.js';
import type { ReactionResult } from '../core/reactor.js';
import type { Value } from '../core/values.js';

/** The space that a call is for. */
export interface SpaceAddress {
  readonly spaceId: number;
  readonly spaceName: string;
}

/** What a command is on its way to its shard. */
export interface SentCommand extends SpaceAddress {
  readonly invocation: WrittenInvocation;
  /** See `Invocation`. */
  readonly resentAfter: number | undefined;
}

/** Which state is read: as of this sequence; absent: now. */
export interface Moment {
  readonly at?: number | undefined;
}

/** Of which view, and when; absent: the main one. */
export interface Place extends Moment {
  readonly view?: string | undefined;
}

/** A read of one key; `depth` is for what is resolved. */
export interface KeyRead extends Place {
  readonly key: string;
  readonly depth?: number | undefined;
}

/** A query; its parameters are text until they are in the shard. */
export interface QueryRead<Params> extends Moment {
  readonly query: string;
  readonly params?: Params | undefined;
}

/** What a read found; absent: nothing. */
export interface ReadReply {
  readonly value?: Value | undefined;
}

/** A command of a reactor's handler, on its way from its shard to main. */
export interface ReactionRequest {
  readonly requestId: number;
  /** The space of the reactor. */
  readonly spaceId: number;
  /** The space of the command; absent: the reactor's own. */
  readonly spaceName?: string | undefined;
  readonly command: string;
  readonly params?: Value | undefined;
  readonly commandId: string;
  readonly causationId: string;
  readonly correlationId: string;
  /** The trace that its event is part of. */
  readonly traceparent?: string | undefined;
}

/** What became of it. */
export type ReactionAnswer =
  | { readonly requestId: number; readonly result: ReactionResult }
  | { readonly requestId: number; readonly error: ErrorData };

/** What is to become of the event that a reactor has stopped at. */
export interface ResumeReactorRequest extends ReactionPlace {
  /** It is passed over; else it is handled once more. */
  readonly isSkipped: boolean;
}

/** What reactors do for a space that main names. */
export interface ReactReply {
  /** The space is encrypted, there is something to do, and the shard has not its key. */
  readonly needsKey: boolean;
}

/** The bodies of the calls that main asks of a shard most: commands and reads. */

import type { WrittenInvocation } from '../content-store/invocation.js';
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

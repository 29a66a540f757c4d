/** What a shard is told of reactions that were under way when shards before it have died. */

import type { ReactionPlace } from './reaction-id.js';

/** A reaction that has ended its shard several times. */
export interface PoisonedReaction extends Omit<ReactionPlace, 'part'> {
  readonly kills: number;
  /** What the shard died of. */
  readonly cause: string;
}

/** See the head of this file. */
export interface ReactionVerdicts {
  /** Not made any more: their events are parked. */
  readonly poisoned: readonly PoisonedReaction[];
  /** Made one at a time, so that it shows which of them it is. */
  readonly suspected: readonly Omit<ReactionPlace, 'part'>[];
}

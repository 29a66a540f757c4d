/** Says of a reaction what is known of it from the deaths of earlier shards. */

import { RamaxError } from '../core/errors.js';
import type { ReactionPlace } from '../core/reaction-id.js';
import type { PoisonedReaction, ReactionVerdicts } from '../core/reaction-verdict.js';

export type { ReactionVerdicts } from '../core/reaction-verdict.js';

/** See the head of this file. */
export class ReactionJudge {
  readonly #poisoned: ReadonlyMap<string, PoisonedReaction>;
  readonly #suspected: ReadonlySet<string>;

  constructor({ poisoned, suspected }: ReactionVerdicts = { poisoned: [], suspected: [] }) {
    this.#poisoned = new Map(poisoned.map((reaction) => [keyOf(reaction), reaction]));
    this.#suspected = new Set(suspected.map(keyOf));
  }

  verdictOn(place: ReactionPlace): RamaxError | 'suspected' | undefined {
    if (this.#poisoned.size === 0 && this.#suspected.size === 0) return undefined;
    const poisoned = this.#poisoned.get(keyOf(place));
    if (poisoned !== undefined) return poisonedError(poisoned);
    return this.#suspected.has(keyOf(place)) ? 'suspected' : undefined;
  }
}

function keyOf({ spaceId, reactor, spaceSequence }: Omit<ReactionPlace, 'part'>): string {
  return `${spaceId} ${spaceSequence} ${reactor}`;
}

function poisonedError({ reactor, spaceId, spaceSequence, kills, cause }: PoisonedReaction): RamaxError {
  return new RamaxError(
    'poisoned',
    `the reactor '${reactor}' has ended its shard ${kills} times (${cause})`,
    {
      details: { reactor, spaceId, spaceSequence, kills, cause },
    },
  );
}

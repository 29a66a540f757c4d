import type { App } from '../core/define-app.js';
import type { SpaceAddress } from '../protocol/links.js';
import type { SpaceLock } from './space-lock.js';
import { type ReadServices, SpaceReads } from './space-reads.js';

/**
 * One space as it was after one of its events: reads see the state folded from the events up to `spaceSequence`, by the
 * app as it is now. Plain to hold and to share; nothing is folded before the first read.
 *
 * @example
 * ```ts
 * const { spaceSequence } = await acme.execute('rename', { id: 'c1', name: 'Ann' });
 * await acme.at(spaceSequence - 1).fetch('contact:c1'); // what it was before
 * ```
 */
export class SpaceMoment<A extends App = App> extends SpaceReads<A> {
  /** The last event that is seen; 0: none. */
  readonly spaceSequence: number;

  constructor(
    services: ReadServices,
    address: SpaceAddress,
    lock: SpaceLock | undefined,
    spaceSequence: number,
  ) {
    super(services, address, lock, spaceSequence);
    this.spaceSequence = spaceSequence;
  }
}

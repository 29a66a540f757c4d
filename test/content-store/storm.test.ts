import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { ContentStore } from '../../src/content-store/content-store.js';
import type { Fate } from './held-log.js';
import { entry, folded, foldedAmounts, ledger } from './ledger.js';
import { MemoryBed } from './memory-bed.js';
import { Settlements } from './settlements.js';

/** Everything that a storm is made of. */
class Storm {
  readonly bed: MemoryBed;
  readonly store: ContentStore<typeof ledger>;
  readonly settled = new Settlements();
  #calls = 0;

  private constructor(bed: MemoryBed, store: ContentStore<typeof ledger>) {
    this.bed = bed;
    this.store = store;
  }

  static async gather(): Promise<Storm> {
    const bed = await MemoryBed.make();
    const limits = {
      speculativeTurnsMax: 4,
      dirtyKeysMax: 3,
      fillKeysMax: 3,
      readEventsMax: 2,
      flushDelayMs: 3,
      cacheEntriesMax: 3,
    };
    return new Storm(bed, await bed.open(ledger, { limits }));
  }

  watch(what: string, call: Promise<unknown>): void {
    this.settled.watch(`${what} ${this.#calls++}`, call);
  }
}

type Gust = (storm: Storm) => Promise<void> | void;

const gust: fc.Arbitrary<Gust> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc
      .nat(5)
      .map<Gust>((n) => (storm) => storm.watch('add', storm.store.execute('add', entry(n, n)))),
  },
  {
    weight: 2,
    arbitrary: fc
      .nat(5)
      .map<Gust>((n) => (storm) => storm.watch('add if even', storm.store.execute('addIfEven', entry(n)))),
  },
  {
    weight: 2,
    arbitrary: fc
      .nat(5)
      .map<Gust>(
        (n) => (storm) =>
          storm.watch('remove', storm.store.execute('remove', { marker: `r${n}`, removed: `${n}` })),
      ),
  },
  {
    weight: 2,
    arbitrary: fc
      .constantFrom('c1', 'c2')
      .map<Gust>(
        (commandId) => (storm) =>
          storm.watch('once', storm.store.execute('add', entry(commandId, 3), { commandId })),
      ),
  },
  {
    weight: 2,
    arbitrary: fc.constant<Gust>((storm) => storm.watch('read', storm.store.query('everything'))),
  },
  { weight: 3, arbitrary: fc.constant<Gust>((storm) => storm.watch('rebuild', storm.store.rebuildPState())) },
  { weight: 3, arbitrary: fc.constant<Gust>((storm) => storm.watch('checkpoint', storm.store.checkpoint())) },
  {
    weight: 1,
    arbitrary: fc.constant<Gust>((storm) => storm.watch('catch up', storm.store.catchupPState())),
  },
  {
    weight: 2,
    arbitrary: fc
      .constantFrom<Fate>('writtenInDoubt', 'notWrittenInDoubt')
      .map<Gust>((fate) => (storm) => void storm.bed.log.fates.push(fate)),
  },
  {
    weight: 1,
    arbitrary: fc.constant<Gust>((storm) => {
      storm.bed.log.isHeld = true;
    }),
  },
  { weight: 2, arbitrary: fc.constant<Gust>((storm) => storm.bed.log.release(1)) },
  { weight: 1, arbitrary: fc.constant<Gust>((storm) => storm.bed.log.releaseAll()) },
  { weight: 5, arbitrary: fc.constant<Gust>((storm) => storm.bed.clock.turn()) },
  { weight: 2, arbitrary: fc.constant<Gust>((storm) => storm.bed.clock.advance(2)) },
);

/** Errors that a caller may see in a storm: answers of the app, never a defect. */
const allowedCodes = new Set(['command_rejected']);

describe('a storm of commands, reads, rebuilds, checkpoints and failing commits', () => {
  it('leaves every call answered and the state equal to the fold of the log', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(gust, { minLength: 5, maxLength: 50 }), async (gusts) => {
        const storm = await Storm.gather();
        const { bed, store, settled } = storm;
        for (const blow of gusts) await blow(storm);
        bed.log.releaseAll();
        await bed.clock.advance(50);
        expect(settled.open).toBe(0);
        const errors = Object.entries(settled.outcomes).filter(
          ([, outcome]) => outcome.kind === 'error' && !allowedCodes.has(outcome.code),
        );
        expect(errors).toEqual([]);
        expect(bed.errors).toEqual([]);
        const events = await bed.events();
        const [state, amounts] = [folded(events), foldedAmounts(events)];
        const again = await bed.open(ledger);
        for (const each of [store, again]) {
          expect(await each.query('everything')).toEqual(state);
          expect(await each.query('amounts')).toEqual(amounts);
        }
        await again.rebuildPState();
        expect(await again.query('everything')).toEqual(state);
        expect(await again.query('amounts')).toEqual(amounts);
      }),
      { numRuns: 150 },
    );
  });
});

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { LiveSpace } from '../../src/content-store/live-space.js';
import { fetchTurn } from '../../src/content-store/reads.js';
import type { CommandTurn } from '../../src/content-store/turn.js';
import { defineApp } from '../../src/core/define-app.js';
import { asRamaxError, type RamaxError } from '../../src/core/errors.js';
import { checkEventQuery, type EventQuery, matchesQuery } from '../../src/core/event-query.js';
import { defaultLimits } from '../../src/core/limits.js';
import type { StoredEvent } from '../../src/event-store/port.js';
import { MemoryBed } from './memory-bed.js';

interface Note {
  readonly type: string;
  readonly entityId: string;
  readonly tags: readonly string[];
}

const notes = defineApp({
  name: 'notes',
  commands: {
    note: (_pstate, events: readonly Note[]) => [...events],
  },
  projections: {},
});

const anyNote: fc.Arbitrary<Note> = fc.record({
  type: fc.constantFrom('a', 'b'),
  entityId: fc.constantFrom('e1', 'e2'),
  tags: fc.subarray(['x', 'y']),
});
const anyQuery = fc.record(
  {
    types: fc.constantFrom(['a'], ['b'], ['a', 'b']),
    tags: fc.subarray(['x', 'y'], { minLength: 1 }),
    entityId: fc.constantFrom('e1', 'e2'),
  },
  { requiredKeys: [] },
);
const anyStep = fc.record({
  events: fc.array(anyNote, { minLength: 1, maxLength: 3 }),
  query: fc.option(anyQuery, { nil: undefined }),
  /** How far behind the latest known sequence the caller is. */
  behind: fc.nat(6),
  commandId: fc.option(fc.constantFrom('c1', 'c2'), { nil: undefined, freq: 4 }),
  fate: fc.option(fc.constantFrom('notWrittenInDoubt' as const, 'writtenInDoubt' as const), {
    nil: undefined,
    freq: 8,
  }),
  waits: fc.boolean(),
});

type Outcome = { readonly sequence: number; readonly count: number } | RamaxError;

const matches = (query: EventQuery, event: StoredEvent): boolean =>
  matchesQuery(checkEventQuery(query, 'query', defaultLimits), {
    ...event,
    tags: event.tags === null ? [] : (JSON.parse(event.tags) as string[]),
  });

/** Commands whose state depends on what was decided before them. */
const steps = defineApp({
  name: 'steps',
  commands: {
    note: (_pstate, events: readonly Note[]) => [...events],
    xUnlessY: (pstate) => [{ type: pstate.has('y') ? 'z' : 'x', entityId: 'e' }],
  },
  projections: { y: (pstate) => pstate.put('y', true) },
});

const [x, y, z] = ['x', 'y', 'z'].map((type): Note => ({ type, entityId: 'e', tags: [] }));
const failIfEventsMatch = { query: { types: ['x'] } };

/** A space whose first commit is held and will not have been written; and what takes turns there, one after the other. */
async function rollback(
  bed: MemoryBed,
): Promise<readonly [LiveSpace, (...turns: readonly CommandTurn[]) => Promise<void>]> {
  const live = await bed.openLive(steps);
  bed.log.isHeld = true;
  bed.log.fates.push('notWrittenInDoubt');
  const take = async (...turns: readonly CommandTurn[]): Promise<void> => {
    for (const turn of turns) {
      await live.prepare([turn]);
      live.take(turn);
    }
    await bed.clock.settle();
  };
  return [live, take];
}

describe('conditional commands', () => {
  it('are accepted when nothing behind `after` matches, and refused by an event that is in the log', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(anyStep, { minLength: 1, maxLength: 20 }),
        fc.constantFrom(1, 2, 1_024),
        async (steps, recentEventsMax) => {
          const bed = await MemoryBed.make();
          const store = await bed.open(notes, { limits: { recentEventsMax, scanEventsMax: 3 } });
          let known = 0;
          const calls: Promise<void>[] = [];
          const answered: [(typeof steps)[number], number, Outcome][] = [];
          for (const step of steps) {
            if (step.fate !== undefined) bed.log.fates.push(step.fate);
            const after = Math.max(0, known - step.behind);
            const { query, commandId } = step;
            const call = store
              .execute('note', step.events, {
                ...(query === undefined ? {} : { failIfEventsMatch: { query, after } }),
                ...(commandId === undefined ? {} : { commandId }),
              })
              .then(
                ({ spaceSequence, eventIds }) => {
                  known = Math.max(known, spaceSequence);
                  answered.push([step, after, { sequence: spaceSequence, count: eventIds.length }]);
                },
                (error: unknown) => {
                  answered.push([step, after, asRamaxError(error, 'storage', 'failed')]);
                },
              );
            calls.push(call);
            if (step.waits) await call;
          }
          await Promise.all(calls);
          const log = await bed.events();
          const firstAnswers = new Set<number>();
          for (const [{ query, commandId }, after, outcome] of answered) {
            if (query === undefined) continue;
            if ('sequence' in outcome) {
              // A repeated id has the answer of the first, whose condition may have been another one.
              if (commandId !== undefined) continue;
              expect(firstAnswers.has(outcome.sequence)).toBe(false);
              firstAnswers.add(outcome.sequence);
              const seen = log.slice(after, outcome.sequence - outcome.count);
              expect(seen.filter((event) => matches(query, event))).toEqual([]);
            } else if (outcome.details['matchingSequence'] !== undefined) {
              const at = Number(outcome.details['matchingSequence']);
              expect(at).toBeGreaterThan(after);
              const [first] = log.slice(after).filter((event) => matches(query, event));
              expect(first?.spaceSequence).toBe(at);
            }
          }
          await store.close();
        },
      ),
      { numRuns: 150 },
    );
  });

  it('see events that are decided and not committed, and are held back until these are', async () => {
    const bed = await MemoryBed.make();
    const live = await bed.openLive(notes);
    const note = (tag: string) => [{ type: 'a', entityId: 'e', tags: [tag] }];
    const failIfEventsMatch = { query: { tags: ['x'] } };
    const first = bed.command('note', note('x'), { failIfEventsMatch });
    await live.prepare([first]);
    bed.log.isHeld = true;
    live.take(first);
    const second = bed.command('note', note('x'), { failIfEventsMatch });
    await live.prepare([second]);
    live.take(second);
    const refusal = second.answer.catch((error: RamaxError) => error);
    await bed.clock.settle();
    expect([first.state, second.state]).toEqual(['decided', 'decided']);
    bed.log.isHeld = false;
    bed.log.release();
    expect((await first.answer).spaceSequence).toBe(1);
    expect(await refusal).toMatchObject({ code: 'conflict', details: { matchingSequence: 1, after: 0 } });
    const read = fetchTurn('nothing', undefined);
    await live.prepare([read]);
    live.take(read);
    await read.answer;
    await live.close();
  });

  it('are decided anew behind a commit that failed: what they were refused for may never have been', async () => {
    const bed = await MemoryBed.make();
    const [live, take] = await rollback(bed);
    // The first condition of a space asks the log, so that all others are looked at in memory.
    const gone = bed.command('note', [x], { failIfEventsMatch });
    const waiting = bed.command('note', [y], { failIfEventsMatch });
    await take(gone, waiting);
    expect([gone.state, waiting.state]).toEqual(['decided', 'decided']);
    // Its caller has gone: it is not decided again.
    gone.cancel();
    expect((await gone.answer.catch((error: RamaxError) => error)) as RamaxError).toMatchObject({
      code: 'outcome_unknown',
    });
    bed.log.releaseAll();
    await bed.clock.settle();
    expect((await waiting.answer).spaceSequence).toBe(1);
    expect((await bed.events()).map(({ type }) => type)).toEqual(['y']);
    await live.close();
  });

  it('are checked again behind a commit that failed: what they were accepted on may have changed', async () => {
    const bed = await MemoryBed.make();
    const [live, take] = await rollback(bed);
    const gone = bed.command('note', [y], { failIfEventsMatch });
    const either = bed.command('xUnlessY');
    const conditional = bed.command('note', [z], { failIfEventsMatch });
    const behind = bed.command('note', [z]);
    await take(gone, either, conditional, behind);
    gone.cancel();
    gone.answer.catch(() => {});
    const refusal = conditional.answer.catch((error: RamaxError) => error);
    bed.log.releaseAll();
    await bed.clock.settle();
    expect((await either.answer).spaceSequence).toBe(1);
    expect(await refusal).toMatchObject({ code: 'conflict', details: { matchingSequence: 1, after: 0 } });
    expect((await behind.answer).spaceSequence).toBe(2);
    expect((await bed.events()).map(({ type }) => type)).toEqual(['x', 'z']);
    await live.close();
  });

  it('get the first answer of an id that was accepted before, whatever matches now', async () => {
    const bed = await MemoryBed.make();
    let store = await bed.open(notes);
    const events = [{ type: 'a', entityId: 'e', tags: ['x'] }];
    const options = { commandId: 'once', failIfEventsMatch: { query: { tags: ['x'] } } };
    const first = await store.execute('note', events, options);
    expect(await store.execute('note', events, options)).toEqual(first);
    await store.close();
    store = await bed.open(notes);
    expect(await store.execute('note', events, options)).toEqual(first);
    await store.close();
  });

  it('are refused when the caller knows of more than the space has, and when they are no conditions', async () => {
    const bed = await MemoryBed.make();
    const store = await bed.open(notes);
    const refused = (failIfEventsMatch: unknown) =>
      store.execute('note', [], { failIfEventsMatch } as never).catch((error: RamaxError) => error);
    expect(await refused({ query: {}, after: 1 })).toMatchObject({
      code: 'conflict',
      details: { after: 1, actualSequence: 0 },
    });
    for (const wrong of [null, {}, { query: {}, after: -1 }, { query: {}, afterwards: 1 }, { query: [] }])
      expect(await refused(wrong)).toMatchObject({ code: 'invalid_input' });
    await store.close();
  });
});

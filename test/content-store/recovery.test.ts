import fc from 'fast-check';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import type { ContentStore, ExecuteOptions } from '../../src/content-store/content-store.js';
import type { LiveSpace } from '../../src/content-store/live-space.js';
import { localLog } from '../../src/content-store/local-log.js';
import { fetchTurn, queryTurn } from '../../src/content-store/reads.js';
import type { AnyTurn } from '../../src/content-store/turn.js';
import { RamaxError } from '../../src/core/errors.js';
import { defaultLimits } from '../../src/core/limits.js';
import { rejectionOf } from '../core/error-of.js';
import { checkpointOf } from './builds.js';
import type { Fate } from './held-log.js';
import { entry, folded, foldedAmounts, ledger, markers } from './ledger.js';
import { type LinkFate, LossyLink } from './lossy-link.js';
import { MemoryBed } from './memory-bed.js';
import { type Settled, Settlements } from './settlements.js';

type Ledger = ContentStore<typeof ledger>;

let bed: MemoryBed;
let store: Ledger;

beforeEach(async () => {
  bed = await MemoryBed.make();
  store = await bed.open(ledger);
});

/** Takes turns in their order, without waiting for their answers, and lets everything settle. */
async function takeAll(bed: MemoryBed, live: LiveSpace, turns: readonly AnyTurn[]): Promise<Settlements> {
  const settled = new Settlements();
  for (const [place, turn] of turns.entries()) settled.watch(`turn ${place}`, turn.answer);
  const takeInOrder = async (): Promise<void> => {
    for (const turn of turns) {
      do await live.prepare([turn]);
      while (!live.hasRoom);
      live.take(turn);
    }
  };
  const taken = takeInOrder();
  await bed.clock.advance(20);
  await taken;
  return settled;
}

describe('a commit in doubt', () => {
  it('that was written is answered by what the log says, and runs nothing again', async () => {
    bed.log.fates.push('writtenInDoubt');
    expect(await store.execute('add', entry('a'))).toEqual({ eventIds: [1], spaceSequence: 1 });
    expect(markers(await bed.events())).toEqual(['a']);
    expect(await store.query('everything')).toEqual(folded(await bed.events()));
  });

  it('that was not written is decided again', async () => {
    bed.log.fates.push('notWrittenInDoubt', 'notWrittenInDoubt');
    expect(await store.execute('add', entry('a'))).toEqual({ eventIds: [1], spaceSequence: 1 });
    expect(markers(await bed.events())).toEqual(['a']);
    expect(await store.query('everything')).toEqual(folded(await bed.events()));
  });

  it('takes back what was decided behind it, and decides that again in its old order', async () => {
    bed.log.isHeld = true;
    const settled = new Settlements();
    for (const name of ['a', 'b', 'c', 'd']) {
      settled.watch(`write ${name}`, store.execute('add', entry(name)));
      settled.watch(`read ${name}`, store.fetch('count'));
    }
    bed.log.fates.push('usual', 'notWrittenInDoubt');
    await bed.clock.settle();
    bed.log.releaseAll();
    await bed.clock.settle();
    const order = ['a', 'b', 'c', 'd'].flatMap((name) => [`write ${name}`, `read ${name}`]);
    expect(settled.names).toEqual(order);
    expect(settled.outcomes['read d']).toEqual({ kind: 'ok', value: 4 });
    expect(markers(await bed.events())).toEqual(['a', 'b', 'c', 'd']);
  });

  it('lets no younger call overtake those that are decided again', async () => {
    const settled = new Settlements();
    bed.log.fates.push('notWrittenInDoubt');
    bed.log.isHeld = true;
    settled.watch('old', store.execute('add', entry('old')));
    settled.watch('old too', store.execute('addIfEven', entry('old too')));
    await bed.clock.settle();
    settled.watch('young', store.execute('add', entry('young')));
    bed.log.release();
    settled.watch('younger', store.execute('add', entry('younger')));
    await bed.clock.settle();
    bed.log.releaseAll();
    await bed.clock.settle();
    expect(settled.names).toEqual(['old', 'old too', 'young', 'younger']);
    expect(settled.outcomes['old too']).toMatchObject({ reason: 'odd' });
    expect(markers(await bed.events())).toEqual(['old', 'young', 'younger']);
  });

  it('answers a command without events by its record', async () => {
    bed.log.fates.push('writtenInDoubt');
    const first = await store.execute('nothing', undefined, { commandId: 'c1' });
    expect(first).toEqual({ eventIds: [], spaceSequence: 0 });
    expect(bed.log.commits).toBe(2);
    bed.log.fates.push('notWrittenInDoubt');
    expect(await store.execute('nothing', undefined, { commandId: 'c2' })).toEqual(first);
    expect(await bed.log.findCommands(1, ['c1', 'c2'])).toHaveLength(2);
  });

  it('says that nobody knows when the log cannot be asked either, and goes on once it can', async () => {
    bed.log.fates.push('writtenInDoubt');
    const spaceHead = vi
      .spyOn(bed.log, 'spaceHead')
      .mockRejectedValueOnce(new RamaxError('storage', 'no disk'));
    const error = await rejectionOf(store.execute('add', entry('a'), { commandId: 'c1' }));
    expect([error.code, error.retryable]).toEqual(['outcome_unknown', true]);
    spaceHead.mockRestore();
    const again = await store.execute('add', entry('a'), { commandId: 'c1' });
    expect(again).toEqual({ eventIds: [1], spaceSequence: 1 });
    expect(markers(await bed.events())).toEqual(['a']);
  });

  it('that cannot be recovered refuses what was not decided yet with the reason', async () => {
    bed.log.isHeld = true;
    bed.log.fates.push('notWrittenInDoubt');
    const settled = new Settlements();
    settled.watch('decided', store.execute('add', entry('a')));
    await bed.clock.settle();
    settled.watch('waiting', store.checkpoint());
    vi.spyOn(bed.log, 'spaceHead').mockRejectedValueOnce(new RamaxError('storage', 'no disk'));
    bed.log.releaseAll();
    await bed.clock.settle();
    expect(settled.outcomes).toMatchObject({
      decided: { code: 'outcome_unknown' },
      waiting: { code: 'storage' },
    });
  });

  it('of a space that was deleted meanwhile does not promise that nothing was written', async () => {
    bed.log.isHeld = true;
    bed.log.fates.push('writtenInDoubt');
    const settled = new Settlements();
    settled.watch('write', store.execute('add', entry('a')));
    settled.watch('read', store.fetch('count'));
    await bed.clock.settle();
    bed.log.isHeld = false;
    await bed.log.commit([{ kind: 'markSpaceDeleted', spaceId: 1 }]);
    bed.log.release();
    await bed.clock.settle();
    expect(settled.outcomes).toMatchObject({
      write: { code: 'outcome_unknown' },
      read: { code: 'not_found' },
    });
    expect((await rejectionOf(store.fetch('count'))).code).toBe('not_found');
  });

  it('keeps no checkpoint that is ahead of the log', async () => {
    await store.execute('add', entry('a'));
    await store.checkpoint();
    bed.log.fates.push('notWrittenInDoubt');
    await store.execute('add', entry('b'));
    expect((await store.checkpoint()).lastSpaceSequence).toBe(2);
    expect(checkpointOf(bed.pstates, 'main')?.lastSpaceSequence).toBe(2);
  });
});

describe('an answer that saw only what the log has', () => {
  it('stands, and does not come behind younger commands that were committed with it', async () => {
    const link = new LossyLink(localLog(bed.log));
    const live = await bed.openLive(ledger, {}, link);
    link.fates.push('answerLost', 'answerLost');
    const turns = [
      bed.command('add', entry('a')),
      bed.command('addIfEven', entry('b')),
      fetchTurn('count'),
      bed.command('add', entry('c')),
      fetchTurn('count'),
    ];
    const settled = await takeAll(bed, live, turns);
    expect(settled.outcomes).toMatchObject({
      'turn 1': { reason: 'odd', details: { count: 1 } },
      'turn 2': { value: 1 },
      'turn 4': { value: 2 },
    });
    expect(markers(await bed.events())).toEqual(['a', 'c']);
    expect(live.stats.recoveries).toBe(1);
  });
});

/** A call, as a step of a history: the command and its options, or a read. */
type Step =
  | {
      readonly command: keyof typeof ledger.commands;
      readonly params: unknown;
      readonly options: ExecuteOptions;
    }
  | { readonly read: 'last' | 'everything' };

const commandId = fc.option(fc.constantFrom('c1', 'c2', 'c3'), { nil: undefined });
const options = commandId.map((id): ExecuteOptions => (id === undefined ? {} : { commandId: id }));
const marker = fc.nat(6).map(String);
const oneEntry = marker.map((name) => entry(name, 2));
const removal = marker.map((name) => ({ marker: `r${name}`, removed: name }));
const entries = fc.record({ entries: fc.array(oneEntry, { maxLength: 3 }) });
const expected = fc.nat(4).map((expectedSequence): ExecuteOptions => ({ expectedSequence }));

const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({ command: fc.constantFrom('add', 'addIfEven'), params: oneEntry, options }),
  fc.record({ command: fc.constant('remove' as const), params: removal, options }),
  fc.record({ command: fc.constant('addAll' as const), params: entries, options }),
  fc.record({ command: fc.constant('nothing' as const), params: fc.constant(undefined), options }),
  fc.record({ command: fc.constant('add' as const), params: oneEntry, options: expected }),
  fc.record({ read: fc.constantFrom('last', 'everything') }),
);

const small = { speculativeTurnsMax: 5, dirtyKeysMax: 3, fillKeysMax: 3, readEventsMax: 2, flushDelayMs: 5 };

interface Played {
  readonly outcomes: Readonly<Record<string, Settled>>;
  readonly events: readonly string[];
}

/** Checks the state, and says what was answered and what is in the log. */
async function checked(bed: MemoryBed, settled: Settlements): Promise<Played> {
  const events = await bed.events();
  const reopened = await bed.open(ledger);
  expect(await reopened.query('everything')).toEqual(folded(events));
  expect(await reopened.query('amounts')).toEqual(foldedAmounts(events));
  expect(settled.open).toBe(0);
  return { outcomes: settled.outcomes, events: markers(events) };
}

/** Plays calls of a content store that are not awaited. */
async function playStore(steps: readonly Step[], fates: readonly Fate[]): Promise<Played> {
  const bed = await MemoryBed.make();
  const store = await bed.open(ledger, { limits: small });
  bed.log.fates.push(...fates);
  const settled = new Settlements();
  for (const [place, step] of steps.entries()) {
    settled.watch(`turn ${place}`, 'read' in step ? read(store, step) : execute(store, step));
  }
  await bed.clock.advance(20);
  await store.close();
  return checked(bed, settled);
}

function execute(store: Ledger, { command, params, options }: Extract<Step, { command: string }>) {
  return store.execute(command, params as never, options);
}

function read(store: Ledger, step: Extract<Step, { read: string }>): Promise<unknown> {
  return step.read === 'last' ? store.fetch('last') : store.query('everything');
}

/** Plays the turns of a live space over a link whose answers get lost. */
async function playLive(steps: readonly Step[], fates: readonly LinkFate[]): Promise<Played> {
  const bed = await MemoryBed.make();
  const link = new LossyLink(localLog(bed.log));
  const live = await bed.openLive(ledger, small, link);
  link.fates.push(...fates);
  const turns = steps.map((step) => {
    if ('command' in step) return bed.command(step.command, step.params, step.options);
    return step.read === 'last' ? fetchTurn('last') : queryTurn('everything', undefined, defaultLimits);
  });
  const settled = await takeAll(bed, live, turns);
  await live.close();
  return checked(bed, settled);
}

describe('commits in doubt, of any kind and number', () => {
  const steps = fc.array(step, { minLength: 1, maxLength: 14 });

  it('change no answer, no order and no state of a content store', async () => {
    const fates = fc.array(fc.constantFrom<Fate>('usual', 'writtenInDoubt', 'notWrittenInDoubt'), {
      maxLength: 12,
    });
    await fc.assert(
      fc.asyncProperty(steps, fates, async (steps, fates) => {
        expect(await playStore(steps, fates)).toEqual(await playStore(steps, []));
      }),
      { numRuns: 150 },
    );
  });

  it('change no answer, no order and no state where several are under way at once', async () => {
    const fates = fc.array(fc.constantFrom<LinkFate>('usual', 'answerLost', 'lost'), { maxLength: 12 });
    await fc.assert(
      fc.asyncProperty(steps, fates, async (steps, fates) => {
        expect(await playLive(steps, fates)).toEqual(await playLive(steps, []));
      }),
      { numRuns: 150 },
    );
  });
});

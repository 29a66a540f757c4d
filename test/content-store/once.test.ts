import { beforeEach, describe, expect, it } from 'vitest';
import type { ContentStore } from '../../src/content-store/content-store.js';
import { defineApp } from '../../src/core/define-app.js';
import { reject } from '../../src/core/rejection.js';
import { rejectionOf } from '../core/error-of.js';
import { MemoryBed } from './memory-bed.js';

const counter = defineApp({
  name: 'counter',
  commands: {
    add: (_pstate, params: { by: number; note?: string }) =>
      params.by === 0 ? [] : [{ entityId: 'counter', type: 'added', payload: params }],
    addOther: (_pstate, params: { by: number }) => [{ entityId: 'counter', type: 'added', payload: params }],
    /** Refused until something was added. */
    double: (pstate) => {
      const total = pstate.get<number>('total') ?? 0;
      return total === 0 ? reject('empty') : [{ entityId: 'counter', type: 'added', payload: { by: total } }];
    },
  },
  projections: {
    added(pstate, event) {
      pstate.update<number>('total', (total = 0) => total + event.payload.by);
    },
  },
});

let bed: MemoryBed;
let store: ContentStore<typeof counter>;

beforeEach(async () => {
  bed = await MemoryBed.make();
  store = await bed.open(counter);
});

describe('a command id', () => {
  it('that was accepted before gives the first answer and runs nothing', async () => {
    const first = await store.execute('add', { by: 2 }, { commandId: 'c1' });
    await store.execute('add', { by: 5 });
    expect(await store.execute('add', { by: 2 }, { commandId: 'c1' })).toEqual(first);
    expect(await store.fetch('total')).toBe(7);
    expect(await bed.events()).toHaveLength(2);
  });

  it('counts for an accepted command without events, too', async () => {
    const first = await store.execute('add', { by: 0 }, { commandId: 'c1' });
    await store.execute('add', { by: 5 });
    expect(await store.execute('add', { by: 0 }, { commandId: 'c1' })).toEqual(first);
    expect(first).toEqual({ eventIds: [], spaceSequence: 0 });
  });

  it('of a rejected command is free: it is decided anew', async () => {
    expect((await rejectionOf(store.execute('double', undefined, { commandId: 'c1' }))).reason).toBe('empty');
    await store.execute('add', { by: 2 });
    expect((await store.execute('double', undefined, { commandId: 'c1' })).spaceSequence).toBe(2);
    expect(await store.fetch('total')).toBe(4);
  });

  it.each<readonly [what: string, run: () => Promise<unknown>]>([
    ['another command', () => store.execute('addOther', { by: 2 }, { commandId: 'c1' })],
    ['other parameters', () => store.execute('add', { by: 3 }, { commandId: 'c1' })],
    ['no parameters', () => store.execute('add', undefined as never, { commandId: 'c1' })],
  ])('that was used for %s is a conflict, in memory and from the log', async (_what, run) => {
    await store.execute('add', { by: 2 }, { commandId: 'c1' });
    const error = await rejectionOf(run());
    expect([error.code, error.details['commandId']]).toEqual(['conflict', 'c1']);
    store = await bed.open(counter);
    expect((await rejectionOf(run())).code).toBe('conflict');
    expect(await bed.events()).toHaveLength(1);
  });

  it('does not look at the order in which keys were written', async () => {
    const first = await store.execute('add', { by: 2, note: 'x' }, { commandId: 'c1' });
    expect(await store.execute('add', { note: 'x', by: 2 }, { commandId: 'c1' })).toEqual(first);
  });

  it('does not look at the other options', async () => {
    const first = await store.execute('add', { by: 2 }, { commandId: 'c1', correlationId: 'a' });
    const again = { commandId: 'c1', correlationId: 'b', expectedSequence: 99 };
    expect(await store.execute('add', { by: 2 }, again)).toEqual(first);
  });

  it('is one space’s own', async () => {
    await bed.log.commit([{ kind: 'createSpace', spaceName: 'widgets', metadata: {} }]);
    await store.execute('add', { by: 2 }, { commandId: 'c1' });
    const other = await bed.open(counter, { spaceId: 2 });
    expect(await other.execute('add', { by: 9 }, { commandId: 'c1' })).toEqual({
      eventIds: [2],
      spaceSequence: 1,
    });
  });

  it('runs once however many copies come at once', async () => {
    const copies = Array.from({ length: 20 }, () => store.execute('add', { by: 1 }, { commandId: 'c1' }));
    const answers = await Promise.all(copies);
    expect(new Set(answers.map((answer) => JSON.stringify(answer))).size).toBe(1);
    expect(await bed.events()).toHaveLength(1);
  });

  it('that is forgotten after its retention runs again', async () => {
    await store.execute('add', { by: 1 }, { commandId: 'c1' });
    await bed.clock.advance(1_000);
    await bed.log.pruneCommands(bed.clock.now(), 10);
    store = await bed.open(counter);
    expect((await store.execute('add', { by: 1 }, { commandId: 'c1' })).spaceSequence).toBe(2);
  });
});

describe('the expected sequence', () => {
  it('must be the latest one of the space', async () => {
    expect((await store.execute('add', { by: 1 }, { expectedSequence: 0 })).spaceSequence).toBe(1);
    const error = await rejectionOf(store.execute('add', { by: 1 }, { expectedSequence: 0 }));
    expect([error.code, error.retryable]).toEqual(['conflict', false]);
    expect(error.details).toEqual({ expectedSequence: 0, actualSequence: 1 });
    expect((await store.execute('add', { by: 1 }, { expectedSequence: 1 })).spaceSequence).toBe(2);
  });

  it('lets one of several callers through', async () => {
    const calls = Array.from({ length: 5 }, () => store.execute('add', { by: 1 }, { expectedSequence: 0 }));
    const outcomes = await Promise.allSettled(calls);
    expect(outcomes.map(({ status }) => status)).toEqual([
      'fulfilled',
      'rejected',
      'rejected',
      'rejected',
      'rejected',
    ]);
    expect(await bed.events()).toHaveLength(1);
  });

  it('is looked at before the command runs', async () => {
    const error = await rejectionOf(store.execute('double', undefined, { expectedSequence: 3 }));
    expect(error.code).toBe('conflict');
  });
});

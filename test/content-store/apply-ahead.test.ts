import { beforeEach, describe, expect, it } from 'vitest';
import type { ContentStore } from '../../src/content-store/content-store.js';
import { fetchTurn } from '../../src/content-store/reads.js';
import { sharedBySpaces } from '../../src/content-store/shared-by-spaces.js';
import { resolveLimits } from '../../src/core/limits.js';
import { rejectionOf } from '../core/error-of.js';
import { entry, folded, ledger } from './ledger.js';
import { MemoryBed } from './memory-bed.js';
import { Settlements } from './settlements.js';

let bed: MemoryBed;
let store: ContentStore<typeof ledger>;

beforeEach(async () => {
  bed = await MemoryBed.make();
  store = await bed.open(ledger);
});

describe('calls that are not awaited', () => {
  it('are answered in their order, with consecutive sequences and ids', async () => {
    const settled = new Settlements();
    for (let n = 0; n < 100; n++) settled.watch(`call ${n}`, store.execute('add', entry(n)));
    await bed.clock.settle();
    expect(settled.names).toEqual(Array.from({ length: 100 }, (_, n) => `call ${n}`));
    expect(Object.values(settled.outcomes)).toEqual(
      Array.from({ length: 100 }, (_, n) => ({
        kind: 'ok',
        value: { eventIds: [n + 1], spaceSequence: n + 1 },
      })),
    );
    expect(await store.query('everything')).toEqual(folded(await bed.events()));
  });
});

describe('while a commit is held', () => {
  beforeEach(() => {
    bed.log.isHeld = true;
  });

  it('no answer leaves, and the state is ahead for every later turn', async () => {
    const settled = new Settlements();
    settled.watch('write', store.execute('add', entry('a')));
    settled.watch('rejection', store.execute('addIfEven', entry('b')));
    settled.watch('read', store.fetch('count'));
    settled.watch('query', store.query('amounts'));
    settled.watch('eventless', store.execute('nothing', undefined));
    settled.watch('unknown command', store.execute('nothng' as 'nothing', undefined));
    settled.watch('conflict', store.execute('add', entry('c'), { expectedSequence: 7 }));
    await bed.clock.settle();
    expect(settled.names).toEqual([]);
    bed.log.release();
    await bed.clock.settle();
    expect(settled.names).toEqual([
      'write',
      'rejection',
      'read',
      'query',
      'eventless',
      'unknown command',
      'conflict',
    ]);
    expect(settled.outcomes).toMatchObject({
      write: { kind: 'ok', value: { spaceSequence: 1 } },
      rejection: { code: 'command_rejected', reason: 'odd', details: { count: 1 } },
      read: { value: 1 },
      query: { value: { 'amount:1': 1 } },
      eventless: { value: { eventIds: [], spaceSequence: 1 } },
      'unknown command': { code: 'unknown_command' },
      conflict: { code: 'conflict', details: { expectedSequence: 7, actualSequence: 1 } },
    });
  });

  it('what was asked before the write is answered at once', async () => {
    const settled = new Settlements();
    settled.watch('read before', store.fetch('count'));
    settled.watch('rejection before', store.execute('remove', { marker: 'r', removed: 'x' }));
    settled.watch('write', store.execute('add', entry('a')));
    settled.watch('read behind', store.fetch('count'));
    await bed.clock.settle();
    expect(settled.names).toEqual(['read before', 'rejection before']);
    bed.log.releaseAll();
    await bed.clock.settle();
    expect(settled.open).toBe(0);
  });

  it('each commit lets out what it covers, and nothing behind it', async () => {
    const settled = new Settlements();
    for (const name of ['a', 'b', 'c']) {
      settled.watch(`write ${name}`, store.execute('add', entry(name)));
      settled.watch(`read ${name}`, store.fetch('count'));
    }
    const seen: string[][] = [];
    for (let commit = 0; commit < 3; commit++) {
      await bed.clock.settle();
      bed.log.release(1);
      await bed.clock.settle();
      seen.push(settled.names.slice(commit * 2));
    }
    expect(seen).toEqual([
      ['write a', 'read a'],
      ['write b', 'read b'],
      ['write c', 'read c'],
    ]);
  });

  it('a copy of a command waits behind the first', async () => {
    const settled = new Settlements();
    settled.watch('first', store.execute('add', entry('a'), { commandId: 'c1' }));
    settled.watch('copy', store.execute('add', entry('a'), { commandId: 'c1' }));
    await bed.clock.settle();
    expect(settled.names).toEqual([]);
    bed.log.releaseAll();
    await bed.clock.settle();
    expect(settled.outcomes['copy']).toEqual(settled.outcomes['first']);
    expect(await bed.events()).toHaveLength(1);
  });

  it('no more than the bound is decided ahead, and the rest goes on behind the commits', async () => {
    const live = await bed.openLive(ledger, { speculativeTurnsMax: 3 });
    const turns = Array.from({ length: 5 }, (_, n) => bed.command('add', entry(n)));
    const takeAll = async (): Promise<void> => {
      for (const turn of turns) {
        do await live.prepare([turn]);
        while (!live.hasRoom);
        live.take(turn);
      }
    };
    const taken = takeAll();
    await bed.clock.settle();
    expect(live.stats).toMatchObject({ head: 3, committed: 0, held: 3 });
    expect([live.hasRoom, live.idle]).toEqual([false, false]);
    bed.log.release(1);
    await bed.clock.settle();
    expect(live.stats).toMatchObject({ head: 4, committed: 1, held: 3 });
    bed.log.releaseAll();
    await taken;
    await Promise.all(turns.map(({ answer }) => answer));
    expect(live.stats).toMatchObject({ head: 5, committed: 5, held: 0 });
    expect([live.hasRoom, live.idle]).toEqual([true, true]);
  });

  it('no more bytes of answers are held back than the bound, and reads go on behind the commits', async () => {
    const live = await bed.openLive(ledger, { heldBytesMax: 20 });
    live.take(bed.command('add', entry('a')));
    const reads = Array.from({ length: 4 }, () => fetchTurn('last'));
    for (const read of reads) if (live.hasRoom) live.take(read);
    expect(live.stats.held).toBe(4);
    const next = live.prepare([reads[3]!]);
    await bed.clock.settle();
    bed.log.releaseAll();
    await next;
    expect(live.hasRoom).toBe(true);
    live.take(reads[3]!);
    expect(await Promise.all(reads.map(({ answer }) => answer))).toEqual([1, 1, 1, 1]);
  });

  it('no more bytes of answers are held back in all spaces of a shard, but one answer of a space that holds none', async () => {
    const shared = sharedBySpaces(resolveLimits());
    const live = await bed.openLive(ledger, { shardHeldBytesMax: 20 }, undefined, undefined, shared);
    live.take(bed.command('add', entry('a')));
    shared.heldBytes.bytes = 100;
    expect(live.hasRoom).toBe(true);
    const first = fetchTurn('last');
    live.take(first);
    expect([live.hasRoom, shared.heldBytes.bytes]).toEqual([false, 108]);
    const second = fetchTurn('last');
    const next = live.prepare([second]);
    bed.log.releaseAll();
    await next;
    live.take(second);
    expect(await Promise.all([first.answer, second.answer])).toEqual([1, 1]);
    expect(shared.heldBytes.bytes).toBe(100);
  });

  it('a checkpoint waits, and then covers everything before it', async () => {
    const settled = new Settlements();
    settled.watch('write', store.execute('add', entry('a')));
    settled.watch('checkpoint', store.checkpoint());
    settled.watch('write behind', store.execute('add', entry('b')));
    await bed.clock.settle();
    expect(settled.names).toEqual([]);
    bed.log.releaseAll();
    await bed.clock.settle();
    expect(settled.names).toEqual(['write', 'checkpoint', 'write behind']);
    expect(settled.outcomes['checkpoint']).toMatchObject({ value: { lastEventId: 1, lastSpaceSequence: 1 } });
  });

  it('closing waits for the answers that are held', async () => {
    const settled = new Settlements();
    settled.watch('write', store.execute('add', entry('a')));
    settled.watch('close', store.close());
    await bed.clock.settle();
    expect(settled.names).toEqual([]);
    bed.log.releaseAll();
    await bed.clock.settle();
    expect(settled.names).toEqual(['write', 'close']);
    expect(settled.outcomes['write']).toMatchObject({ kind: 'ok' });
  });
});

describe('a turn whose caller has gone', () => {
  it('is never decided when it was not yet', async () => {
    const live = await bed.openLive(ledger);
    const turn = bed.command('add', entry('a'));
    turn.cancel();
    live.take(turn);
    expect((await rejectionOf(turn.answer)).code).toBe('aborted');
    expect(await bed.events()).toEqual([]);
  });

  it('stands when it was decided: its outcome is not known yet', async () => {
    const live = await bed.openLive(ledger);
    bed.log.isHeld = true;
    const [turn, read] = [bed.command('add', entry('a')), fetchTurn('count')];
    live.take(turn);
    live.take(read);
    turn.cancel();
    read.cancel();
    expect((await rejectionOf(turn.answer)).code).toBe('outcome_unknown');
    expect((await rejectionOf(read.answer)).code).toBe('aborted');
    bed.log.releaseAll();
    await bed.clock.settle();
    expect(live.stats).toMatchObject({ head: 1, committed: 1, held: 0 });
  });
});

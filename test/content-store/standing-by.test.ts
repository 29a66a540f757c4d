/** A space while nobody can write, and it may last: a full disk. */

import { beforeEach, describe, expect, it } from 'vitest';
import type { LiveSpace } from '../../src/content-store/live-space.js';
import { localLog } from '../../src/content-store/local-log.js';
import { fetchTurn } from '../../src/content-store/reads.js';
import { type AnyTurn, CommandTurn, ReadTurn } from '../../src/content-store/turn.js';
import { RamaxError } from '../../src/core/errors.js';
import { entry, ledger, markers } from './ledger.js';
import { type LinkFate, LossyLink } from './lossy-link.js';
import { MemoryBed } from './memory-bed.js';
import { Settlements } from './settlements.js';

const full = new RamaxError('storage', 'the disk is full', { details: { passes: true } });

let bed: MemoryBed;
let link: LossyLink;
let live: LiveSpace;
let settled: Settlements;

beforeEach(async () => {
  bed = await MemoryBed.make();
  link = new LossyLink(localLog(bed.log));
  live = await bed.openLive(ledger, {}, link);
  settled = new Settlements();
});

/** Takes a turn when it may be taken, and lets everything settle. */
async function take(name: string, turn: AnyTurn): Promise<void> {
  settled.watch(name, turn.answer);
  do await live.prepare([turn]);
  while (!live.hasRoom);
  live.take(turn);
  await bed.clock.advance(5);
}

/** A command is under way when the writer goes for long. */
async function loseWriter(name: string, fate: LinkFate): Promise<void> {
  link.fates.push(fate);
  const turn = bed.command('add', entry(name));
  settled.watch(name, turn.answer);
  live.take(turn);
  link.down(full);
  await bed.clock.advance(20);
}

describe('a space while nobody can write', () => {
  it.each<LinkFate>(['answerLost', 'lost'])(
    'answers reads with what is committed, refuses commands, and keeps what is in doubt (%s) until a writer is there',
    async (fate) => {
      await take('first', bed.command('add', entry('first')));
      await loseWriter('in doubt', fate);
      await take('read', fetchTurn('count'));
      await take('refused', bed.command('add', entry('refused')));
      expect(settled.outcomes).toMatchObject({
        read: { value: fate === 'lost' ? 1 : 2 },
        refused: { code: 'storage' },
      });
      expect(settled.outcomes).not.toHaveProperty('in doubt');
      expect([live.idle, live.stats.held]).toEqual([false, 1]);
      link.up();
      await bed.clock.advance(20);
      expect(settled.outcomes).toMatchObject({
        'in doubt': { value: { firstEventId: 2, spaceSequence: 2 } },
      });
      await take('after', bed.command('add', entry('after')));
      expect(markers(await bed.events())).toEqual(['first', 'in doubt', 'after']);
      expect(live.idle).toBe(true);
    },
  );

  it('keeps what is in doubt also when a read meets damage meanwhile, and settles it when a writer is there', async () => {
    await take('first', bed.command('add', entry('first')));
    await loseWriter('in doubt', 'answerLost');
    let isDamaged = true;
    const meetsDamage = new ReadTurn(() => {
      if (!isDamaged) return 'mended';
      isDamaged = false;
      const details = { spaceId: 1, view: 'main', viewVersion: 1, build: 1 };
      throw new RamaxError('corrupt', 'the value cannot be read', { details });
    });
    await take('read', meetsDamage);
    await bed.clock.advance(20);
    expect(settled.outcomes).toMatchObject({ read: { value: 'mended' } });
    expect(settled.outcomes).not.toHaveProperty('in doubt');
    link.up();
    await bed.clock.advance(20);
    expect(settled.outcomes).toMatchObject({ 'in doubt': { value: { firstEventId: 2, spaceSequence: 2 } } });
    await take('after', bed.command('add', entry('after')));
    expect(markers(await bed.events())).toEqual(['first', 'in doubt', 'after']);
  });

  it('answers a read that was held behind what is in doubt', async () => {
    link.fates.push('lost');
    const [command, read] = [bed.command('add', entry('in doubt')), fetchTurn('count')];
    settled.watch('command', command.answer);
    settled.watch('read', read.answer);
    live.take(command);
    live.take(read);
    link.down(full);
    await bed.clock.advance(20);
    expect(settled.outcomes).toMatchObject({ read: { kind: 'ok' } });
    expect(settled.outcomes).not.toHaveProperty('command');
  });

  it('says that the outcome is unknown to who gives up waiting, and when the space is closed', async () => {
    link.fates.push('lost', 'lost');
    const [one, other] = [bed.command('add', entry('one')), bed.command('add', entry('other'))];
    settled.watch('one', one.answer);
    settled.watch('other', other.answer);
    live.take(one);
    live.take(other);
    link.down(full);
    await bed.clock.advance(20);
    one.cancel();
    await bed.clock.settle();
    expect(settled.outcomes).toMatchObject({ one: { code: 'outcome_unknown' } });
    await live.close();
    await bed.clock.settle();
    expect(settled.outcomes).toMatchObject({ other: { code: 'outcome_unknown' } });
  });

  it('is opened for reading, and takes commands as soon as a writer is there', async () => {
    await take('first', bed.command('add', entry('first')));
    await live.close();
    link.down(full);
    live = await bed.openLive(ledger, {}, link);
    await take('read', fetchTurn('count'));
    await take('refused', bed.command('add', entry('refused')));
    link.up();
    await bed.clock.advance(20);
    await take('after', bed.command('add', entry('after')));
    expect(settled.outcomes).toMatchObject({
      read: { value: 1 },
      refused: { code: 'storage' },
      after: { value: { spaceSequence: 2 } },
    });
  });

  it('refuses nothing that a dead shard may have written: its outcome is unknown', async () => {
    await live.close();
    link.down(full);
    live = await bed.openLive(ledger, {}, link);
    const { invocation } = bed.command('add', entry('resent'));
    await take('resent', new CommandTurn({ ...invocation, resentAfter: 0 }));
    expect(settled.outcomes).toMatchObject({ resent: { code: 'outcome_unknown' } });
  });
});

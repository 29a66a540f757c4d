import { beforeEach, describe, expect, it } from 'vitest';
import { localLog } from '../../src/content-store/local-log.js';
import type { ChainedAppend, LogLink } from '../../src/content-store/log-link.js';
import { MemoryLog } from '../../src/event-store/memory/memory-log.js';
import { rejectionOf } from '../core/error-of.js';
import { append, createSpace, plainEvent, wide } from '../event-store/log-fixture.js';
import { ManualClock } from '../testing/manual-clock.js';
import { HeldLog } from './held-log.js';
import { appendTo } from './lossy-link.js';
import { Settlements } from './settlements.js';

const clock = new ManualClock();
let log: HeldLog;
let link: LogLink;
let generation: number;

beforeEach(async () => {
  log = new HeldLog(new MemoryLog('log-a'), clock);
  await createSpace(log, 'acme');
  link = localLog(log);
  ({ generation } = await link.openSpace(1));
});

function appendAt(previousSequence: number, of = generation): ChainedAppend {
  return {
    ...append(1, previousSequence, []),
    events: [{ ...plainEvent(`${previousSequence}`), header: '' }],
    generation: of,
  };
}

describe('a log in the same thread', () => {
  it('commits appends one at a time, in the order of the calls', async () => {
    log.isHeld = true;
    const settled = new Settlements();
    for (const sequence of [0, 1, 2]) settled.watch(`${sequence}`, appendTo(link, appendAt(sequence)));
    await clock.settle();
    expect(log.waiting).toBe(1);
    log.releaseAll();
    await clock.settle();
    expect(settled.names).toEqual(['0', '1', '2']);
    expect(settled.outcomes['2']).toMatchObject({ value: { firstEventId: 3, spaceSequence: 3 } });
  });

  it('opens a space behind what is being committed; what waits can never be any more', async () => {
    log.isHeld = true;
    const settled = new Settlements();
    settled.watch('begun', appendTo(link, appendAt(0)));
    settled.watch('waiting', appendTo(link, appendAt(1)));
    await clock.settle();
    settled.watch('open', link.openSpace(1));
    await clock.settle();
    expect(settled.names).toEqual([]);
    log.releaseAll();
    await clock.settle();
    expect(settled.names).toEqual(['begun', 'waiting', 'open']);
    expect(settled.outcomes['waiting']).toMatchObject({ code: 'fenced' });
    expect(settled.outcomes['open']).toMatchObject({ value: { head: { lastSpaceSequence: 1 } } });
  });

  it('refuses an append of an owner before the last', async () => {
    const before = generation;
    ({ generation } = await link.openSpace(1));
    expect(generation).toBeGreaterThan(before);
    expect((await rejectionOf(appendTo(link, appendAt(0, before)))).code).toBe('fenced');
    expect(await appendTo(link, appendAt(0))).toMatchObject({ spaceSequence: 1 });
  });

  it('commits nothing behind a commit in doubt until the space was opened again', async () => {
    log.fates.push('writtenInDoubt');
    const first = rejectionOf(appendTo(link, appendAt(0)));
    const second = rejectionOf(appendTo(link, appendAt(1)));
    expect([(await first).code, (await second).code]).toEqual(['storage', 'fenced']);
    ({ generation } = await link.openSpace(1));
    expect(await appendTo(link, appendAt(1))).toMatchObject({ spaceSequence: 2 });
    expect(await link.readSpace(1, 0, wide)).toHaveLength(2);
  });

  it('throws what the log refuses, and goes on', async () => {
    expect((await rejectionOf(appendTo(link, appendAt(5)))).code).toBe('conflict');
    expect(await appendTo(link, appendAt(0))).toMatchObject({ spaceSequence: 1 });
  });

  it('opens no space that there is not', async () => {
    expect((await rejectionOf(link.openSpace(2))).code).toBe('not_found');
  });
});

import { beforeEach, describe, expect, it } from 'vitest';
import { RamaxError } from '../../src/core/errors.js';
import { Caller, type Handlers, serve } from '../../src/protocol/link.js';
import { type WriterCalls, writerLink } from '../../src/protocol/links.js';
import { WriterHandle } from '../../src/supervisor/writer-handle.js';
import { type HousePort, houseChannel } from '../../src/testing/house-port.js';
import { Scheduler, schedulerClock } from '../../src/testing/scheduler.js';
import { errorOf, rejectionOf } from '../core/error-of.js';

let scheduler: Scheduler;
let handle: WriterHandle;

beforeEach(() => {
  scheduler = new Scheduler(1);
  handle = new WriterHandle();
});

const deletion = { kind: 'markSpaceDeleted', spaceId: 1 } as const;

const run = <T>(promise: Promise<T>): Promise<T> => scheduler.runUntil(promise);

/** A writer that answers where its log ends: at `latest`, or never. */
function startWriter(latest: number | 'never' | RamaxError): { readonly port: HousePort; asked: number } {
  const clock = schedulerClock(scheduler, () => true);
  const [mine, main] = houseChannel(scheduler);
  const writer = { port: mine, asked: 0 };
  const handlers = {
    latestEventId: () => {
      writer.asked++;
      if (latest === 'never') return new Promise<number>(() => {});
      if (latest instanceof RamaxError) throw latest;
      return latest;
    },
    changeSpace: () => {
      writer.asked++;
      return latest === 'never' ? new Promise(() => {}) : { kind: 'marked' };
    },
  } as unknown as Handlers<WriterCalls>;
  serve(writerLink, mine, handlers, clock);
  handle.up(new Caller(writerLink, main, clock));
  return writer;
}

describe('the writer’s stand-in', () => {
  it('waits with a call until a writer is up', async () => {
    const answer = handle.call('latestEventId', null);
    expect(errorOf(() => handle.current()).code).toBe('unavailable');
    startWriter(5);
    expect(await run(answer)).toBe(5);
  });

  it('makes a call again with the next writer when this one is lost before it answers', async () => {
    const first = startWriter('never');
    const answer = handle.call('latestEventId', null);
    while (first.asked === 0) await scheduler.step();
    first.port.close();
    await scheduler.advance(200);
    startWriter(7);
    expect(await run(answer)).toBe(7);
  });

  it('makes it again and again, as long as writers are lost', async () => {
    const answer = handle.call('latestEventId', null);
    for (let loss = 0; loss < 4; loss++) {
      const writer = startWriter('never');
      while (writer.asked === 0) await scheduler.step();
      writer.port.close();
      await scheduler.advance(200);
    }
    startWriter(9);
    expect(await run(answer)).toBe(9);
  });

  it('gives an error of the writer as it is', async () => {
    const writer = startWriter(new RamaxError('corrupt', 'damaged'));
    expect((await run(rejectionOf(handle.call('latestEventId', null)))).code).toBe('corrupt');
    expect(writer.asked).toBe(1);
  });

  it('fails calls that no writer has had while it is down for trouble that may last, and takes them again after', async () => {
    const waiting = rejectionOf(handle.call('latestEventId', null));
    handle.down(new RamaxError('storage', 'the disk is full'));
    expect((await run(waiting)).message).toBe('the disk is full');
    expect((await rejectionOf(handle.call('changeSpace', deletion))).message).toBe('the disk is full');
    const patient = handle.call('latestEventId', null, 'untilUp');
    startWriter(5);
    expect([await run(patient), await run(handle.call('latestEventId', null))]).toEqual([5, 5]);
  });

  it('lets a change that a writer has had wait on, for it may have been made; a read fails', async () => {
    const first = startWriter('never');
    const change = handle.call('changeSpace', deletion);
    const read = rejectionOf(handle.call('latestEventId', null));
    while (first.asked < 2) await scheduler.step();
    first.port.close();
    await scheduler.advance(200);
    handle.down(new RamaxError('storage', 'the disk is full'));
    expect((await run(read)).message).toBe('the disk is full');
    startWriter(6);
    expect(await run(change)).toEqual({ kind: 'marked' });
  });

  it('fails what waits, and everything later, when there will be no writer any more', async () => {
    const waiting = rejectionOf(handle.call('latestEventId', null));
    handle.fail(new RamaxError('unavailable', 'the writer keeps failing'));
    handle.fail(new RamaxError('closed', 'later'));
    expect((await run(waiting)).message).toBe('the writer keeps failing');
    expect((await rejectionOf(handle.call('latestEventId', null))).code).toBe('unavailable');
    expect(errorOf(() => handle.current()).message).toBe('the writer keeps failing');
  });
});

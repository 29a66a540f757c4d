import { describe, expect, it } from 'vitest';
import type { RecordedEvent } from '../../src/index.js';
import { House } from '../../src/testing/index.js';
import { alarms } from './alarms.js';

async function eventsOf(
  house: House<typeof alarms>,
  stream: AsyncIterable<RecordedEvent>,
): Promise<readonly RecordedEvent[]> {
  const events: RecordedEvent[] = [];
  const read = async (): Promise<void> => {
    for await (const event of stream) events.push(event);
  };
  await house.run(read());
  return events;
}

async function started(limits = {}) {
  const house = new House({ app: alarms, seed: 7 });
  const ramax = await house.start({ shards: 2, limits });
  const space = await house.run(ramax.spaces.getOrCreate('a'));
  const types = async () => (await eventsOf(house, space.streamEvents())).map(({ type }) => type);
  return { house, ramax, space, types };
}

describe('a timer', () => {
  it('fires once at its time, and its event comes with those of the command', async () => {
    const { house, ramax, space, types } = await started();
    await house.run(space.execute('set', { id: 'a', after: 5_000 }));
    expect(await house.run(space.timers.list())).toMatchObject([{ timerId: 'a', spaceSequence: 2 }]);
    await house.scheduler.advance(4_000);
    expect(await types()).toEqual(['set', 'ramax.timer.scheduled']);
    await house.scheduler.advance(2_000);
    expect(await types()).toEqual(['set', 'ramax.timer.scheduled', 'ramax.timer.fired', 'rung']);
    const [, scheduled, fired, rung] = await eventsOf(house, space.streamEvents());
    expect(fired?.payload).toMatchObject({ timerId: 'a', scheduledSequence: 2, outcome: 'accepted' });
    expect(rung?.correlationId).toBe(scheduled?.correlationId);
    expect(rung?.causationId).toBe(fired?.causationId);
    await house.scheduler.advance(500_000);
    expect(await house.run(space.query('fired', 'a'))).toBe(1);
    expect(await house.run(space.timers.list())).toEqual([]);
    const { timers } = await house.run(ramax.stats());
    expect([timers.fired, timers.firing, timers.retrying]).toEqual([1, 0, 0]);
    await house.run(ramax.close());
  });

  it('may be an event of its own', async () => {
    const { house, ramax, space, types } = await started();
    await house.run(space.execute('setEvent', { id: 'a', after: 10 }));
    await house.scheduler.advance(1_000);
    expect(await types()).toEqual(['ramax.timer.scheduled', 'ramax.timer.fired', 'rung']);
    await house.run(ramax.close());
  });

  it('is replaced by one of the same id', async () => {
    const { house, ramax, space } = await started();
    await house.run(space.execute('set', { id: 'a', after: 1_000 }));
    await house.run(space.execute('set', { id: 'a', after: 9_000 }));
    await house.scheduler.advance(5_000);
    expect(await house.run(space.query('rung', 'a'))).toBe(0);
    await house.scheduler.advance(5_000);
    expect(await house.run(space.query('rung', 'a'))).toBe(1);
    await house.run(ramax.close());
  });

  it('is cancelled by a command, by its handle, and in the turn that has scheduled it', async () => {
    const { house, ramax, space, types } = await started();
    await house.run(space.execute('setEvent', { id: 'a', after: 1_000 }));
    await house.run(space.execute('setEvent', { id: 'b', after: 1_000 }));
    await house.run(space.execute('unset', 'a'));
    expect(await house.run(space.timers.cancel('b'))).toBe(true);
    expect(await house.run(space.timers.cancel('b'))).toBe(false);
    expect((await house.run(space.execute('unset', 'nobody'))).eventIds).toEqual([]);
    await house.run(space.execute('setNothing', 'c'));
    await house.scheduler.advance(5_000);
    expect(await types()).toEqual([
      'ramax.timer.scheduled',
      'ramax.timer.scheduled',
      'ramax.timer.cancelled',
      'ramax.timer.cancelled',
      'ramax.timer.scheduled',
      'ramax.timer.cancelled',
    ]);
    await house.run(ramax.close());
  });

  it('may be scheduled again by the command that it has called', async () => {
    const { house, ramax, space } = await started();
    await house.run(space.execute('set', { id: 'a', after: 10, command: 'repeat' }));
    await house.scheduler.advance(10_000);
    expect(await house.run(space.query('rung', 'a'))).toBe(3);
    expect(await house.run(space.query('fired', 'a'))).toBe(3);
    await house.run(ramax.close());
  });

  it('has fired when its command is rejected', async () => {
    const { house, ramax, space } = await started();
    await house.run(space.execute('set', { id: 'a', after: 10, command: 'refuse' }));
    await house.scheduler.advance(10_000);
    const last = (await eventsOf(house, space.streamEvents())).at(-1);
    expect(last?.payload).toMatchObject({
      outcome: 'rejected',
      reason: 'asleep',
      details: { until: 'noon' },
    });
    await house.run(ramax.close());
  });

  it('has failed when its command throws at every attempt', async () => {
    const { house, ramax, space } = await started({ timerAttemptsMax: 3, timerRetryMs: 1_000 });
    await house.run(space.execute('set', { id: 'a', after: 10, command: 'break' }));
    await house.scheduler.advance(2_000);
    expect((await house.run(ramax.stats())).timers).toMatchObject({ fired: 0, retrying: 1 });
    await house.scheduler.advance(10_000);
    const last = (await eventsOf(house, space.streamEvents())).at(-1);
    expect(last?.payload).toMatchObject({ outcome: 'failed', error: { code: 'command_failed' } });
    expect((await house.run(ramax.stats())).timers).toMatchObject({ fired: 1, failed: 1, retrying: 0 });
    await house.run(ramax.close());
  });

  it('waits while its space is suspended', async () => {
    const { house, ramax, space } = await started();
    await house.run(space.execute('set', { id: 'a', after: 1_000 }));
    await house.run(ramax.spaces.suspend('a'));
    await house.scheduler.advance(200_000);
    expect(await house.run(space.query('rung', 'a'))).toBe(0);
    await house.run(ramax.spaces.resume('a'));
    await house.scheduler.advance(1_000);
    expect(await house.run(space.query('rung', 'a'))).toBe(1);
    expect((await house.run(ramax.stats())).timers.lateMs).toBeGreaterThan(190_000);
    await house.run(ramax.close());
  });

  it('fires in a runtime that is started after its time', async () => {
    const { house, ramax, space } = await started();
    await house.run(space.execute('set', { id: 'a', after: 60_000 }));
    await house.run(ramax.close());
    await house.scheduler.advance(100_000);
    const again = await house.start({ shards: 1 });
    await house.scheduler.advance(1_000);
    const same = await house.run(again.spaces.getOrCreate('a'));
    expect(await house.run(same.query('rung', 'a'))).toBe(1);
    await house.run(again.close());
  });

  it('goes with its space, to a clone, and back with a restored one', async () => {
    const { house, ramax, space } = await started();
    await house.run(space.execute('set', { id: 'a', after: 1_000 }));
    const copy = await house.run(ramax.spaces.clone('a', 'copy'));
    await house.run(ramax.spaces.clone('a', 'gone'));
    await house.run(ramax.spaces.delete('gone'));
    await house.scheduler.advance(5_000);
    expect(await house.run(copy.query('rung', 'a'))).toBe(1);
    expect(await house.run(space.query('rung', 'a'))).toBe(1);
    const restored = await house.run(ramax.spaces.restoreTo('a', 2));
    await house.scheduler.advance(5_000);
    expect(await house.run(restored.query('rung', 'a'))).toBe(1);
    expect((await house.run(ramax.stats())).timers.fired).toBe(3);
    await house.run(ramax.close());
  });

  it('does not wait for more than so many others', async () => {
    const { house, ramax, space } = await started({ timersFiringMax: 4 });
    const all = Array.from({ length: 1_200 }, (_, n) =>
      space.execute('setEvent', { id: `t${n}`, after: 5_000 }),
    );
    await house.run(Promise.all(all));
    await house.scheduler.advance(20_000);
    expect(await house.run(space.timers.list())).toEqual([]);
    expect((await house.run(ramax.stats())).timers.fired).toBe(1_200);
    await house.run(ramax.close());
  }, 60_000);

  it('is refused over its bounds', async () => {
    const { house, ramax, space } = await started({ timersPerSpaceMax: 2, timerDelayMsMax: 10_000 });
    const codeOf = async (answer: Promise<unknown>) => {
      const error: unknown = await house.run(answer.then(() => undefined).catch((caught: unknown) => caught));
      return (error as { code?: string } | undefined)?.code;
    };
    expect(await codeOf(space.execute('set', { id: 'a', after: 10_001 }))).toBe('invalid_input');
    expect(await codeOf(space.execute('set', { id: 'x'.repeat(501), after: 1 }))).toBe('invalid_input');
    expect(await codeOf(space.execute('set', { id: 'a', after: 1, command: 'none' as never }))).toBe(
      'invalid_input',
    );
    expect(await codeOf(space.execute('set', { id: 'a', after: 9_000 }))).toBeUndefined();
    expect(await codeOf(space.execute('set', { id: 'b', after: 9_000 }))).toBeUndefined();
    expect(await codeOf(space.execute('set', { id: 'b', after: 9_500 }))).toBeUndefined();
    expect(await codeOf(space.execute('set', { id: 'c', after: 9_000 }))).toBe('overloaded');
    expect(await codeOf(space.execute('forge'))).toBe('invalid_input');
    expect(await codeOf(space.execute('ramax.timer.fire' as never, {} as never))).toBe('unknown_command');
    await house.run(ramax.close());
  });
});

/** Timers under deaths of threads, commits in doubt and ends of the process: each that was scheduled ends exactly once. */

import { describe, expect, it } from 'vitest';
import type { RecordedEvent } from '../../src/index.js';
import { House } from '../../src/testing/index.js';
import { alarms } from '../supervisor/alarms.js';

const options = { shards: 2, limits: { restartsMax: 1_000, timerRetryMs: 50 } };
const spaceNames = ['a', 'b', 'c'];

/** Plays one history and gives the events of its spaces, and what is still pending. */
async function play(seed: number) {
  const house = new House({ app: alarms, seed });
  const { random } = house;
  house.disk.nextCommitFault = () =>
    random.below(20) === 0 ? (random.below(2) === 0 ? 'writtenInDoubt' : 'notWrittenInDoubt') : 'none';
  let ramax = await house.start(options);
  for (let round = 0; round < 12; round++) {
    for (let n = 0; n < 6; n++) {
      const name = spaceNames[random.below(3)] ?? 'a';
      const id = `t${random.below(8)}`;
      const after = random.below(400);
      const kind = random.below(6);
      // Not awaited: the process may end meanwhile.
      void ramax.spaces
        .getOrCreate(name)
        .then((space): Promise<unknown> => {
          if (kind === 0) return space.execute('unset', id);
          if (kind === 1) return space.timers.cancel(id);
          if (kind === 2) return space.execute('set', { id, after, command: 'repeat' });
          if (kind === 3) return space.execute('set', { id, after, command: 'refuse' });
          return space.execute('set', { id, after });
        })
        .catch(() => {});
    }
    await house.scheduler.advance(random.below(200));
    const death = random.below(6);
    if (death < 2) house.killShard(death);
    else if (death === 2) house.killWriter();
    else if (death === 3) {
      house.killAll();
      await house.scheduler.advance(random.below(500));
      ramax = await house.start(options);
    }
  }
  house.disk.nextCommitFault = () => 'none';
  await house.scheduler.advance(120_000);
  const spaces = await house.run(ramax.spaces.list());
  const pending = await Promise.all(spaces.map((space) => house.run(space.timers.list())));
  const histories = spaces.map(({ spaceId }) => {
    const events: RecordedEvent[] = [];
    return house.run(
      (async () => {
        const space = await ramax.spaces.findById(spaceId);
        for await (const event of space?.streamEvents() ?? []) events.push(event);
        return events;
      })(),
    );
  });
  const logs = await Promise.all(histories);
  const fired = await Promise.all(
    spaces.map((space) => Promise.all(ids.map((id) => house.run(space.query('fired', id))))),
  );
  await house.run(ramax.close());
  return { logs, pending, fired };
}

const ids = Array.from({ length: 8 }, (_, n) => `t${n}`);

/** What is wrong with a history, told from its events alone. */
function wrongIn(events: readonly RecordedEvent[]): string[] {
  const wrong: string[] = [];
  const pending = new Map<string, RecordedEvent>();
  for (const [index, event] of events.entries()) {
    if (!event.type.startsWith('ramax.timer.')) continue;
    const payload = event.payload as {
      timerId: string;
      dueAt: number;
      scheduledSequence: number;
      outcome: string;
    };
    const { timerId } = payload;
    const before = pending.get(timerId);
    if (event.type === 'ramax.timer.scheduled') {
      pending.set(timerId, event);
      continue;
    }
    pending.delete(timerId);
    if (before === undefined || before.spaceSequence !== payload.scheduledSequence) {
      wrong.push(`${event.type} ${timerId} at ${event.spaceSequence}, which was not pending`);
    }
    if (event.type === 'ramax.timer.cancelled') continue;
    if (event.timestamp < payload.dueAt) wrong.push(`${timerId} fired before its time`);
    const next = events[index + 1];
    const rang = next?.type === 'rung' && next.causationId === event.causationId;
    if (rang !== (payload.outcome === 'accepted')) wrong.push(`${timerId} fired without what it does`);
  }
  const rung = events.filter(({ type }) => type === 'rung').length;
  const accepted = events.filter(
    ({ payload }) => (payload as { outcome?: string }).outcome === 'accepted',
  ).length;
  if (rung !== accepted) wrong.push(`${rung} rang, and ${accepted} fired`);
  for (const id of pending.keys()) wrong.push(`${id} never fired`);
  return wrong;
}

describe('timers in random histories', () => {
  it('end exactly once each, over 60 seeds', async () => {
    let firings = 0;
    for (let seed = 1; seed <= 60; seed++) {
      const { logs, pending, fired } = await play(seed);
      expect([seed, logs.flatMap(wrongIn), pending.flat()]).toEqual([seed, [], []]);
      for (const [place, events] of logs.entries()) {
        const of = (id: string) =>
          events.filter(
            ({ type, payload }) =>
              type === 'ramax.timer.fired' && (payload as { timerId: string }).timerId === id,
          ).length;
        expect(fired[place]).toEqual(ids.map(of));
        firings += events.filter(({ type }) => type === 'ramax.timer.fired').length;
      }
    }
    expect(firings).toBeGreaterThan(1_000);
  }, 120_000);
});

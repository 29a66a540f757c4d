/** The mailbox, with live spaces over a log in memory, and a clock that moves only when a turn takes its time. */

import { describe, expect, it } from 'vitest';
import { LiveSpace } from '../../src/content-store/live-space.js';
import { localLog } from '../../src/content-store/local-log.js';
import { CommandTurn, ReadTurn } from '../../src/content-store/turn.js';
import { defineApp } from '../../src/core/define-app.js';
import { RamaxError } from '../../src/core/errors.js';
import { defaultLimits } from '../../src/core/limits.js';
import { loadApp } from '../../src/core/loaded-app.js';
import { MemoryLog } from '../../src/event-store/memory/memory-log.js';
import { MemoryLogStore } from '../../src/event-store/memory/memory-log-store.js';
import { nodePlatform } from '../../src/platform/node-platform.js';
import { MemoryPStateStore } from '../../src/pstate/memory/memory-pstate-store.js';
import { Mailbox } from '../../src/shard/mailbox.js';

const turnMs = 3;
const limits = { ...defaultLimits, turnBudgetMs: 10, mailboxTurnsMax: 50 };

/** Several spaces of one shard. Each turn takes `turnMs` of the clock and writes down that it was decided. */
async function shardOf(spaceNames: readonly string[]) {
  let nowMs = 0;
  const decided: string[] = [];
  const clock = { ...nodePlatform.clock, monotonicMs: () => nowMs };
  const platform = { ...nodePlatform, clock };
  const app = loadApp(
    defineApp({
      name: 'slow',
      commands: {
        turn(_pstate, name: string) {
          nowMs += turnMs;
          decided.push(name);
          return [{ entityId: 'e', type: 'turned', payload: name }];
        },
      },
      projections: {},
    }),
  );
  const log = new MemoryLogStore(new MemoryLog('log'), clock);
  const link = localLog(log);
  const mailboxes = new Map<string, Mailbox>();
  for (const spaceName of spaceNames) {
    const [outcome] = await log.commit([{ kind: 'createSpace', spaceName, metadata: {} }]);
    const spaceId = outcome?.kind === 'space' ? outcome.space.spaceId : 0;
    const pstates = new MemoryPStateStore();
    const live = LiveSpace.open({
      spaceId,
      spaceName,
      app,
      log: link,
      pstates,
      platform,
      limits,
      onError: () => {},
    });
    mailboxes.set(spaceName, new Mailbox({ clock, limits, open: () => live }));
  }
  const post = (spaceName: string, name: string): CommandTurn => {
    const turn = new CommandTurn({ invocationId: nodePlatform.ids.newId(), command: 'turn', params: name });
    mailboxes.get(spaceName)!.post(turn);
    return turn;
  };
  return { decided, mailboxes, post };
}

describe('a mailbox', () => {
  it('decides its turns in the order in which they were posted', async () => {
    const { decided, post } = await shardOf(['a']);
    const turns = Array.from({ length: 40 }, (_, index) => post('a', `a${index}`));
    await Promise.all(turns.map(({ answer }) => answer));
    expect(decided).toEqual(turns.map((_, index) => `a${index}`));
  });

  it('refuses a turn over its bound, and takes turns again when there is room', async () => {
    const { mailboxes, post } = await shardOf(['a']);
    const turns = Array.from({ length: limits.mailboxTurnsMax }, () => post('a', 'x'));
    expect(() => post('a', 'y')).toThrow(expect.objectContaining({ code: 'overloaded' }));
    await Promise.all(turns.map(({ answer }) => answer));
    expect(mailboxes.get('a')?.size).toBe(0);
    await post('a', 'y').answer;
  });

  it('holds up another space by one budget at most, however long its backlog is', async () => {
    const { decided, post } = await shardOf(['busy', 'quiet']);
    const backlog = Array.from({ length: 40 }, (_, index) => post('busy', `busy${index}`));
    const quiet = post('quiet', 'quiet');
    await quiet.answer;
    // A budget of 10 ms holds four turns of 3 ms: the fourth one passes it.
    const drain = Math.ceil(limits.turnBudgetMs / turnMs);
    expect(decided.indexOf('quiet')).toBeLessThanOrEqual(2 * drain);
    await Promise.all(backlog.map(({ answer }) => answer));
  });

  it('refuses what waits when the space cannot be opened, and goes on with the next turn', async () => {
    let isBroken = true;
    const mailbox = new Mailbox({
      clock: nodePlatform.clock,
      limits,
      open: () => (isBroken ? Promise.reject(new RamaxError('corrupt', 'damaged')) : openEmpty()),
    });
    const first = new ReadTurn(() => 1);
    mailbox.post(first);
    await expect(first.answer).rejects.toMatchObject({ code: 'corrupt' });
    isBroken = false;
    const second = new ReadTurn(() => 2);
    mailbox.post(second);
    expect(await second.answer).toBe(2);
  });
});

/** A live space of its own, without commands. */
async function openEmpty(): Promise<LiveSpace> {
  const clock = nodePlatform.clock;
  const log = new MemoryLogStore(new MemoryLog('other'), clock);
  await log.commit([{ kind: 'createSpace', spaceName: 'b', metadata: {} }]);
  const app = loadApp(defineApp({ name: 'empty', commands: {}, projections: {} }));
  const pstates = new MemoryPStateStore();
  return LiveSpace.open({
    spaceId: 1,
    spaceName: 'b',
    app,
    log: localLog(log),
    pstates,
    platform: nodePlatform,
    limits,
    onError: () => {},
  });
}

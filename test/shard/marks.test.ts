import { describe, expect, it } from 'vitest';
import { ReadTurn } from '../../src/content-store/turn.js';
import { defineApp } from '../../src/core/define-app.js';
import { reject } from '../../src/core/rejection.js';
import { type Running, runningOf } from '../../src/core/vitals.js';
import { ShardBed } from './shard-bed.js';

const nothing = { kind: 'nothing' };

/** An app whose every function says that it runs. */
function marksApp(note: (what: string) => void) {
  return defineApp({
    name: 'marks',
    commands: {
      work(_pstate, { name }: { name: string }) {
        note(`command ${name}`);
        if (name === 'rejected') return reject('no');
        if (name === 'thrown') throw new Error('out of order');
        return [{ entityId: 'e', type: 'worked', payload: name }];
      },
    },
    projections: { worked: (_pstate, { payload }) => note(`main ${payload}`) },
    views: { further: { version: 1, on: { worked: (_view, { payload }) => note(`further ${payload}`) } } },
    queries: {
      look() {
        note('query');
        return 1;
      },
    },
  });
}

/** A shard of that app, and what was marked while each of its functions ran. */
async function start(): Promise<{ bed: ShardBed; seen: (readonly [string, Running])[] }> {
  const seen: (readonly [string, Running])[] = [];
  const note = (what: string): void => void seen.push([what, runningOf(bed.vitals)]);
  const bed: ShardBed = await ShardBed.make(2, () => marksApp(note));
  return { bed, seen };
}

/** Posts a command of the call with this id, and waits until it is settled. */
async function work(bed: ShardBed, name: string, callId: number): Promise<void> {
  const turn = bed.post(name, 1, { name, ms: 0 });
  turn.callId = callId;
  await turn.answer.catch(() => {});
}

describe('what a shard marks', () => {
  it('is the call while its command decides and its events are applied, and nothing when they are appended', async () => {
    const { bed, seen } = await start();
    await work(bed, 'a', 41);
    const call = { kind: 'call', callId: 41 };
    expect(seen).toEqual([
      ['command a', call],
      ['main a', call],
      ['further a', call],
    ]);
    expect(bed.markedAtAppends).toEqual([nothing]);
    expect(runningOf(bed.vitals)).toEqual(nothing);
  });

  it.each(['rejected', 'thrown'])('is nothing after a command that was %s', async (name) => {
    const { bed, seen } = await start();
    await work(bed, name, 7);
    expect(seen).toEqual([[`command ${name}`, { kind: 'call', callId: 7 }]]);
    expect(runningOf(bed.vitals)).toEqual(nothing);
  });

  it('is the call while its query runs, and nothing after one that throws', async () => {
    const { bed, seen } = await start();
    await bed.query(1, 'look');
    const turn = new ReadTurn(() => {
      seen.push(['read', runningOf(bed.vitals)]);
      throw new Error('out of reach');
    });
    turn.callId = 8;
    bed.shard.space(bed.address(1)).post(turn);
    await turn.answer.catch(() => {});
    expect(seen).toEqual([
      ['query', nothing],
      ['read', { kind: 'call', callId: 8 }],
    ]);
    expect(runningOf(bed.vitals)).toEqual(nothing);
  });

  it('is the event, its space and the view while a view is given it from the log', async () => {
    const { bed, seen } = await start();
    await work(bed, 'a', 1);
    await work(bed, 'b', 2);
    seen.length = 0;
    bed.restart();
    await bed.query(1, 'look');
    const event = (view: number, spaceSequence: number) => ({
      kind: 'event',
      spaceId: 1,
      view,
      spaceSequence,
    });
    expect(seen).toEqual([
      ['main a', event(0, 1)],
      ['further a', event(1, 1)],
      ['main b', event(0, 2)],
      ['further b', event(1, 2)],
      ['query', nothing],
    ]);
    expect(runningOf(bed.vitals)).toEqual(nothing);
  });
});

describe('an event that shards have died of', () => {
  const poisoned = (view: string) => ({ spaceId: 1, view, spaceSequence: 2, cause: 'worker exited' });

  it('is not given to its further view, which stops there; the others go on', async () => {
    const { bed, seen } = await start();
    for (const name of ['a', 'b', 'c']) await work(bed, name, 1);
    seen.length = 0;
    bed.restart(undefined, [poisoned('further')]);
    expect(await bed.query(1, 'look')).toBe(1);
    expect(seen.map(([what]) => what)).toEqual(['main a', 'further a', 'main b', 'main c', 'query']);
    const [, further] = await bed.shard.space(bed.address(1)).viewStatuses();
    expect(further).toMatchObject({
      view: 'further',
      state: 'stopped',
      error: { code: 'projection_failed', details: { spaceSequence: 2 } },
    });
    expect(further?.error?.message).toContain('it has ended its shard several times (worker exited)');
  });

  it('stops a main view, whose commands are refused with its name; other spaces know nothing of it', async () => {
    const { bed } = await start();
    for (const name of ['a', 'b']) await work(bed, name, 1);
    bed.restart(undefined, [poisoned('main')]);
    const refused = await bed.post('c', 1, { name: 'c', ms: 0 }).answer.catch((error: unknown) => error);
    expect(refused).toMatchObject({ code: 'projection_failed', details: { view: 'main', spaceSequence: 2 } });
    await bed.work(2, 'x');
    await bed.work(2, 'y');
    bed.restart(undefined, [poisoned('main')]);
    expect(await bed.query(2, 'look')).toBe(1);
  });
});

import { beforeEach, describe, expect, it } from 'vitest';
import { nodeCipher } from '../../src/platform/node-cipher.js';
import { nodePlatform } from '../../src/platform/node-platform.js';
import { spaceNotFound } from '../../src/space/space-errors.js';
import { KeyRing } from '../../src/supervisor/key-ring.js';
import { Quarantine } from '../../src/supervisor/quarantine.js';
import { ShardHandle } from '../../src/supervisor/shard-handle.js';
import { SpaceLock } from '../../src/supervisor/space-lock.js';
import { Scheduler } from '../../src/testing/scheduler.js';
import { Settlements } from '../content-store/settlements.js';
import { ManualClock } from '../testing/manual-clock.js';
import { FakeShard } from './fake-shard.js';

const key = new Uint8Array(32).fill(7);
const hex = Buffer.from(key).toString('hex');
const encryption = { keyId: 'k', check: nodeCipher(key).check };
const limits = { keysHeldMax: 10, keyWaitMs: 100, idBytesMax: 512 };

let scheduler: Scheduler;
let handle: ShardHandle;
let shard: FakeShard;
let settled: Settlements;
/** Gives the app's answer to who asks for the key. */
let answers: ((given: Uint8Array | undefined) => void)[];
let keys: KeyRing;
let lock: SpaceLock;

beforeEach(() => {
  scheduler = new Scheduler(1);
  handle = new ShardHandle({
    limits: { restartsMax: 5 },
    quarantine: new Quarantine(nodePlatform.textDigest),
  });
  shard = new FakeShard(scheduler);
  settled = new Settlements();
  answers = [];
  const keyOf = (): Promise<Uint8Array | undefined> => new Promise((resolve) => answers.push(resolve));
  keys = new KeyRing(keyOf, { clock: new ManualClock(), cipherOf: nodeCipher }, limits);
  lock = new SpaceLock(1, encryption, keys, handle);
  handle.up(shard.caller);
});

/** Makes a command behind the lock. */
function execute(command: string) {
  const invocation = { invocationId: `of ${command}`, command, params: undefined };
  const plan = lock.guard(handle.command({ spaceId: 1, spaceName: 'acme' }, invocation));
  settled.watch(command, new Promise((answered, failed) => plan.begin({ answered, failed })));
  return plan;
}

const arrive = (): Promise<void> => scheduler.advance(500);

/** The app answers the question under way. */
async function answer(given: Uint8Array | undefined): Promise<void> {
  await arrive();
  answers.shift()?.(given);
  await arrive();
}

describe('the lock of an encrypted space', () => {
  it('lets calls through in their order once the shard has the key, and at once from then on', async () => {
    execute('one');
    execute('two');
    await arrive();
    expect(shard.seen).toEqual([]);
    await answer(key);
    execute('three');
    await arrive();
    expect(shard.seen).toEqual([`unlock 1 ${hex}`, 'one', 'two', 'three']);
    expect(answers).toEqual([]);
  });

  it('keeps the order of a call that is made while those before it are let through', async () => {
    lock.pass(
      () => {
        execute('second');
      },
      () => {},
    );
    execute('first');
    await answer(key);
    expect(shard.seen.slice(1)).toEqual(['first', 'second']);
  });

  it('fails what waits when there is no key, and asks again for the next call', async () => {
    execute('one');
    await answer(undefined);
    expect(settled.outcomes['one']).toMatchObject({ code: 'key_missing' });
    execute('two');
    await answer(key);
    expect(shard.seen).toEqual([`unlock 1 ${hex}`, 'two']);
  });

  it('gives the key to every further shard before the calls that are sent again', async () => {
    execute('one');
    await answer(key);
    shard.die();
    await arrive();
    shard = new FakeShard(scheduler);
    handle.up(shard.caller);
    await arrive();
    expect(shard.seen).toEqual([`unlock 1 ${hex}`, 'one']);
  });

  it('takes the key back, and does not open with what was asked for before', async () => {
    execute('one');
    await answer(key);
    await Promise.all([lock.lock(), arrive()]);
    keys.forget('k');
    execute('two');
    await arrive();
    const asked = answers.shift();
    await lock.lock();
    keys.forget('k');
    asked?.(key);
    await arrive();
    expect(shard.seen).toEqual([`unlock 1 ${hex}`, 'one', 'lock 1']);
    await answer(key);
    expect(shard.seen.slice(3)).toEqual([`unlock 1 ${hex}`, 'two']);
  });

  it('lets a call go that is cancelled while it waits: it is aborted and never sent', async () => {
    const plan = execute('one');
    execute('two');
    plan.cancel();
    await arrive();
    expect(settled.outcomes['one']).toMatchObject({ code: 'aborted' });
    await answer(key);
    expect(shard.seen).toEqual([`unlock 1 ${hex}`, 'two']);
  });

  it('asks again for who comes in the moment in which the others fail', async () => {
    const failed = new Promise<void>((resolve) => {
      lock.pass(
        () => {},
        () => {
          execute('next');
          resolve();
        },
      );
    });
    await answer(undefined);
    await failed;
    await answer(key);
    expect(shard.seen).toEqual([`unlock 1 ${hex}`, 'next']);
  });

  it('lets nobody through once the space is gone, and asks for its key no more', async () => {
    execute('waiting');
    await arrive();
    lock.end(spaceNotFound(1));
    await answer(key);
    execute('late');
    await arrive();
    expect(settled.outcomes['waiting']).toMatchObject({ code: 'not_found' });
    expect(settled.outcomes['late']).toMatchObject({ code: 'not_found' });
    expect([shard.seen, answers]).toEqual([[], []]);
  });
});

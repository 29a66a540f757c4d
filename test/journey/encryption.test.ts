import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { sqlite } from 'ramax/storage/sqlite';
import { afterEach, describe, expect, it } from 'vitest';
import type { FaultApp } from '../fixtures/fault.app.mjs';
import { all, codeOf, errorOf, fixture, RuntimeBed, range } from './runtime-bed.js';

const bed = new RuntimeBed();
afterEach(() => bed.clear());

/** A key service: keys by name, and how often it was asked. */
class KeyService {
  readonly keys = new Map<string, Uint8Array>();
  readonly asked: string[] = [];
  failure: Error | undefined;
  /** What every answer waits for. */
  wait: Promise<void> | undefined;

  constructor(...names: readonly string[]) {
    for (const [index, name] of names.entries()) this.keys.set(name, new Uint8Array(32).fill(index + 1));
  }

  readonly keyOf = async (keyId: string): Promise<Uint8Array | undefined> => {
    this.asked.push(keyId);
    await this.wait;
    if (this.failure !== undefined) throw this.failure;
    return this.keys.get(keyId);
  };
}

/** What is in any file of the directory. */
async function bytesIn(directory: string): Promise<Buffer> {
  const names = await readdir(directory);
  return Buffer.concat(await Promise.all(names.map((name) => readFile(join(directory, name)))));
}

const secret = 'a-secret-that-nobody-may-read';

describe('an encrypted space', () => {
  it('works like any other, and leaves payloads and state nowhere in the files', async () => {
    const directory = await bed.directory();
    const service = new KeyService('tenant 1');
    const options = { storage: sqlite({ directory }), encryption: { keyOf: service.keyOf } };
    const ramax = await bed.start(options);
    const acme = await ramax.spaces.getOrCreate('acme', { encryption: { keyId: 'tenant 1' } });
    const open = await ramax.spaces.getOrCreate('open');
    await acme.execute('line', secret, { commandId: 'once' });
    await open.execute('line', 'everybody may read this');
    await acme.checkpoint();
    await open.checkpoint();
    const again = await acme.execute('line', secret, { commandId: 'once' });
    expect(again.spaceSequence).toBe(1);
    expect(await codeOf(acme.execute('line', 'other', { commandId: 'once' }))).toBe('conflict');
    const [event] = await all(acme.streamEvents());
    expect(JSON.stringify(event?.payload)).toContain(secret);
    expect(await acme.readEvent(event?.eventId ?? 0)).toEqual(event);
    expect(await all(acme.streamEntityEvents(event?.entityId ?? ''))).toEqual([event]);
    expect((await all(ramax.streamAllEvents()))[0]).toEqual(event);
    await ramax.close();
    const bytes = await bytesIn(directory);
    expect(bytes.includes('everybody may read this')).toBe(true);
    expect(bytes.includes(secret)).toBe(false);
    const next = await bed.start(options);
    const found = await next.spaces.findByName('acme');
    expect(JSON.stringify(found && (await all(found.streamEvents())))).toContain(secret);
    await found?.rebuild();
    expect((await found?.execute('line', 'more'))?.spaceSequence).toBe(2);
    expect(service.asked).toEqual(['tenant 1', 'tenant 1']);
  });

  it('decides calls in their order, also those that wait for the key', async () => {
    const directory = await bed.directory();
    const service = new KeyService('k');
    const options = { storage: sqlite({ directory }), encryption: { keyOf: service.keyOf } };
    const first = await bed.start(options);
    await first.spaces.getOrCreate('acme', { encryption: { keyId: 'k' } });
    await first.close();
    const ramax = await bed.start(options);
    const acme = await ramax.spaces.findByName('acme');
    const answers = await Promise.all(range(50).map((n) => acme?.execute('line', n)));
    expect(answers.map((answer) => answer?.spaceSequence)).toEqual(range(50));
  });

  it('cannot be read once its key is gone, while the others go on, and can be deleted', async () => {
    const directory = await bed.directory();
    const service = new KeyService('a', 'b');
    const options = { storage: sqlite({ directory }), encryption: { keyOf: service.keyOf } };
    const ramax = await bed.start(options);
    const [one, two] = [
      await ramax.spaces.getOrCreate('one', { encryption: { keyId: 'a' } }),
      await ramax.spaces.getOrCreate('two', { encryption: { keyId: 'b' } }),
    ];
    await one.execute('add', { id: '1', value: 1 });
    await two.execute('add', { id: '1', value: 2 });
    service.keys.delete('a');
    await ramax.forgetKey('a');
    expect((await errorOf(one.execute('add', { id: '2', value: 1 }))).code).toBe('key_missing');
    expect(await codeOf(one.fetch('item:1'))).toBe('key_missing');
    expect(await codeOf(all(one.streamEvents()))).toBe('key_missing');
    expect(await codeOf(one.rebuild())).toBe('key_missing');
    expect(await two.query('items')).toEqual([{ id: '1', value: 2 }]);
    const events = await all(ramax.streamAllEvents());
    expect(events.map(({ payload, keyMissing }) => [payload !== null, keyMissing])).toEqual([
      [false, true],
      [true, undefined],
    ]);
    await ramax.spaces.delete('one');
    expect((await ramax.spaces.list()).map(({ spaceName }) => spaceName)).toEqual(['two']);
    await ramax.close();
    const next = await bed.start({ storage: sqlite({ directory }) });
    const left = await next.spaces.findByName('two');
    expect(await codeOf(left?.query('items') ?? Promise.resolve())).toBe('key_missing');
  });

  it('is not served with another key, and goes on when the right one is back', async () => {
    const service = new KeyService('k');
    const ramax = await bed.start({ encryption: { keyOf: service.keyOf } });
    const acme = await ramax.spaces.getOrCreate('acme', { encryption: { keyId: 'k' } });
    await acme.execute('add', { id: '1', value: 1 });
    const right = service.keys.get('k') ?? new Uint8Array();
    service.keys.set('k', new Uint8Array(32).fill(99));
    await ramax.forgetKey('k');
    expect(await codeOf(acme.query('items'))).toBe('key_missing');
    service.keys.set('k', new Uint8Array(31));
    expect(await codeOf(acme.query('items'))).toBe('key_missing');
    service.failure = new Error('the key service is away');
    expect(await codeOf(acme.query('items'))).toBe('unavailable');
    service.failure = undefined;
    service.keys.set('k', right);
    expect(await acme.query('items')).toEqual([{ id: '1', value: 1 }]);
  });

  it('keeps its key over the loss of its shard', async () => {
    const service = new KeyService('k');
    const encryption = { keyOf: service.keyOf };
    const ramax = await bed.start<FaultApp>({ encryption, app: fixture('fault.app.mjs') });
    const acme = await ramax.spaces.getOrCreate('acme', { encryption: { keyId: 'k' } });
    await acme.execute('line', 1);
    const marker = join(await bed.directory(), 'exited');
    expect((await acme.execute('exitOnce', { marker, n: 2 })).spaceSequence).toBe(2);
    expect(await all(acme.streamEvents())).toHaveLength(2);
    expect((await ramax.stats()).restarts.shards).toContain(1);
    expect(service.asked).toEqual(['k']);
  });

  it('is created encrypted or not at all', async () => {
    const service = new KeyService('k', 'other');
    const ramax = await bed.start({ encryption: { keyOf: service.keyOf } });
    await ramax.spaces.getOrCreate('open');
    await ramax.spaces.getOrCreate('acme', { encryption: { keyId: 'k' } });
    const { spaces } = ramax;
    expect(await codeOf(spaces.getOrCreate('open', { encryption: { keyId: 'k' } }))).toBe('conflict');
    expect(await codeOf(spaces.getOrCreate('acme', { encryption: { keyId: 'other' } }))).toBe('conflict');
    expect(await codeOf(spaces.getOrCreate('new', { encryption: { keyId: 'gone' } }))).toBe('key_missing');
    expect(await spaces.findByName('new')).toBeUndefined();
    const wrong = { encryption: { keyID: 'k' } } as unknown as { encryption: { keyId: string } };
    expect(await codeOf(spaces.getOrCreate('new', wrong))).toBe('invalid_input');
    const plain = await bed.start();
    expect(await codeOf(plain.spaces.getOrCreate('new', { encryption: { keyId: 'k' } }))).toBe(
      'invalid_input',
    );
  });

  it('lets a watcher go that waits for its key, with its signal', async () => {
    const service = new KeyService('k');
    const ramax = await bed.start({ encryption: { keyOf: service.keyOf } });
    const acme = await ramax.spaces.getOrCreate('acme', { encryption: { keyId: 'k' } });
    await acme.execute('add', { id: '1', value: 1 });
    await ramax.forgetKey('k');
    let resolve = (): void => {};
    service.wait = new Promise((go) => {
      resolve = go;
    });
    const aborting = new AbortController();
    const next = codeOf(acme.watch('item:1', { signal: aborting.signal }).next());
    aborting.abort();
    expect(await next).toBe('aborted');
    resolve();
    expect(await acme.fetch('item:1')).toEqual({ id: '1', value: 1 });
  });
});

import { expect, it } from 'vitest';
import { defineApp } from '../../src/core/define-app.js';
import { House } from '../../src/testing/house.js';

/** Notes when it is closed; that it is closed again later is nothing new. */
function noted<Closable extends object>(closable: Closable, name: string, notes: string[]): Closable {
  let isClosed = false;
  return new Proxy(closable, {
    get(target, member): unknown {
      if (member === 'close' && !isClosed) {
        isClosed = true;
        notes.push(name);
      }
      const found: unknown = Reflect.get(target, member);
      return typeof found === 'function' ? found.bind(target) : found;
    },
  });
}

it('A runtime that drains closes every reader of the log before its writer, which empties the write-ahead log for good', async () => {
  const app = defineApp({
    name: 'words',
    commands: { say: (_pstate, text: string) => [{ entityId: 'words', type: 'said', payload: text }] },
    projections: {},
  });
  const house = new House({ app, seed: 1 });
  const { disk } = house;
  const notes: string[] = [];
  const [openLog, openLogReader] = [disk.openLog.bind(disk), disk.openLogReader.bind(disk)];
  disk.openLog = (thread) => noted(openLog(thread), 'writer', notes);
  disk.openLogReader = (thread) => noted(openLogReader(thread), 'reader', notes);
  const ramax = await house.start({ shards: 2 });
  const space = await house.run(ramax.spaces.getOrCreate('acme'));
  await house.run(space.execute('say', 'text'));
  const read = async (): Promise<void> => {
    for await (const _event of space.streamEvents());
  };
  await house.run(read());
  await house.run(ramax.close());
  expect(notes.indexOf('writer')).toBeGreaterThan(notes.lastIndexOf('reader', notes.indexOf('writer')));
  expect(notes.slice(0, notes.indexOf('writer'))).toContain('reader');
  expect(notes.slice(notes.indexOf('writer'))).not.toContain('reader');
});

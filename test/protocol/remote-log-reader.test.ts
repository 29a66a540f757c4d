import { describe, expect, it } from 'vitest';
import type { Platform } from '../../src/core/clock.js';
import { defaultLimits } from '../../src/core/limits.js';
import { MemoryLog } from '../../src/event-store/memory/memory-log.js';
import { MemoryLogStore } from '../../src/event-store/memory/memory-log-store.js';
import type { LogReader } from '../../src/event-store/port.js';
import { Caller } from '../../src/protocol/link.js';
import { writerLink } from '../../src/protocol/links.js';
import { remoteLogReader } from '../../src/protocol/remote-log-reader.js';
import { Recorder } from '../../src/telemetry/recorder.js';
import { houseChannel } from '../../src/testing/house-port.js';
import { Scheduler, schedulerClock } from '../../src/testing/scheduler.js';
import { serveWriter } from '../../src/writer/serve-writer.js';
import { Writer } from '../../src/writer/writer.js';
import {
  append,
  commandNamed,
  createSpace,
  fullEvent,
  platformAt,
  wide,
} from '../event-store/log-fixture.js';

/** The same reads, once at the log itself and once through a link to its writer. */
async function bothReaders(): Promise<{
  readonly local: LogReader;
  readonly remote: LogReader;
  readonly run: <T>(promise: Promise<T>) => Promise<T>;
}> {
  const platform: Platform = platformAt(1_700_000_000_000);
  const log = new MemoryLogStore(new MemoryLog('log-a'), platform.clock);
  await createSpace(log, 'acme');
  await createSpace(log, 'widgets');
  await log.commit([
    append(1, 0, [fullEvent('a'), fullEvent('b', 'e2')], commandNamed('c1')),
    append(2, 0, [fullEvent('x')]),
  ]);
  const scheduler = new Scheduler(1);
  const clock = schedulerClock(scheduler, () => true);
  const writer = new Writer({ log, clock, limits: defaultLimits, onFailure: () => {} });
  const [mine, its] = houseChannel(scheduler);
  serveWriter({ recorder: new Recorder(clock), writer, main: its, clock, onDrained: () => {} });
  const caller = new Caller(writerLink, mine, clock);
  return { local: log, remote: remoteLogReader(() => caller), run: (promise) => scheduler.runUntil(promise) };
}

const reads: Readonly<Record<string, (log: LogReader) => Promise<unknown>>> = {
  readSpace: (log) => log.readSpace(1, 0, wide),
  'readSpace after an event': (log) => log.readSpace(1, 1, wide),
  'readSpace, bounded': (log) => log.readSpace(1, 0, { limit: 1, bytesMax: 1 }),
  readEntity: (log) => log.readEntity(1, 'e2', 0, wide),
  readAll: (log) => log.readAll(1, wide),
  readEvent: (log) => log.readEvent(1, 2),
  'readEvent of another space': (log) => log.readEvent(2, 2),
  findCommands: (log) => log.findCommands(1, ['c1', 'c2']),
  allCommands: (log) => log.allCommands(1, 5),
  'allCommands, too many': (log) => log.allCommands(1, 0),
  latestEventId: (log) => log.latestEventId(),
  spaceHead: (log) => log.spaceHead(2),
  'spaceHead of no space': (log) => log.spaceHead(9),
  findSpaceByName: (log) => log.findSpaceByName('acme'),
  'findSpaceByName of no space': (log) => log.findSpaceByName('nobody'),
  findSpaceById: (log) => log.findSpaceById(2),
  'findSpaceById of no space': (log) => log.findSpaceById(9),
  listSpaces: (log) => log.listSpaces(0, 10),
};

describe('the log through a link', () => {
  it.each(Object.keys(reads))('reads what the log itself reads: %s', async (name) => {
    const { local, remote, run } = await bothReaders();
    const read = reads[name]!;
    expect(plain(await run(read(remote)))).toEqual(plain(await read(local)));
  });
});

/** Bytes as lists of numbers: a link may bring them as another kind of byte array. */
function plain(value: unknown): unknown {
  if (value instanceof Uint8Array) return [...value];
  if (Array.isArray(value)) return value.map(plain);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, part]) => [name, plain(part)]));
}

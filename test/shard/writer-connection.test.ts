import { beforeEach, describe, expect, it } from 'vitest';
import { type ChainedAppend, WriterIsDown } from '../../src/content-store/log-link.js';
import { RamaxError } from '../../src/core/errors.js';
import { defaultLimits } from '../../src/core/limits.js';
import { MemoryLog } from '../../src/event-store/memory/memory-log.js';
import type { LogReader } from '../../src/event-store/port.js';
import { Caller } from '../../src/protocol/link.js';
import { writerLink } from '../../src/protocol/links.js';
import type { Port } from '../../src/protocol/port.js';
import { WriterConnection } from '../../src/shard/writer-connection.js';
import { Recorder } from '../../src/telemetry/recorder.js';
import { houseChannel } from '../../src/testing/house-port.js';
import { Scheduler, schedulerClock } from '../../src/testing/scheduler.js';
import { serveWriter } from '../../src/writer/serve-writer.js';
import { Writer } from '../../src/writer/writer.js';
import { chained } from '../content-store/chained-append.js';
import { HeldLog } from '../content-store/held-log.js';
import { appendTo } from '../content-store/lossy-link.js';
import { rejectionOf } from '../core/error-of.js';
import { append, commandNamed, createSpace, plainEvent, wide } from '../event-store/log-fixture.js';

const scheduler = new Scheduler(1);
const clock = schedulerClock(scheduler, () => true);

let log: HeldLog;
let connection: WriterConnection;

beforeEach(async () => {
  log = new HeldLog(new MemoryLog('log-a'), clock);
  await createSpace(log, 'acme');
  connection = new WriterConnection(clock, undefined);
});

/** The end of the channel that the writer started last has. */
let writerEnd: Port;

/** Starts a writer over the log, connects it as main does, and gives the shard's end of the channel. */
function startWriter(): Port {
  const writer = new Writer({ log, clock, limits: defaultLimits, onFailure: () => {} });
  const [toWriter, main] = houseChannel(scheduler);
  serveWriter({ recorder: new Recorder(clock), writer, main, clock, onDrained: () => {} });
  const [mine, its] = houseChannel(scheduler);
  void new Caller(writerLink, toWriter, clock).call('connectShard', null, { ports: [its] });
  writerEnd = its;
  return mine;
}

const run = <T>(promise: Promise<T>): Promise<T> => scheduler.runUntil(promise);

function appendAt(previousSequence: number, generation: number): ChainedAppend {
  const command = commandNamed(`c${previousSequence}`);
  return chained(append(1, previousSequence, [plainEvent('x')], command), generation);
}

describe('a shard’s connection to the writer', () => {
  it('appends through the writer, and opens spaces there', async () => {
    connection.connect(startWriter());
    const { generation, head } = await run(connection.openSpace(1));
    expect(head.lastSpaceSequence).toBe(0);
    expect(await run(appendTo(connection, appendAt(0, generation)))).toEqual({
      firstEventId: 1,
      spaceSequence: 1,
    });
    expect(await log.readSpace(1, 0, wide)).toHaveLength(1);
  });

  it('fails an append while there is no writer', async () => {
    expect((await run(rejectionOf(appendTo(connection, appendAt(0, 1))))).code).toBe('unavailable');
  });

  it('waits with the opening of a space for a writer', async () => {
    const opened = connection.openSpace(1);
    connection.connect(startWriter());
    expect((await run(opened)).head.lastSpaceSequence).toBe(0);
  });

  it('fails appends under way when the writer is lost, and waits for the next one', async () => {
    connection.connect(startWriter());
    const { generation } = await run(connection.openSpace(1));
    log.isHeld = true;
    const lost = rejectionOf(appendTo(connection, appendAt(0, generation)));
    while (log.waiting === 0) await scheduler.step();
    writerEnd.close();
    expect((await run(lost)).code).toBe('unavailable');
    expect((await run(rejectionOf(appendTo(connection, appendAt(0, generation))))).code).toBe('unavailable');
    log.releaseAll();
    const opened = connection.openSpace(1);
    connection.connect(startWriter());
    expect((await run(opened)).head.lastSpaceSequence).toBe(1);
  });

  it('fails openings once it hears that there may be no writer for long, but those that have all the time', async () => {
    const waiting = connection.openSpace(1).catch((error: unknown) => error);
    const patient = connection.openSpace(1, 'untilUp');
    connection.down(new RamaxError('storage', 'the disk is full'));
    expect(await run(waiting)).toBeInstanceOf(WriterIsDown);
    expect(await connection.openSpace(1).catch((error: unknown) => error)).toBeInstanceOf(WriterIsDown);
    expect(connection.trouble?.message).toBe('the disk is full');
    connection.connect(startWriter());
    expect((await run(patient)).head.lastSpaceSequence).toBe(0);
    expect(connection.trouble).toBeUndefined();
    expect((await run(connection.openSpace(1))).head.lastSpaceSequence).toBe(0);
  });

  it('tells where a space ends for those who only read', async () => {
    const reader = {
      findSpaceById: async (spaceId: number) => (spaceId === 1 ? { settings: {} } : undefined),
      spaceHead: async (spaceId: number) => (spaceId === 1 ? { lastSpaceSequence: 7 } : undefined),
    } as unknown as LogReader;
    connection = new WriterConnection(clock, reader);
    expect((await connection.openForReading(1)).head.lastSpaceSequence).toBe(7);
    expect((await rejectionOf(connection.openForReading(2))).code).toBe('not_found');
  });

  it('gives the link to the writer before up when another one comes', async () => {
    connection.connect(startWriter());
    const { generation } = await run(connection.openSpace(1));
    log.isHeld = true;
    const lost = rejectionOf(appendTo(connection, appendAt(0, generation)));
    connection.connect(startWriter());
    expect((await run(lost)).code).toBe('unavailable');
    log.releaseAll();
    expect((await run(connection.openSpace(1))).generation).toBeGreaterThan(0);
  });

  it('reads through the writer where this thread cannot read the log', async () => {
    connection.connect(startWriter());
    const { generation } = await run(connection.openSpace(1));
    await run(appendTo(connection, appendAt(0, generation)));
    expect(await run(connection.readSpace(1, 0, wide))).toHaveLength(1);
    expect(await run(connection.findCommands(1, ['c0', 'c1']))).toMatchObject([{ commandId: 'c0' }]);
  });

  it('reads the log itself where this thread can, and closes that reader', async () => {
    let closed = 0;
    const reader = {
      readSpace: async () => ['read here'],
      findCommands: async () => ['found here'],
      close: async () => void closed++,
    } as unknown as LogReader;
    connection = new WriterConnection(clock, reader);
    expect(await connection.readSpace(1, 0, wide)).toEqual(['read here']);
    expect(await connection.findCommands(1, ['c'])).toEqual(['found here']);
    await connection.close();
    expect(closed).toBe(1);
  });

  it('fails what is under way when it is closed', async () => {
    connection.connect(startWriter());
    const { generation } = await run(connection.openSpace(1));
    const lost = rejectionOf(appendTo(connection, appendAt(0, generation)));
    await connection.close();
    expect((await run(lost)).code).toBe('unavailable');
  });
});

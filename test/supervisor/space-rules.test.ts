import { beforeEach, describe, expect, it } from 'vitest';
import { defaultLimits } from '../../src/core/limits.js';
import type { SpaceLimits } from '../../src/event-store/space-settings.js';
import { Admission, type Entrant, registryPlace, type Waiter } from '../../src/supervisor/admission.js';
import { ManualClock } from '../testing/manual-clock.js';

const command = (spaceId = 1): Entrant => ({ spaceId, bytes: 1, isCommand: true });
const read = (spaceId = 1): Entrant => ({ spaceId, bytes: 1, isCommand: false });

let clock: ManualClock;
let admission: Admission;
/** What became of the waiting calls, in order. */
let told: string[];

beforeEach(() => start());

function start(spaceLimits: SpaceLimits = {}): void {
  clock = new ManualClock();
  admission = new Admission(defaultLimits, clock, spaceLimits);
  told = [];
}

function wait(name: string, entrant: Entrant): Waiter {
  const waiter: Waiter = {
    ...entrant,
    admitted: () => told.push(name),
    refused: ({ code }) => told.push(`${name}: ${code}`),
  };
  admission.wait(waiter);
  return waiter;
}

/** How many calls are let in at once. */
function enters(entrant: Entrant, tries = 20): number {
  let admitted = 0;
  for (let n = 0; n < tries; n++) if (admission.enter(entrant)) admitted++;
  return admitted;
}

describe('a space with a rate', () => {
  beforeEach(() => admission.set(1, { limits: { commandsPerSecondMax: 10, commandsBurstMax: 2 } }));

  it('refuses a command that comes too soon and says when to come again; other spaces and reads do not notice', async () => {
    expect([enters(command()), enters(command(2)), enters(read())]).toEqual([2, 20, 20]);
    expect(admission.refusal(command())).toMatchObject({
      code: 'overloaded',
      retryable: true,
      details: { spaceId: 1, commandsPerSecondMax: 10, retryAfterMs: 100 },
    });
    await clock.advance(100);
    expect(enters(command())).toBe(1);
  });

  it('admits waiting calls in their order when their time has come, and no read before the commands ahead of it', async () => {
    enters(command());
    wait('c1', command());
    wait('r1', read());
    wait('c2', command());
    wait('r2', read());
    expect([admission.enter(read()), admission.waiting]).toEqual([false, 4]);
    await clock.advance(99);
    expect(told).toEqual([]);
    await clock.advance(1);
    expect(told).toEqual(['c1', 'r1']);
    await clock.advance(100);
    expect([told, admission.waiting]).toEqual([['c1', 'r1', 'c2', 'r2'], 0]);
    expect(clock.timers).toBe(0);
  });

  it('goes on with the next call when the one that waits for its time has gone', async () => {
    enters(command());
    const first = wait('c1', command());
    wait('r1', read());
    admission.leaveQueue(first);
    expect(told).toEqual(['r1']);
    await clock.advance(1_000);
    expect([told, clock.timers]).toEqual([['r1'], 0]);
  });

  it('gets no new burst by a change of other settings, and its new rate at once', async () => {
    expect(enters(command())).toBe(2);
    const limits = { commandsPerSecondMax: 10, commandsBurstMax: 2, inFlightMax: 9 };
    admission.set(1, { limits });
    expect(enters(command())).toBe(0);
    wait('c1', command());
    admission.set(1, { limits: { commandsPerSecondMax: 1_000 } });
    expect(told).toEqual(['c1']);
    admission.set(1, {});
    expect(enters(command(), 3_000)).toBe(3_000);
  });

  it('is admitted by time no more once all is closed', async () => {
    enters(command());
    wait('c1', command());
    admission.close();
    expect(clock.timers).toBe(0);
  });
});

describe('bounds of all spaces', () => {
  beforeEach(() => start({ commandsPerSecondMax: 5, commandsBurstMax: 3, inFlightMax: 7 }));

  it('hold for each space by itself, where it has none of its own; the registry is no space', () => {
    admission.set(2, { limits: { commandsPerSecondMax: 2 } });
    admission.set(3, { limits: { inFlightMax: 2 } });
    expect([1, 2, 3, 4].map((spaceId) => enters(command(spaceId)))).toEqual([3, 2, 2, 3]);
    expect([enters(read(1)), enters(read(2)), enters(read(3))]).toEqual([4, 5, 0]);
    expect(enters({ ...command(), spaceId: registryPlace })).toBe(20);
    admission.set(3, {});
    expect(enters(read(3))).toBe(5);
  });

  it('are kept for spaces that rest between their commands, and forgotten with their last trace', async () => {
    for (let n = 0; n < 3; n++) {
      expect(admission.enter(command())).toBe(true);
      admission.leave(command());
    }
    expect(admission.enter(command())).toBe(false);
    await clock.advance(200);
    expect(admission.enter(command())).toBe(true);
    admission.leave(command());
    for (let spaceId = 10; spaceId < 5_000; spaceId++) {
      admission.enter(command(spaceId));
      admission.leave(command(spaceId));
    }
    expect(admission.known).toBe(4_991);
    await clock.advance(60_000);
    for (let spaceId = 10_000; spaceId < 15_000; spaceId++) admission.enter(read(spaceId));
    expect(admission.known).toBe(5_000);
  });
});

describe('a suspended space', () => {
  const suspended = { at: 7, reason: 'unpaid' };

  it('takes no command and lets none wait, says why, and answers reads', () => {
    admission.set(1, { suspended });
    expect([enters(command()), enters(read()), enters(command(2))]).toEqual([0, 20, 20]);
    const error = { code: 'suspended', retryable: false, message: 'the space is suspended: unpaid' };
    expect(admission.refusal(command())).toMatchObject({
      ...error,
      details: { spaceId: 1, suspendedAt: 7, reason: 'unpaid' },
    });
    expect(() => wait('c1', command())).toThrow(expect.objectContaining({ code: 'suspended' }));
    admission.set(1, {});
    expect(enters(command())).toBe(20);
  });

  it('refuses the commands that wait, and goes on with the reads between them', () => {
    admission.set(1, { limits: { inFlightMax: 1 } });
    admission.enter(command());
    wait('c1', command());
    wait('r1', read());
    wait('c2', command());
    admission.set(1, { limits: { inFlightMax: 1 }, suspended });
    expect([told, admission.waiting]).toEqual([['c1: suspended', 'c2: suspended'], 1]);
    admission.leave(command());
    expect([told.at(-1), admission.waiting]).toEqual(['r1', 0]);
  });

  it('lets others have the bytes that were kept for its next command', () => {
    const tight = { ...defaultLimits, totalInFlightBytesMax: 100, valueBytesMax: 60 };
    admission = new Admission(tight, clock);
    admission.enter({ ...read(3), bytes: 60 });
    wait('large', { ...command(), bytes: 60 });
    admission.enter({ ...read(3), bytes: 10 });
    wait('small', { ...read(2), bytes: 10 });
    admission.leave({ ...read(3), bytes: 10 });
    admission.set(1, { suspended });
    expect(told).toEqual(expect.arrayContaining(['large: suspended', 'small']));
    expect(admission.waiting).toBe(0);
  });

  it('has no command in flight when that is awaited, whatever reads there are', async () => {
    for (let n = 0; n < 2; n++) admission.enter(command());
    admission.enter(read());
    let isQuiet = false;
    void admission.noCommands(1).then(() => {
      isQuiet = true;
    });
    for (const [leaving, after] of [
      [command(), false],
      [command(), true],
    ] as const) {
      admission.leave(leaving);
      await clock.settle();
      expect(isQuiet).toBe(after);
    }
    await admission.noCommands(1);
    await admission.noCommands(99);
  });

  it('is forgotten with its space', () => {
    admission.set(1, { suspended });
    admission.forget(1);
    expect([admission.settingsOf(1), admission.known, admission.enter(command())]).toEqual([
      undefined,
      0,
      true,
    ]);
  });
});

import { appendFile, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  AcknowledgedLog,
  type Acknowledgement,
  readAcknowledgements,
} from '../../../examples/crm/acknowledged-log.js';
import { compareSpace, type LoggedEvent, noFaults } from '../../../examples/crm/compare-space.js';

let directory: string;
let path: string;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'ramax-acknowledged-'));
  path = join(directory, 'acknowledged.log');
});

afterEach(async () => {
  await rm(directory, { recursive: true });
});

function acknowledgement(spaceSequence: number, space = 'acme'): Acknowledgement {
  const commandId = `${space}:${spaceSequence}`;
  return { space, contactId: `c${spaceSequence}`, commandId, spaceSequence, eventId: 10 * spaceSequence };
}

function write(...acknowledgements: Acknowledgement[]): void {
  const log = new AcknowledgedLog(path);
  for (const each of acknowledgements) log.append(each);
  log.close();
}

describe('the log of acknowledgements', () => {
  it('gives back what was written, by space, over several runs', async () => {
    write(acknowledgement(1), acknowledgement(1, 'globex'));
    write(acknowledgement(2));
    const { bySpace, unreadableLines } = await readAcknowledgements(path);
    expect(bySpace.get('acme')).toEqual([acknowledgement(1), acknowledgement(2)]);
    expect(bySpace.get('globex')).toEqual([acknowledgement(1, 'globex')]);
    expect(unreadableLines).toBe(0);
  });

  it('counts a line that a kill cut short, and loses nothing after it', async () => {
    write(acknowledgement(1));
    await appendFile(path, '{"space":"acme","contac');
    write(acknowledgement(2));
    await appendFile(path, 'null\n');
    const { bySpace, unreadableLines } = await readAcknowledgements(path);
    expect(bySpace.get('acme')).toEqual([acknowledgement(1), acknowledgement(2)]);
    expect(unreadableLines).toBe(2);
  });
});

describe('a space held against its acknowledgements', () => {
  function event(spaceSequence: number, changes: Partial<LoggedEvent> = {}): LoggedEvent {
    const { contactId, commandId, eventId } = acknowledgement(spaceSequence);
    return { spaceSequence, eventId, entityId: `contact:${contactId}`, correlationId: commandId, ...changes };
  }

  async function* stream(events: readonly LoggedEvent[]): AsyncGenerator<LoggedEvent> {
    yield* events;
  }

  const acknowledged = [acknowledgement(1), acknowledgement(3)];

  it('is sound when each acknowledged command has its event, with others between', async () => {
    const events = [event(1), event(2), event(3)];
    expect(await compareSpace(acknowledged, stream(events))).toEqual({ ...noFaults, events: 3 });
  });

  it.each<[string, LoggedEvent[], object]>([
    ['an event is missing', [event(1), event(2)], { missing: 1 }],
    ['all are missing', [], { missing: 2 }],
    ['an event is elsewhere', [event(1), event(2), event(3, { eventId: 31 })], { misplaced: 1 }],
    [
      'an event is about another contact',
      [event(1, { entityId: 'contact:c9' }), event(2), event(3)],
      { misplaced: 1 },
    ],
    [
      'a command ran twice',
      [event(1), event(2), event(3), event(4, { correlationId: 'acme:1' })],
      { duplicated: 1 },
    ],
    [
      'a command that nobody was told of ran twice',
      [event(1), event(2), event(3), event(4, { correlationId: 'acme:2' })],
      { duplicated: 1 },
    ],
    ['a sequence is left out', [event(1), event(3)], { notDense: 1 }],
  ])('has a fault when %s', async (_title, events, faults) => {
    expect(await compareSpace(acknowledged, stream(events))).toEqual({
      ...noFaults,
      ...faults,
      events: events.length,
    });
  });

  it('has a fault when one command was acknowledged twice', async () => {
    const twice = [acknowledgement(1), acknowledgement(1)];
    expect(await compareSpace(twice, stream([event(1)]))).toMatchObject({ duplicated: 1 });
  });
});

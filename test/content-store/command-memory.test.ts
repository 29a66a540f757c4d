import { beforeEach, describe, expect, it } from 'vitest';
import { CommandMemory } from '../../src/content-store/command-memory.js';
import { type Accepted, CommandTurn } from '../../src/content-store/turn.js';
import type { CommandRecord } from '../../src/event-store/port.js';
import { errorOf } from '../core/error-of.js';

function turn(commandId: string | undefined, paramsHash = 'h', command = 'add'): CommandTurn {
  return new CommandTurn({ invocationId: `of ${commandId}`, command, params: 1, commandId, paramsHash });
}

function record(commandId: string, accepted: Accepted): CommandRecord {
  return { commandId, commandName: 'add', paramsHash: 'h', invocationId: 'i', ...accepted };
}

/** The log of a space with these records alone. */
function fewRecords(records: readonly CommandRecord[]) {
  return { allCommands: async () => records, findCommands: async () => records };
}

/** The log of a space with too many records to read: those that are asked for are these. */
function manyRecords(records: readonly CommandRecord[]) {
  return { allCommands: async () => undefined, findCommands: async () => records };
}

const accepted: Accepted = { firstEventId: 7, eventCount: 2, spaceSequence: 5 };
const remembered = 16_384;

let memory: CommandMemory;

beforeEach(() => {
  memory = new CommandMemory();
});

describe('the memory of command ids', () => {
  it('needs the log for an id that it does not know, and for no other', async () => {
    expect(memory.needsLookup(turn('a').invocation)).toBe(true);
    expect(memory.needsLookup(turn(undefined).invocation)).toBe(false);
    await memory.lookUp(manyRecords([record('b', accepted)]), 1, ['a', 'b']);
    memory.pending(turn('c'));
    for (const id of ['a', 'b', 'c']) expect(memory.needsLookup(turn(id).invocation)).toBe(false);
  });

  it('needs the log for no id when the space has few records, which are read with the first', async () => {
    expect(memory.needsLookup(turn('new').invocation)).toBe(true);
    await memory.lookUp(fewRecords([record('a', accepted)]), 1, ['new']);
    for (const id of ['a', 'new', 'newer']) expect(memory.needsLookup(turn(id).invocation)).toBe(false);
    expect(memory.copyOf(turn('a').invocation)?.accepted()).toEqual(accepted);
    expect(memory.copyOf(turn('new').invocation)).toBeUndefined();
  });

  it('needs the log again when it has forgotten something, or was told to forget everything', async () => {
    await memory.lookUp(fewRecords([]), 1, ['new']);
    for (let n = 0; n <= remembered; n++) memory.accepted(turn(`${n}`), accepted);
    expect(memory.needsLookup(turn('0').invocation)).toBe(true);
    memory = new CommandMemory();
    await memory.lookUp(fewRecords([]), 1, ['new']);
    memory.clear();
    expect(memory.needsLookup(turn('0').invocation)).toBe(true);
  });

  it.each(['few', 'many'])(
    'takes nothing in that the log was asked before everything was forgotten (%s)',
    async (count) => {
      const log = count === 'few' ? fewRecords([]) : manyRecords([]);
      const asked = memory.lookUp(log, 1, ['a']);
      memory.clear();
      await asked;
      expect(memory.needsLookup(turn('a').invocation)).toBe(true);
      expect(memory.needsLookup(turn('b').invocation)).toBe(true);
    },
  );

  it.each(['few', 'many'])('keeps what was decided while the log was asked (%s)', async (count) => {
    const log = count === 'few' ? fewRecords([record('a', { ...accepted, eventCount: 9 })]) : manyRecords([]);
    const asked = memory.lookUp(log, 1, ['a']);
    const first = turn('a');
    memory.pending(first);
    const copy = memory.copyOf(turn('a').invocation);
    await asked;
    memory.accepted(first, accepted);
    expect(copy?.accepted()).toEqual(accepted);
    expect(memory.copyOf(turn('a').invocation)?.accepted()).toEqual(accepted);
  });

  it('asks again when the log could not be read', async () => {
    const failing = { ...fewRecords([]), allCommands: () => Promise.reject(new Error('gone')) };
    await expect(memory.lookUp(failing, 1, ['a'])).rejects.toThrow('gone');
    expect(memory.needsLookup(turn('a').invocation)).toBe(true);
  });

  it('knows no copy of what the log does not have', async () => {
    await memory.lookUp(manyRecords([]), 1, ['a']);
    expect(memory.copyOf(turn('a').invocation)).toBeUndefined();
    expect(memory.copyOf(turn(undefined).invocation)).toBeUndefined();
  });

  it('knows the answer of what the log has', async () => {
    await memory.lookUp(manyRecords([record('a', accepted)]), 1, ['a']);
    expect(memory.copyOf(turn('a').invocation)?.accepted()).toEqual(accepted);
  });

  it('tells nobody of a command under way before its commit', () => {
    const first = turn('a');
    memory.pending(first);
    const copy = memory.copyOf(turn('a').invocation);
    expect(copy?.accepted()).toBeUndefined();
    memory.accepted(first, accepted);
    expect(copy?.accepted()).toEqual(accepted);
    expect(memory.copyOf(turn('a').invocation)?.accepted()).toEqual(accepted);
  });

  it.each(['pending', 'accepted', 'from the log'])(
    'finds another use of an id a conflict (%s)',
    async (state) => {
      const first = turn('a');
      if (state === 'from the log') await memory.lookUp(manyRecords([record('a', accepted)]), 1, ['a']);
      else memory.pending(first);
      if (state === 'accepted') memory.accepted(first, accepted);
      for (const other of [turn('a', 'other'), turn('a', 'h', 'remove')]) {
        const error = errorOf(() => memory.copyOf(other.invocation));
        expect([error.code, error.details['firstCommand']]).toEqual(['conflict', 'add']);
      }
    },
  );

  it('forgets everything when it is told to', async () => {
    await memory.lookUp(manyRecords([record('a', accepted)]), 1, ['a']);
    memory.clear();
    expect(memory.needsLookup(turn('a').invocation)).toBe(true);
  });

  it('is bounded: the oldest settled id is looked up again', async () => {
    for (let n = 0; n <= remembered; n++) await memory.lookUp(manyRecords([]), 1, [`id ${n}`]);
    expect(memory.needsLookup(turn('id 0').invocation)).toBe(true);
    expect(memory.needsLookup(turn('id 1').invocation)).toBe(false);
  });

  it('never forgets a command under way, however many come behind it', async () => {
    const first = turn('under way');
    memory.pending(first);
    for (let n = 0; n < remembered + 10; n++) await memory.lookUp(manyRecords([]), 1, [`id ${n}`]);
    expect(memory.needsLookup(first.invocation)).toBe(false);
    memory.accepted(first, accepted);
    expect(memory.copyOf(first.invocation)?.accepted()).toEqual(accepted);
  });

  it('does not count commands without an id', () => {
    const nameless = turn(undefined);
    memory.pending(nameless);
    memory.accepted(nameless, accepted);
    expect(memory.copyOf(nameless.invocation)).toBeUndefined();
  });
});

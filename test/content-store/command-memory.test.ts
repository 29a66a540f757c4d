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

function logWith(records: readonly CommandRecord[]) {
  return { allCommands: async () => records };
}

const accepted: Accepted = { firstEventId: 7, eventCount: 2, spaceSequence: 5 };
const remembered = 16_384;

let memory: CommandMemory;

beforeEach(() => {
  memory = new CommandMemory();
});

describe('the memory of command ids', () => {
  it('needs the log for an id that it does not know, and for no other', () => {
    expect(memory.needsLookup(turn('a').invocation)).toBe(true);
    expect(memory.needsLookup(turn(undefined).invocation)).toBe(false);
    memory.lookedUp(['a', 'b'], [record('b', accepted)]);
    memory.pending(turn('c'));
    for (const id of ['a', 'b', 'c']) expect(memory.needsLookup(turn(id).invocation)).toBe(false);
  });

  it('needs the log for no id when it has read all records of the space', async () => {
    await memory.load(logWith([record('a', accepted)]), 1);
    for (const id of ['a', 'new']) expect(memory.needsLookup(turn(id).invocation)).toBe(false);
    expect(memory.copyOf(turn('a').invocation)?.accepted()).toEqual(accepted);
    expect(memory.copyOf(turn('new').invocation)).toBeUndefined();
  });

  it('needs the log for every id when the space has too many records to read', async () => {
    await memory.load({ allCommands: async () => undefined }, 1);
    expect(memory.needsLookup(turn('a').invocation)).toBe(true);
  });

  it('needs the log again when it has forgotten something, was cleared, or could not read', async () => {
    await memory.load(logWith([]), 1);
    for (let n = 0; n <= remembered; n++) memory.accepted(turn(`${n}`), accepted);
    expect(memory.needsLookup(turn('0').invocation)).toBe(true);
    await memory.load(logWith([]), 1);
    memory.clear();
    expect(memory.needsLookup(turn('0').invocation)).toBe(true);
    await memory.load(logWith([record('a', accepted)]), 1);
    const failing = { allCommands: () => Promise.reject(new Error('gone')) };
    await expect(memory.load(failing, 1)).rejects.toThrow('gone');
    expect(memory.needsLookup(turn('a').invocation)).toBe(true);
  });

  it('knows no copy of what the log does not have', () => {
    memory.lookedUp(['a'], []);
    expect(memory.copyOf(turn('a').invocation)).toBeUndefined();
    expect(memory.copyOf(turn(undefined).invocation)).toBeUndefined();
  });

  it('knows the answer of what the log has', () => {
    memory.lookedUp(['a'], [record('a', accepted)]);
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

  it.each(['pending', 'accepted', 'from the log'])('finds another use of an id a conflict (%s)', (state) => {
    const first = turn('a');
    if (state === 'from the log') memory.lookedUp(['a'], [record('a', accepted)]);
    else memory.pending(first);
    if (state === 'accepted') memory.accepted(first, accepted);
    for (const other of [turn('a', 'other'), turn('a', 'h', 'remove')]) {
      const error = errorOf(() => memory.copyOf(other.invocation));
      expect([error.code, error.details['firstCommand']]).toEqual(['conflict', 'add']);
    }
  });

  it('forgets everything when it is told to', () => {
    memory.lookedUp(['a'], [record('a', accepted)]);
    memory.clear();
    expect(memory.needsLookup(turn('a').invocation)).toBe(true);
  });

  it('is bounded: the oldest settled id is looked up again', () => {
    for (let n = 0; n <= remembered; n++) memory.lookedUp([`id ${n}`], []);
    expect(memory.needsLookup(turn('id 0').invocation)).toBe(true);
    expect(memory.needsLookup(turn('id 1').invocation)).toBe(false);
  });

  it('never forgets a command under way, however many come behind it', () => {
    const first = turn('under way');
    memory.pending(first);
    for (let n = 0; n < remembered + 10; n++) memory.lookedUp([`id ${n}`], []);
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

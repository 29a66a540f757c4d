import { describe, expect, it } from 'vitest';
import { RamaxError } from '../../src/core/errors.js';
import type { PStateReader } from '../../src/core/pstate-access.js';
import { newPState, storeWith } from './new-pstate.js';
import { smallSchema } from './small-schema.js';

const writeMethods = ['put', 'putMany', 'update', 'delete', 'clear', 'link', 'unlink'];
const machineRoom = [
  'beginTurn',
  'keepTurn',
  'undoTurn',
  'dirtyKeys',
  'freeze',
  'frozenFlush',
  'frozenWritten',
  'reset',
  'close',
  'stop',
  'stopReading',
  'resume',
  'watchChanges',
  'migrated',
  'migratedFlush',
  'migratedWritten',
  'migratePage',
  'flush',
  'stats',
  'reader',
  'writer',
];

describe('the reader', () => {
  it('reads as the state does', () => {
    const pstate = newPState(storeWith({ a: 1 }));
    pstate.put('b', 2);
    const reader = pstate.reader();
    expect([reader.get('a'), reader.has('b'), reader.size]).toEqual([1, true, 2]);
    expect(reader.getMany(['b', 'x'])).toEqual([2, undefined]);
    expect([...reader.entries({ prefix: 'b' })]).toEqual([['b', 2]]);
    expect(reader.record['b']).toBe(2);
    expect(pstate.reader()).toBe(reader);
  });

  it('has no way to write and none into the machine room', () => {
    const reader: PStateReader = newPState().reader();
    for (const name of [...writeMethods, ...machineRoom]) expect(name in reader).toBe(false);
    expect(Object.isFrozen(reader)).toBe(true);
    expect(Object.isFrozen(Object.getPrototypeOf(reader))).toBe(true);
  });

  it('has a record that refuses writes with a TypeError', () => {
    const pstate = newPState(storeWith({ a: 1 }));
    const record = pstate.reader().record as Record<string, unknown>;
    expect(() => {
      record['a'] = 2;
    }).toThrow(TypeError);
    expect(() => delete record['a']).toThrow(TypeError);
    expect(() => Object.defineProperty(record, 'a', { value: 2 })).toThrow(TypeError);
    expect(pstate.get('a')).toBe(1);
  });
});

describe('the writer', () => {
  it('reads and writes as the state does', () => {
    const pstate = newPState();
    const writer = pstate.writer();
    writer.put('a', 1);
    writer.putMany([['b', 1]]);
    expect(writer.update<number>('b', (b = 0) => b + 1)).toBe(2);
    writer.record['c'] = 3;
    expect([...writer.entries()]).toEqual([...pstate.entries()]);
    expect([writer.get('a'), writer.has('b'), writer.size, writer.getMany(['c'])]).toEqual([1, true, 3, [3]]);
    expect(writer.delete('a')).toBe(true);
    writer.clear();
    expect(pstate.size).toBe(0);
    expect(pstate.writer()).toBe(writer);
  });

  it('has no way into the machine room', () => {
    const writer = newPState().writer();
    for (const name of machineRoom) expect(name in writer).toBe(false);
    expect(Object.isFrozen(writer)).toBe(true);
    expect(Object.isFrozen(Object.getPrototypeOf(writer))).toBe(true);
  });
});

/** Of a face and of what it inherits, Object's own aside. */
function methodsOf(face: object): Record<string, PropertyDescriptor> {
  const prototype: object | null = Object.getPrototypeOf(face);
  if (prototype === null || prototype === Object.prototype) return {};
  return { ...methodsOf(prototype), ...Object.getOwnPropertyDescriptors(prototype) };
}

describe('both faces', () => {
  it('resolve, preload, link and unlink as the state does', () => {
    const store = storeWith({ 'deck:1': { title: 'one' }, 'card:1': { front: 'a', v: 2 } });
    const pstate = newPState(store, {}, { schema: smallSchema });
    const writer = pstate.writer();
    writer.link('deck:1', 'cards', 'card:1');
    const resolved = { title: 'one', cards: { 1: { front: 'a', v: 2, deck: { $ref: 'deck:1' } } } };
    for (const face of [pstate.reader(), writer]) {
      expect(face.getResolved('deck:1', { depth: 1 })).toEqual(resolved);
      expect(face.preload('deck:1', ['cards'])).toBe(2);
    }
    expect([writer.unlink('deck:1', 'cards', 'card:1'), writer.unlink('deck:1', 'cards', 'card:1')]).toEqual([
      true,
      false,
    ]);
  });

  it('throw the error of the owner who stopped them, in every method, until they are resumed', () => {
    const pstate = newPState(storeWith({ a: 1 }));
    const [reader, writer] = [pstate.reader(), pstate.writer()];
    const { record } = reader;
    const faces = { reader, writer } as const;
    pstate.stop(() => new RamaxError('projection_failed', 'the view has failed'));
    let methods = 0;
    for (const face of Object.values(faces)) {
      for (const [name, { value, get }] of Object.entries(methodsOf(face))) {
        if (name === 'constructor' || name === 'record') continue;
        methods++;
        expect(() => (get ?? value).call(face, 'a', [])).toThrow('the view has failed');
      }
    }
    expect(methods).toBe(7 + 14);
    expect(() => record['a']).toThrow('the view has failed');
    expect(() => 'a' in writer.record).toThrow('the view has failed');
    expect(() => {
      writer.record['a'] = 2;
    }).toThrow('the view has failed');
    expect(pstate.get('a')).toBe(1);
    pstate.resume();
    expect([reader.get('a'), record['a'], writer.size]).toEqual([1, 1, 1]);
  });

  it('may be stopped for readers alone, while projections go on', () => {
    const pstate = newPState(storeWith({ a: 1 }));
    pstate.stopReading(() => new RamaxError('view_building', 'not yet'));
    pstate.writer().put('a', 2);
    expect(() => pstate.reader().get('a')).toThrow('not yet');
    expect(pstate.writer().get('a')).toBe(2);
    pstate.resume();
    expect(pstate.reader().get('a')).toBe(2);
  });

  it('are closed with the state', () => {
    const pstate = newPState(storeWith({ a: 1 }));
    const reader = pstate.reader();
    pstate.close();
    expect(() => reader.get('a')).toThrow(expect.objectContaining({ code: 'closed' }));
  });
});

describe('the record', () => {
  it('reads, writes, asks and deletes by key', () => {
    const pstate = newPState(storeWith({ 'user:1': { name: 'Ada' } }));
    const { record } = pstate;
    expect(record['user:1']).toEqual({ name: 'Ada' });
    expect(record['user:2']).toBeUndefined();
    record['user:2'] = { name: 'Bob' };
    expect(pstate.get('user:2')).toEqual({ name: 'Bob' });
    expect(['user:2' in record, 'user:3' in record]).toEqual([true, false]);
    delete record['user:1'];
    delete record['user:3'];
    expect(pstate.has('user:1')).toBe(false);
    expect(pstate.record).toBe(record);
  });

  it('can be listed, spread and written as JSON', () => {
    const pstate = newPState();
    pstate.putMany([
      ['b', 2],
      ['a', 1],
      ['10', 10],
    ]);
    for (const record of [pstate.record, pstate.reader().record]) {
      expect(Object.keys(record)).toEqual(['10', 'a', 'b']);
      expect({ ...record }).toEqual({ a: 1, b: 2, 10: 10 });
      expect(JSON.parse(JSON.stringify(record))).toEqual({ a: 1, b: 2, 10: 10 });
      expect(Object.getPrototypeOf(record)).toBeNull();
    }
  });

  it('inherits nothing: names of Object.prototype are keys like others', () => {
    const pstate = newPState();
    for (const name of ['constructor', 'toString', 'hasOwnProperty', 'valueOf', 'then']) {
      expect(pstate.record[name]).toBeUndefined();
      expect(name in pstate.record).toBe(false);
      pstate.record[name] = name;
      expect(pstate.get(name)).toBe(name);
    }
    expect(Object.keys(pstate.record)).toHaveLength(5);
  });

  it('keeps symbols and __proto__ away from the state', () => {
    const pstate = newPState();
    const record = pstate.record as Record<string | symbol, unknown>;
    const invalid = expect.objectContaining({ code: 'invalid_input' });
    for (const key of [Symbol.iterator, Symbol('mine'), '__proto__']) {
      expect(record[key]).toBeUndefined();
      expect(key in record).toBe(false);
      expect(delete record[key]).toBe(true);
      expect(() => {
        record[key] = { polluted: true };
      }).toThrow(invalid);
    }
    expect(pstate.size).toBe(0);
    pstate.put('__proto__', 1);
    expect(Object.keys(record)).toEqual([]);
    expect(Object.getPrototypeOf(record)).toBeNull();
  });

  it('cannot be frozen, given a prototype or properties of its own', () => {
    const { record } = newPState();
    expect(() => Object.freeze(record)).toThrow(TypeError);
    expect(() => Object.setPrototypeOf(record, { a: 1 })).toThrow(TypeError);
    expect(() => Object.defineProperty(record, 'a', { value: 1 })).toThrow(TypeError);
    expect(Object.keys(record)).toEqual([]);
  });

  it('refuses what put refuses', () => {
    const { record } = newPState();
    const invalid = expect.objectContaining({ code: 'invalid_input' });
    expect(() => {
      record[''] = 1;
    }).toThrow(invalid);
    expect(() => {
      record['a'] = () => 1;
    }).toThrow(invalid);
  });
});

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { runClosedLoop } from '../../bench/closed-loop.js';
import type { RawConfiguration } from '../../bench/configuration.js';
import { type ContactCommand, ContactLoad, historySeed } from '../../bench/contact-load.js';
import { usualSizes } from '../../bench/sizes.js';
import type { Subject } from '../../bench/subject.js';
import { ByHand, byHandFile } from '../../bench/subjects/by-hand.js';
import { EventTable } from '../../bench/subjects/event-table.js';
import { Naive } from '../../bench/subjects/naive.js';
import { rawFile, runRaw, writeRaw } from '../../bench/subjects/raw.js';
import { StateTable } from '../../bench/subjects/state-table.js';
import { workloadOf } from '../../bench/workloads.js';

const w1 = workloadOf('w1', usualSizes);
const phases = {
  warmUp: { countMax: 100, timeMsMax: 60_000 },
  measured: { countMax: 300, timeMsMax: 60_000 },
};
const contact = { id: 'c1', name: 'Grace', email: 'grace@acme.example' };

function command(
  space: number,
  name: ContactCommand['name'],
  commandId: string | null = null,
): ContactCommand {
  return { space, name, contact, commandId };
}

interface Row {
  readonly event_id: number;
  readonly space_id: number;
  readonly space_sequence: number;
  readonly event_type: string;
  readonly payload: string;
  readonly command_id: string | null;
}

let directory: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'ramax-bench-'));
});
afterEach(() => rm(directory, { recursive: true, force: true }));

function readEvents(file: string): Row[] {
  const connection = new Database(file, { readonly: true });
  const rows = connection.prepare<[], Row>('SELECT * FROM events ORDER BY event_id').all();
  connection.close();
  return rows;
}

function expectDense(rows: readonly Row[]): void {
  const sequences = new Map<number, number>();
  for (const [index, row] of rows.entries()) {
    expect(row.event_id).toBe(index + 1);
    const sequence = (sequences.get(row.space_id) ?? 0) + 1;
    expect(row.space_sequence).toBe(sequence);
    sequences.set(row.space_id, sequence);
  }
}

function byHand(spaces: number, withIds = false): ByHand {
  return new ByHand({ directory, spaces, withIds, shards: null });
}

const makers: readonly (readonly [string, string, (withIds?: boolean) => Subject])[] = [
  ['by hand', 'by-hand.db', (withIds = false) => byHand(100, withIds)],
  ['naive', 'naive.db', (withIds = false) => new Naive({ directory, withIds })],
];

describe.each(makers)('the yardstick %s', (_, file, make) => {
  it('holds every acknowledged command as one event, dense in each space', async () => {
    const subject = make(true);
    const load = new ContactLoad(w1, 1, { withIds: true });
    const ask = () => subject.execute(load.next());
    const { answered } = await runClosedLoop(ask, { inFlight: 16, ...phases });
    await subject.close();
    const rows = readEvents(join(directory, file));
    expect(rows).toHaveLength(answered);
    expect(await subject.countEvents()).toBe(answered);
    expectDense(rows);
    const again = new ContactLoad(w1, 1, { withIds: true });
    for (const row of rows) {
      const { space, name, contact, commandId } = again.next();
      expect(row.space_id).toBe(space + 1);
      expect(row.event_type).toBe(name === 'addContact' ? 'contact.added' : 'contact.updated');
      expect(row.command_id).toBe(commandId);
      expect(JSON.parse(row.payload)).toEqual(contact);
    }
  });

  it('checks the state as the app does: no second add, no update of what is not there', async () => {
    const subject = make();
    await expect(subject.execute(command(0, 'updateContact'))).rejects.toThrow('unknown');
    await subject.execute(command(0, 'addContact'));
    await expect(subject.execute(command(0, 'addContact'))).rejects.toThrow('exists');
    await subject.execute(command(1, 'addContact'));
    await subject.close();
    expect(readEvents(join(directory, file))).toHaveLength(2);
  });

  it('refuses a command id that its space has seen, and takes it in another', async () => {
    const subject = make(true);
    await subject.execute(command(0, 'addContact', 'id'));
    await subject.execute(command(1, 'addContact', 'id'));
    await expect(subject.execute(command(0, 'updateContact', 'id'))).rejects.toThrow('UNIQUE');
    await subject.close();
  });
});

describe('by hand', () => {
  it('answers when the event can be read by another connection, and not before', async () => {
    const subject = byHand(1);
    const answer = subject.execute(command(0, 'addContact'));
    expect(readEvents(byHandFile(directory))).toHaveLength(0);
    await answer;
    expect(readEvents(byHandFile(directory))).toHaveLength(1);
    await subject.close();
  });

  it('commits in one transaction what arrives in one turn of the event loop', async () => {
    const subject = byHand(100);
    const load = new ContactLoad(w1, 1);
    await Promise.all(Array.from({ length: 64 }, () => subject.execute(load.next())));
    expect(await subject.commitCounts()).toEqual({ commits: 1, commands: 64 });
    await subject.close();
  });

  it('goes on behind a log that was written before', async () => {
    const table = new EventTable(byHandFile(directory));
    writeRaw(table, new ContactLoad(w1, historySeed), w1.spaces, 1_500);
    table.close();
    const subject = byHand(w1.spaces);
    const load = new ContactLoad(w1, 2, { history: 1_500 });
    for (let count = 0; count < 500; count++) await subject.execute(load.next());
    await subject.close();
    expectDense(readEvents(byHandFile(directory)));
    expect(await subject.countEvents()).toBe(2_000);
  });
});

describe('state by hand', () => {
  it('is the newest value of each contact of the space that was rebuilt, and of no other', () => {
    const table = new EventTable(byHandFile(directory));
    const load = new ContactLoad(w1, 1);
    writeRaw(table, load, w1.spaces, 5_000);
    const state = new StateTable(table.connection);
    const own = readEvents(byHandFile(directory)).filter(({ space_id }) => space_id === 3);
    expect(state.rebuild(3)).toBe(own.length);
    const newest = new Map(own.map(({ payload }) => [JSON.parse(payload).id, JSON.parse(payload)]));
    for (const [id, value] of newest) {
      expect(state.get(3, id)).toEqual(value);
      expect(state.get(4, id)).toBeUndefined();
    }
    table.close();
  });
});

describe('raw', () => {
  const run = (subject: RawConfiguration['subject']) => {
    const load = new ContactLoad(w1, 1);
    return runRaw(load, { subject, file: rawFile(directory), spaces: 100, ...phases });
  };

  it.each(['raw', 'raw log'] as const)('%s writes dense events in transactions of 1,000', (subject) => {
    const { meter, written, eventsPerTransaction } = run(subject);
    expect(meter.reading?.commands).toBe(1_000);
    expect({ written, eventsPerTransaction }).toEqual({ written: 2_000, eventsPerTransaction: 1_000 });
    const rows = readEvents(rawFile(directory));
    expect(rows).toHaveLength(2_000);
    expectDense(rows);
  });

  it('commit writes each event in a transaction of its own, and measures it', () => {
    const { meter, written } = run('raw commit');
    expect(written).toBe(400);
    expect(meter.latencies.totalCount).toBe(300);
  });

  it('log has no lookups, and raw has both', () => {
    run('raw log');
    const lookups = () => {
      const connection = new Database(rawFile(directory), { readonly: true });
      const sql = "SELECT name FROM sqlite_schema WHERE type = 'index' ORDER BY name";
      const names = connection.prepare<[], string>(sql).pluck().all();
      connection.close();
      return names;
    };
    expect(lookups()).toEqual([]);
    new EventTable(rawFile(directory)).close();
    expect(lookups()).toEqual(['events_by_entity', 'events_by_space_sequence']);
  });
});

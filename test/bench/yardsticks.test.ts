import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { runClosedLoop } from '../../bench/closed-loop.js';
import { ContactLoad } from '../../bench/contact-load.js';
import type { Subject } from '../../bench/subject.js';
import { ByHand } from '../../bench/subjects/by-hand.js';
import { Naive } from '../../bench/subjects/naive.js';
import { rawFile, runRaw } from '../../bench/subjects/raw.js';
import { workloads } from '../../bench/workloads.js';

const phases = {
  warmUp: { countMax: 100, timeMsMax: 60_000 },
  measured: { countMax: 300, timeMsMax: 60_000 },
};
const contact = { id: 'c1', name: 'Grace', email: 'grace@acme.example' };

interface Row {
  readonly event_id: number;
  readonly space_id: number;
  readonly space_sequence: number;
  readonly event_type: string;
  readonly payload: string;
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

const makers: readonly (readonly [string, () => Subject])[] = [
  ['by hand', () => new ByHand(directory, 100)],
  ['naive', () => new Naive(directory)],
];

describe.each(makers)('the yardstick %s', (_, make) => {
  it('holds every acknowledged command as one event, dense in each space', async () => {
    const subject = make();
    const load = new ContactLoad(workloads.w1, 1);
    const { acknowledged } = await runClosedLoop(subject, load, { inFlight: 16, ...phases });
    await subject.close();
    const rows = readEvents(subject.file);
    expect(rows).toHaveLength(acknowledged);
    expectDense(rows);
    const again = new ContactLoad(workloads.w1, 1);
    for (const row of rows) {
      const { space, name, contact } = again.next();
      expect(row.space_id).toBe(space + 1);
      expect(row.event_type).toBe(name === 'addContact' ? 'contact.added' : 'contact.updated');
      expect(JSON.parse(row.payload)).toEqual(contact);
    }
  });

  it('checks the state as the app does: no second add, no update of what is not there', async () => {
    const subject = make();
    await expect(subject.execute({ space: 0, name: 'updateContact', contact })).rejects.toThrow('unknown');
    await subject.execute({ space: 0, name: 'addContact', contact });
    await expect(subject.execute({ space: 0, name: 'addContact', contact })).rejects.toThrow('exists');
    await subject.execute({ space: 1, name: 'addContact', contact });
    await subject.close();
    expect(readEvents(subject.file)).toHaveLength(2);
  });
});

describe('by hand', () => {
  it('answers when the event can be read by another connection, and not before', async () => {
    const subject = new ByHand(directory, 1);
    const answer = subject.execute({ space: 0, name: 'addContact', contact });
    expect(readEvents(subject.file)).toHaveLength(0);
    await answer;
    expect(readEvents(subject.file)).toHaveLength(1);
    await subject.close();
  });

  it('commits in one transaction what arrives in one turn of the event loop', async () => {
    const subject = new ByHand(directory, 100);
    const load = new ContactLoad(workloads.w1, 1);
    await Promise.all(Array.from({ length: 64 }, () => subject.execute(load.next())));
    expect(await subject.commitCounts()).toEqual({ commits: 1, commands: 64 });
    await subject.close();
  });
});

describe('raw', () => {
  it('writes dense events in transactions of 1,000', () => {
    const load = new ContactLoad(workloads.w1, 1);
    const result = runRaw(directory, load, { spaces: 100, ...phases });
    expect(result).toMatchObject({
      commands: 1_000,
      acknowledged: 2_000,
      committed: { commits: 1, commands: 1_000 },
    });
    const rows = readEvents(rawFile(directory));
    expect(rows).toHaveLength(2_000);
    expectDense(rows);
  });
});

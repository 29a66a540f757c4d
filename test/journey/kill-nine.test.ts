import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import Database from 'better-sqlite3';
import type { Ramax, RecordedEvent } from 'ramax';
import { sqlite } from 'ramax/storage/sqlite';
import { afterEach, describe, expect, it } from 'vitest';
import type { ItemsApp } from '../fixtures/items.app.mjs';
import { until } from './gate.js';
import { all, fixture, partitionFiles, RuntimeBed, range } from './runtime-bed.js';

const bed = new RuntimeBed();
afterEach(() => bed.clear());

/** What the program said of one command before it was killed. */
interface Acknowledgement {
  readonly space: string;
  readonly n: number;
  readonly commandId: string;
  readonly eventIds: readonly number[];
  readonly spaceSequence: number;
}

interface Run {
  readonly directory: string;
  readonly shards: number;
  /** Numbers from here on. */
  readonly first: number;
  /** Kill it when it has acknowledged this many. */
  readonly acknowledged: number;
}

/** Lets the program write until it has acknowledged enough, and kills it in the middle. */
async function runAndKill({ directory, shards, first, acknowledged }: Run): Promise<Acknowledgement[]> {
  const output = join(directory, `acknowledged-from-${first}`);
  const file = openSync(output, 'w');
  const program = fileURLToPath(fixture('acknowledging-program.mjs'));
  const child = spawn(process.execPath, [program, directory, `${shards}`, `${first}`], {
    stdio: ['ignore', file, 'inherit'],
  });
  closeSync(file);
  const exited = once(child, 'exit');
  const lines = (): string[] => readFileSync(output, 'utf8').split('\n').slice(0, -1);
  await until(() => lines().length >= acknowledged, `the program has acknowledged ${acknowledged} commands`);
  child.kill('SIGKILL');
  expect(await exited).toEqual([null, 'SIGKILL']);
  return lines().map((line) => JSON.parse(line) as Acknowledgement);
}

/** The number of the command that made an event. */
function numberOf({ type, payload }: RecordedEvent): number {
  return type === 'line.written' ? Number(payload) : Number.parseInt((payload as { id: string }).id, 10);
}

function groupByCommand(events: readonly RecordedEvent[]): ReadonlyMap<number, readonly RecordedEvent[]> {
  const groups = new Map<number, RecordedEvent[]>();
  for (const event of events) {
    const n = numberOf(event);
    groups.set(n, [...(groups.get(n) ?? []), event]);
  }
  return groups;
}

async function expectAllPromises(
  ramax: Ramax<ItemsApp>,
  acknowledgements: readonly Acknowledgement[],
): Promise<void> {
  for (const space of await ramax.spaces.list()) {
    const events = await all(space.streamEvents());
    expect(events.map(({ spaceSequence }) => spaceSequence)).toEqual(range(events.length));
    const eventsOf = groupByCommand(events);
    // Every command is there once and whole, whether it was acknowledged or not.
    for (const [n, ofCommand] of eventsOf) expect(ofCommand).toHaveLength(n % 3 === 0 ? 3 : 1);
    for (const { space: name, n, eventIds, spaceSequence } of acknowledgements) {
      if (name !== space.spaceName) continue;
      const ofCommand = eventsOf.get(n) ?? [];
      expect(ofCommand.map(({ eventId }) => eventId)).toEqual(eventIds);
      expect(ofCommand.at(-1)?.spaceSequence).toBe(spaceSequence);
    }
    const lines = events.filter(({ type }) => type === 'line.written').map(({ payload }) => payload);
    expect(await space.query('lines')).toEqual(lines);
    const state = await space.query('everything');
    expect(await space.rebuild()).toMatchObject({ eventsApplied: events.length });
    expect(await space.query('everything')).toEqual(state);
  }
}

async function expectFirstAnswers(
  ramax: Ramax<ItemsApp>,
  acknowledgements: readonly Acknowledgement[],
): Promise<void> {
  for (const { space: name, n, commandId, eventIds, spaceSequence } of acknowledgements.slice(-30)) {
    const space = await ramax.spaces.getOrCreate(name);
    const repeated =
      n % 3 === 0
        ? await space.execute('addAll', { ids: [`${n}-1`, `${n}-2`, `${n}-3`], value: n % 7 }, { commandId })
        : await space.execute('line', n, { commandId });
    expect(repeated).toEqual({ eventIds, spaceSequence });
  }
}

/** How far the views of each space are persisted, as the files say: the one that is furthest behind counts. */
async function persistedSequences(directory: string): Promise<ReadonlyMap<number, number>> {
  const sequences = new Map<number, number>();
  const sql = `SELECT space_id, min(last_space_sequence) FROM projection_checkpoints
    GROUP BY space_id HAVING count(*) = 3`;
  for (const file of partitionFiles(directory)) {
    const database = new Database(file, { readonly: true });
    const rows = database.prepare<[], [number, number]>(sql).raw().all();
    database.close();
    for (const [spaceId, sequence] of rows) sequences.set(spaceId, sequence);
  }
  return sequences;
}

describe('kill -9', () => {
  it('three times in the middle of writing loses nothing acknowledged, doubles nothing, and leaves state = fold', async () => {
    const directory = await bed.directory();
    const acknowledgements: Acknowledgement[] = [];
    for (const [round, shards] of [2, 3, 1].entries()) {
      const first = round * 1_000_000 + 1;
      const acknowledged = await runAndKill({ directory, shards, first, acknowledged: 250 + 150 * round });
      acknowledgements.push(...acknowledged);
      const ramax = await bed.start({ storage: sqlite({ directory }) });
      await expectFirstAnswers(ramax, acknowledged);
      await expectAllPromises(ramax, acknowledgements);
      await ramax.close();
    }
    expect(acknowledgements.length).toBeGreaterThanOrEqual(3 * 250);
  });

  it('makes the next start apply what follows the checkpoints, and no other event', async () => {
    const directory = await bed.directory();
    await runAndKill({ directory, shards: 2, first: 1, acknowledged: 600 });
    const persisted = await persistedSequences(directory);
    const ramax = await bed.start({ storage: sqlite({ directory }) });
    let [following, events] = [0, 0];
    for (const space of await ramax.spaces.list()) {
      await space.query('lines'); // opens it
      const sequence = await space.latestSequence();
      events += sequence;
      following += sequence - (persisted.get(space.spaceId) ?? 0);
    }
    const { shards } = await ramax.stats();
    expect(shards.reduce((sum, { caughtUpEvents }) => sum + caughtUpEvents, 0)).toBe(following);
    // It flushes every 16 changed keys or 20 ms, so all but the last moments were persisted.
    expect(following).toBeLessThan(events / 2);
    await ramax.close();
    const again = await bed.start({ storage: sqlite({ directory }) });
    for (const space of await again.spaces.list()) await space.query('lines');
    expect((await again.stats()).shards.map(({ caughtUpEvents }) => caughtUpEvents)).toEqual([0, 0]);
  });
});

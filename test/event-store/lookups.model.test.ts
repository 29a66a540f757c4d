/**
 * Random histories of a log and its lookups against a model that is an array: commits, runs of the filler at any moment,
 * lost and older files on both sides, deletions. Reads by entity and by tags always equal a look through the whole log.
 */

import { copyFileSync, existsSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type CheckedEventQuery, matchesQuery } from '../../src/core/event-query.js';
import type { EventSelection, LogReader, LogStore, SelectBounds } from '../../src/event-store/port.js';
import { openSqliteLogReader } from '../../src/event-store/sqlite/sqlite-log-reader.js';
import { openSqliteLogStore } from '../../src/event-store/sqlite/sqlite-log-store.js';
import { SqliteLookupFiller } from '../../src/event-store/sqlite/sqlite-lookup-filler.js';
import { witnessFileOf } from '../../src/event-store/sqlite/witness-file.js';
import { append, createSpace, plainEvent, platformAt } from './log-fixture.js';
import { putLogBack, temporaryDirectory } from './sqlite-fixture.js';

type Step =
  | {
      readonly kind: 'append';
      readonly space: number;
      readonly events: readonly { readonly entityId: string; readonly tags: readonly string[] }[];
    }
  | { readonly kind: 'fill'; readonly rowsMax: number }
  | { readonly kind: 'deleteSpace' | 'purge'; readonly space: number }
  | {
      readonly kind:
        | 'reopen'
        | 'saveLog'
        | 'restoreLog'
        | 'loseLookups'
        | 'saveLookups'
        | 'restoreLookups'
        | 'removeLookupsInUse';
    };

const entities = ['x', 'y', 'z'] as const;
const tags = ['t', 'u'] as const;
const spaces = fc.integer({ min: 0, max: 2 });

function stepOf<Kind extends Step['kind']>(kind: Kind): fc.Arbitrary<{ readonly kind: Kind }> {
  return fc.constant({ kind });
}

const steps: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 12,
    arbitrary: fc.record({
      kind: fc.constant('append' as const),
      space: spaces,
      events: fc.array(fc.record({ entityId: fc.constantFrom(...entities), tags: fc.subarray([...tags]) }), {
        minLength: 1,
        maxLength: 4,
      }),
    }),
  },
  {
    weight: 8,
    arbitrary: fc.record({ kind: fc.constant('fill' as const), rowsMax: fc.integer({ min: 1, max: 6 }) }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('deleteSpace' as const), space: spaces }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('purge' as const), space: spaces }) },
  { weight: 1, arbitrary: stepOf('reopen') },
  { weight: 3, arbitrary: stepOf('saveLog') },
  { weight: 3, arbitrary: stepOf('restoreLog') },
  { weight: 1, arbitrary: stepOf('loseLookups') },
  { weight: 2, arbitrary: stepOf('saveLookups') },
  { weight: 2, arbitrary: stepOf('restoreLookups') },
  { weight: 1, arbitrary: stepOf('removeLookupsInUse') },
);

interface ModelEvent {
  readonly spaceId: number;
  readonly spaceSequence: number;
  readonly entityId: string;
  readonly tags: readonly string[];
  readonly label: string;
}

/** The queries that are asked, in normal form. */
const queries: readonly CheckedEventQuery[] = [
  { items: [{ tags: ['t'] }] },
  { items: [{ tags: ['t', 'u'] }] },
  { items: [{ entityId: 'x' }, { entityId: 'y', tags: ['u'] }] },
];

/** What the log holds. */
interface Model {
  events: ModelEvent[];
  /** Live space ids. */
  live: number[];
  /** Deleted and not purged. */
  doomed: number[];
}

/** Chunks of a purge. */
const purgeRows = 2;

class World {
  readonly #eventsApart: number;
  readonly #platform = platformAt(1);
  readonly #logFile: string;
  readonly #lookupFile: string;
  #log: LogStore;
  #reader: LogReader;
  #filler: SqliteLookupFiller;
  #model: Model = { events: [], live: [], doomed: [] };
  #saved: Model | undefined;
  #labels = 0;

  constructor(directory: string, eventsApart: number) {
    this.#eventsApart = eventsApart;
    this.#logFile = join(directory, 'ramax.db');
    this.#lookupFile = join(directory, 'lookups.db');
    this.#log = openSqliteLogStore(this.#logFile, this.#platform);
    this.#reader = openSqliteLogReader(this.#logFile, this.#platform);
    this.#filler = this.#newFiller();
  }

  async take(step: Step): Promise<void> {
    switch (step.kind) {
      case 'append':
        return this.#append(step.space, step.events);
      case 'fill':
        await this.#filler.fillLookups(step.rowsMax);
        return;
      case 'deleteSpace':
        return this.#deleteSpace(step.space);
      case 'purge':
        return this.#purge(step.space);
      case 'reopen':
        return this.#closed(() => {});
      case 'saveLog':
        return this.#closed(() => {
          copyFileSync(this.#logFile, `${this.#logFile}.saved`);
          this.#saved = structuredClone(this.#model);
        });
      case 'restoreLog':
        return this.#closed(() => {
          if (this.#saved === undefined) return;
          putLogBack(`${this.#logFile}.saved`, this.#logFile);
          this.#model = structuredClone(this.#saved);
        });
      case 'loseLookups':
        return this.#closed(() => this.#removeLookups());
      case 'removeLookupsInUse':
        return this.#removeLookups();
      case 'saveLookups':
        return this.#closed(() => {
          if (existsSync(this.#lookupFile)) copyFileSync(this.#lookupFile, `${this.#lookupFile}.saved`);
        });
      case 'restoreLookups':
        return this.#closed(() => {
          if (!existsSync(`${this.#lookupFile}.saved`)) return;
          this.#removeLookups();
          copyFileSync(`${this.#lookupFile}.saved`, this.#lookupFile);
        });
    }
  }

  /** Every read by entity, from everywhere, whole and in small pages, at both ends of the log. */
  async compare(): Promise<void> {
    const spaceIds = [...this.#model.live, ...this.#model.doomed, 99];
    for (const spaceId of spaceIds) {
      await this.#compareSelections(spaceId);
      const last = this.#model.events.filter((event) => event.spaceId === spaceId).length;
      for (const entityId of entities) {
        for (const after of new Set([0, 1, Math.floor(last / 2), last - 1, last])) {
          const expected = this.#expected(spaceId, entityId, after);
          for (const end of [this.#log, this.#reader]) {
            const whole = await end.readEntity(spaceId, entityId, after, { limit: 1_000, bytesMax: 10_000 });
            expect(whole.map(({ type }) => type)).toEqual(expected);
            const two = await end.readEntity(spaceId, entityId, after, { limit: 2, bytesMax: 10_000 });
            expect(two.map(({ type }) => type)).toEqual(expected.slice(0, 2));
          }
          const one = await this.#reader.readEntity(spaceId, entityId, after, { limit: 9, bytesMax: 1 });
          expect(one.map(({ type }) => type)).toEqual(expected.slice(0, 1));
        }
      }
    }
  }

  /** Every query, both ways, in reads of all sizes. */
  async #compareSelections(spaceId: number): Promise<void> {
    for (const query of queries) {
      const expected = this.#model.live.includes(spaceId)
        ? this.#model.events
            .filter((event) => event.spaceId === spaceId && matchesQuery(query, { type: '', ...event }))
            .map(({ label }) => `type.${label}`)
        : [];
      for (const [direction, limit, scanEventsMax] of [
        ['forwards', 100, 100],
        ['forwards', 2, 3],
        ['backwards', 3, 2],
      ] as const) {
        const selection = { spaceId, direction, after: 0, upTo: Number.MAX_SAFE_INTEGER, query };
        const found = await selectedTypes(this.#reader, selection, { limit, bytesMax: 1_000, scanEventsMax });
        expect(found).toEqual(direction === 'forwards' ? expected : [...expected].reverse());
      }
    }
  }

  /** Runs until nothing is left: then every event has its entry, and purged spaces have none. */
  async fillAll(): Promise<void> {
    while (!(await this.#filler.fillLookups(3)).done);
    const lookups = new Database(this.#lookupFile, { readonly: true });
    const entries = lookups
      .prepare<[], [number, string, number]>('SELECT space_id, entity_id, event_id FROM entity_events')
      .raw()
      .all();
    lookups.close();
    const found = new Set(entries.map(([spaceId, entityId]) => `${spaceId} ${entityId}`));
    for (const { spaceId, entityId } of this.#model.events) {
      if (this.#model.live.includes(spaceId)) expect(found).toContain(`${spaceId} ${entityId}`);
    }
    expect(this.#missingTags()).toEqual([]);
  }

  /** Tags of live spaces that have no entry. */
  #missingTags(): readonly string[] {
    const lookups = new Database(this.#lookupFile, { readonly: true });
    const entries = lookups.prepare<[], [number, string]>('SELECT space_id, tag FROM tag_events').raw().all();
    lookups.close();
    const found = new Set(entries.map(([spaceId, tag]) => `${spaceId} ${tag}`));
    return this.#model.events
      .filter(({ spaceId }) => this.#model.live.includes(spaceId))
      .flatMap(({ spaceId, tags }) => tags.map((tag) => `${spaceId} ${tag}`))
      .filter((tag) => !found.has(tag));
  }

  async close(): Promise<void> {
    await this.#filler.close();
    await this.#reader.close();
    await this.#log.close();
  }

  #expected(spaceId: number, entityId: string, after: number): readonly string[] {
    if (!this.#model.live.includes(spaceId)) return [];
    return this.#model.events
      .filter((event) => event.spaceId === spaceId && event.entityId === entityId)
      .filter((event) => event.spaceSequence > after)
      .map(({ label }) => `type.${label}`);
  }

  async #append(space: number, given: (Step & { kind: 'append' })['events']): Promise<void> {
    const spaceId = this.#model.live[space] ?? (await this.#create());
    const previous = this.#model.events.filter((event) => event.spaceId === spaceId).length;
    const events = given.map(({ entityId, tags }, index) => {
      const label = `e${this.#labels++}`;
      this.#model.events.push({ spaceId, spaceSequence: previous + index + 1, entityId, tags, label });
      return { ...plainEvent(label, entityId), tags: tags.length === 0 ? null : JSON.stringify(tags) };
    });
    const [outcome] = await this.#log.commit([append(spaceId, previous, events)]);
    expect(outcome?.kind).toBe('appended');
  }

  async #create(): Promise<number> {
    const { spaceId } = await createSpace(this.#log, `space ${this.#labels++}`);
    this.#model.live.push(spaceId);
    return spaceId;
  }

  async #deleteSpace(space: number): Promise<void> {
    const spaceId = this.#model.live[space];
    if (spaceId === undefined) return;
    await this.#log.commit([{ kind: 'markSpaceDeleted', spaceId }]);
    this.#model.live.splice(space, 1);
    this.#model.doomed.push(spaceId);
  }

  async #purge(space: number): Promise<void> {
    const spaceId = this.#model.doomed[space];
    if (spaceId === undefined) return;
    const { done } = await this.#log.purgeSpace(spaceId, purgeRows);
    if (done) this.#model.doomed.splice(space, 1);
  }

  /** Closes both files, changes them, and opens them again. */
  async #closed(change: () => void): Promise<void> {
    await this.close();
    if (existsSync(this.#lookupFile)) new Database(this.#lookupFile).exec('PRAGMA user_version').close();
    change();
    // An older copy of the log comes without its witness.
    const options = { acceptMissingWitness: !existsSync(witnessFileOf(this.#logFile)) };
    this.#log = openSqliteLogStore(this.#logFile, this.#platform, options);
    this.#reader = openSqliteLogReader(this.#logFile, this.#platform);
    this.#filler = this.#newFiller();
  }

  #newFiller(): SqliteLookupFiller {
    return new SqliteLookupFiller(this.#logFile, { markEventsApart: this.#eventsApart });
  }

  #removeLookups(): void {
    for (const suffix of ['', '-wal', '-shm']) rmSync(`${this.#lookupFile}${suffix}`, { force: true });
  }
}

/** The types of all that is selected, read by read. */
async function selectedTypes(
  log: LogReader,
  selection: EventSelection,
  bounds: SelectBounds,
): Promise<readonly string[]> {
  const types: string[] = [];
  for (let next = selection; ; ) {
    const { events, position, isEnd } = await log.selectEvents(next, bounds);
    types.push(...events.map(({ type }) => type));
    if (isEnd) return types;
    next = next.direction === 'forwards' ? { ...next, after: position } : { ...next, upTo: position };
  }
}

async function run(history: readonly Step[], eventsApart: number): Promise<void> {
  const directory = await temporaryDirectory();
  const world = new World(directory.path, eventsApart);
  try {
    for (const step of history) {
      await world.take(step);
      await world.compare();
    }
    await world.fillAll();
    await world.compare();
  } finally {
    await world.close();
    await directory.remove();
  }
}

const runs = Number(process.env['RAMAX_LOOKUP_RUNS'] ?? 15);

describe('reads by entity and by tags', () => {
  it('equal a look through the whole log, whatever happened to the log and its lookups', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(steps, { minLength: 10, maxLength: 40, size: 'max' }),
        fc.constantFrom(1, 5, 1_000),
        run,
      ),
      { numRuns: runs },
    );
  }, 120_000);
});

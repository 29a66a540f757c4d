import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ContentStore } from '../../src/content-store/content-store.js';
import { defineApp } from '../../src/core/define-app.js';
import { RamaxError } from '../../src/core/errors.js';
import { reject } from '../../src/core/rejection.js';
import { openSqliteLogStore, type SqliteLogStore } from '../../src/event-store/sqlite/sqlite-log-store.js';
import { nodePlatform } from '../../src/platform/node-platform.js';
import type { PStateStore } from '../../src/pstate/port.js';
import { openHealingStore } from '../../src/pstate/sqlite/healing-store.js';
import { openSqlitePStateStore } from '../../src/pstate/sqlite/sqlite-pstate-store.js';
import { setAside } from '../../src/sqlite/set-aside.js';
import { rejectionOf } from '../core/error-of.js';
import { createSpace } from '../event-store/log-fixture.js';
import { temporaryDirectory } from '../event-store/sqlite-fixture.js';

const app = defineApp({
  name: 'notes',
  commands: {
    note(pstate, { id, text }: { id: string; text: string }) {
      if (pstate.get(id) === text) return reject('same');
      return [{ entityId: id, type: 'noted', payload: text }];
    },
    /** An app that makes an answer of any error. */
    careless(pstate, id: string) {
      try {
        return [{ entityId: 'seen', type: 'noted', payload: pstate.get<string>(id) ?? 'absent' }];
      } catch {
        return [{ entityId: 'seen', type: 'noted', payload: 'careless' }];
      }
    },
  },
  projections: {
    noted(pstate, event) {
      pstate.put(event.entityId, event.payload);
    },
  },
  views: {
    lengths: {
      version: 1,
      on: {
        noted(view, event) {
          view.put(event.entityId, String(event.payload).length);
        },
      },
    },
  },
  queries: {
    lengthOf: (_pstate, id: string, { views }) => views.lengths.get<number>(id),
    careless(pstate, id: string) {
      try {
        return pstate.get<string>(id);
      } catch {
        return 'careless';
      }
    },
    all: (pstate) => [...pstate.entries()].map(([key]) => key),
  },
});

const ids = Array.from({ length: 40 }, (_, index) => `n${index}`);

describe('damaged projections', () => {
  let directory: Awaited<ReturnType<typeof temporaryDirectory>>;
  let log: SqliteLogStore;
  let pstates: PStateStore;
  let fence = 0;
  const file = () => join(directory.path, 'pstate.db');

  beforeEach(async () => {
    directory = await temporaryDirectory();
    log = openSqliteLogStore(join(directory.path, 'ramax.db'), nodePlatform);
    for (const name of ['acme', 'globex']) await createSpace(log, name);
    openStore();
  });

  afterEach(async () => {
    pstates.close();
    await log.close();
    await directory.remove();
  });

  function openStore(): void {
    fence++;
    pstates = openHealingStore({
      open: () => openSqlitePStateStore({ file: file(), logId: log.logId, fence }),
      removeSetAside: () => {},
      setAside: () => setAside(file(), 5),
    });
  }

  function open(spaceId = 1): Promise<ContentStore<typeof app>> {
    const spaceName = spaceId === 1 ? 'acme' : 'globex';
    return ContentStore.open({ space: { spaceId, spaceName }, app, log, pstates, platform: nodePlatform });
  }

  /** A space with notes, in whose memory nothing of them is left. */
  async function reopened(spaceId = 1): Promise<ContentStore<typeof app>> {
    const before = await open(spaceId);
    for (const id of ids) {
      const text = `text of ${id}`;
      if ((await before.fetch(id)) !== text) await before.execute('note', { id, text });
    }
    await before.close();
    return open(spaceId);
  }

  function tamper(sql: string): void {
    const database = new Database(file());
    database.exec(sql);
    database.close();
  }

  const where = "view = 'main' AND key = 'n7'";
  const entryDamages: readonly (readonly [string, string])[] = [
    ['a changed value', `UPDATE pstate_entities SET value = x'a161' WHERE ${where}`],
    ['a changed checksum', `UPDATE pstate_entities SET checksum = checksum + 1 WHERE ${where}`],
    [
      'the value and the checksum of another key',
      `UPDATE pstate_entities SET (value, checksum) =
         (SELECT value, checksum FROM pstate_entities WHERE view = 'main' AND key = 'n8') WHERE ${where}`,
    ],
    [
      'those of another view',
      `UPDATE pstate_entities SET (value, checksum) =
         (SELECT value, checksum FROM pstate_entities WHERE view = 'lengths' AND key = 'n7') WHERE ${where}`,
    ],
  ];

  for (const [what, sql] of entryDamages) {
    it(`in the main view, as ${what}, are made anew when a read or a command meets them`, async () => {
      for (const use of [
        (store: ContentStore<typeof app>) => store.fetch('n7'),
        async (store: ContentStore<typeof app>) => {
          await store.execute('note', { id: 'n7', text: 'new' });
          return store.fetch('n8');
        },
        (store: ContentStore<typeof app>) => store.query('all'),
      ]) {
        const store = await reopened();
        tamper(sql);
        expect(await use(store)).toBeDefined();
        expect(await store.query('all')).toEqual([...ids].sort());
        expect(['text of n7', 'new']).toContain(await store.fetch('n7'));
        expect(await store.query('lengthOf', 'n7')).toBeGreaterThan(2);
        await store.close();
      }
    });
  }

  it('decide no command wrongly where the app catches what it meets', async () => {
    const store = await reopened();
    tamper(entryDamages[0]?.[1] ?? '');
    await store.execute('careless', 'n7');
    expect(await store.fetch('seen')).toBe('text of n7');
    await store.close();
    const again = await open();
    tamper("UPDATE pstate_entities SET value = x'a161' WHERE view = 'main' AND key = 'n9'");
    expect(await again.query('careless', 'n9')).toBe('text of n9');
    await again.close();
  });

  it('keep the turns of a space in their order', async () => {
    const store = await reopened();
    tamper(entryDamages[0]?.[1] ?? '');
    const answers = await Promise.all([
      ...['n1', 'n7', 'n2'].map((id) => store.execute('note', { id, text: 'new' })),
      store.fetch('n7'),
    ]);
    expect(answers.slice(0, 3).map((answer) => (answer as { spaceSequence: number }).spaceSequence)).toEqual([
      41, 42, 43,
    ]);
    expect(answers[3]).toBe('new');
    await store.close();
  });

  it('in a further view let its readers wait, and are made anew behind', async () => {
    const store = await reopened();
    tamper("UPDATE pstate_entities SET value = x'05' WHERE view = 'lengths' AND key = 'n7'");
    const error = await rejectionOf(store.query('lengthOf', 'n7'));
    expect([error.code, error.retryable]).toEqual(['view_building', true]);
    expect(await store.fetch('n7')).toBe('text of n7');
    await expect.poll(() => store.query('lengthOf', 'n7').catch(() => undefined)).toBe('text of n7'.length);
    await store.close();
  });

  it('that SQLite itself finds are set aside with their file, and every space of it is made anew', async () => {
    await (await reopened(2)).close();
    await (await reopened(1)).close();
    pstates.close();
    const bytes = readFileSync(file());
    bytes.fill(0xff, 4_096);
    writeFileSync(file(), bytes);
    openStore();
    for (const spaceId of [1, 2]) {
      const store = await open(spaceId);
      expect(await store.query('all')).toEqual([...ids].sort());
      await store.close();
    }
    expect(pstates.epoch).toBe(1);
    expect(readdirSync(directory.path).filter((name) => name.includes('damaged'))).toEqual([
      'pstate.db.damaged-5',
    ]);
  });

  it('that are no database any more are set aside when they are opened', async () => {
    await (await reopened()).close();
    pstates.close();
    for (const times of [1, 2, 3, 4]) {
      writeFileSync(file(), 'this is no database, whatever its name says. '.repeat(200));
      openStore();
      expect(pstates.epoch, `${times}`).toBe(1);
      const store = await open();
      expect(await store.query('all')).toEqual([...ids].sort());
      await store.close();
      pstates.close();
    }
    expect(readdirSync(directory.path).filter((name) => name.includes('damaged'))).toHaveLength(2);
    openStore();
  });

  it('never let a space that is open write what it has over the new file', async () => {
    let isDamaged = false;
    pstates.close();
    fence++;
    pstates = openHealingStore({
      open: () =>
        damagedWhen(openSqlitePStateStore({ file: file(), logId: log.logId, fence }), () => isDamaged),
      removeSetAside: () => {},
      setAside: () => {
        isDamaged = false;
        setAside(file(), 5);
      },
    });
    const store = await reopened(1);
    const other = await reopened(2);
    await store.execute('note', { id: 'n1', text: 'not persisted yet' });
    await other.execute('note', { id: 'n1', text: 'nor this' });
    isDamaged = true;
    expect((await rejectionOf(store.checkpoint())).code).toBe('corrupt');
    expect(isDamaged).toBe(false);
    for (const space of [store, other]) {
      expect(await space.query('all')).toEqual([...ids].sort());
      await space.checkpoint().catch(() => {});
      await space.close();
    }
    for (const [spaceId, text] of [
      [1, 'not persisted yet'],
      [2, 'nor this'],
    ] as const) {
      const again = await open(spaceId);
      expect(await again.query('all')).toEqual([...ids].sort());
      expect(await again.fetch('n1')).toBe(text);
      await again.close();
    }
  });
});

/** The same store; its writes say what SQLite says of a page that is none. */
function damagedWhen(store: PStateStore, isDamaged: () => boolean): PStateStore {
  return new Proxy(store, {
    get(target, name) {
      if (isDamaged() && name === 'flush') {
        throw new RamaxError('corrupt', 'malformed', { details: { sqliteCode: 'SQLITE_CORRUPT' } });
      }
      const member: unknown = Reflect.get(target, name);
      return typeof member === 'function' ? member.bind(target) : member;
    },
  });
}

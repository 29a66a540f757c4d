import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { ContentStore } from '../../src/content-store/content-store.js';
import { defineApp } from '../../src/core/define-app.js';
import { MemoryPStateStore } from '../../src/pstate/memory/memory-pstate-store.js';
import { rejectionOf } from '../core/error-of.js';
import { entry, folded, foldedAmounts, ledger, markers } from './ledger.js';
import { MemoryBed } from './memory-bed.js';
import { type Storage, storages } from './storages.js';

type Ledger = ContentStore<typeof ledger>;

describe.each(storages)('a content store over %s', (_name, makeStorage) => {
  let storage: Storage;
  let store: Ledger;

  beforeEach(async () => {
    storage = await makeStorage();
    store = await storage.open(ledger);
  });

  afterEach(() => storage.remove());

  /** The state is what the log folds to. */
  async function expectFold(open: Ledger = store): Promise<void> {
    const events = await storage.events();
    expect(await open.query('everything')).toEqual(folded(events));
    expect(await open.query('amounts')).toEqual(foldedAmounts(events));
  }

  it('decides a command, appends its events and applies them', async () => {
    expect(await store.execute('add', entry('a', 5))).toEqual({ eventIds: [1], spaceSequence: 1 });
    const entries = [entry('b'), entry('c')];
    expect(await store.execute('addAll', { entries })).toEqual({ eventIds: [2, 3], spaceSequence: 3 });
    expect(await store.fetch('entry:a')).toEqual({ amount: 5, spaceSequence: 1 });
    expect(markers(await storage.events())).toEqual(['a', 'b', 'c']);
    await expectFold();
  });

  it('answers a command without events with the sequence that the space has', async () => {
    expect(await store.execute('nothing', undefined)).toEqual({ eventIds: [], spaceSequence: 0 });
    await store.execute('add', entry('a'));
    expect(await store.execute('nothing', undefined)).toEqual({ eventIds: [], spaceSequence: 1 });
    expect(await storage.events()).toHaveLength(1);
  });

  it('refuses what the command rejects, and writes nothing of it', async () => {
    await store.execute('add', entry('a'));
    const error = await rejectionOf(store.execute('addIfEven', entry('b')));
    expect(error).toMatchObject({ code: 'command_rejected', reason: 'odd', details: { count: 1 } });
    expect(markers(await storage.events())).toEqual(['a']);
    await expectFold();
  });

  it('fetches undefined where there is nothing', async () => {
    expect(await store.fetch('nothing')).toBeUndefined();
  });

  it('resumes where it was closed without reading the log again', async () => {
    await store.execute('addAll', { entries: [entry('a'), entry('b')] });
    await store.execute('remove', { marker: 'r', removed: 'a' });
    await store.close();
    const { log, pstates } = await storage.process();
    const readSpace = vi.spyOn(log, 'readSpace');
    const { platform } = storage;
    const space = { spaceId: 1, spaceName: 'acme' };
    const reopened = await ContentStore.open({ space, app: ledger, log, pstates, platform });
    expect(readSpace).not.toHaveBeenCalled();
    await expectFold(reopened);
    expect((await reopened.execute('add', entry('c'))).spaceSequence).toBe(4);
    await expectFold(reopened);
  });

  it('resumes from its last checkpoint and the log after a crash', async () => {
    await store.execute('addAll', { entries: [entry('a'), entry('b')] });
    expect(await store.checkpoint()).toEqual({ lastEventId: 2, lastSpaceSequence: 2 });
    await store.execute('add', entry('c'));
    const reopened = await storage.open(ledger);
    await expectFold(reopened);
    expect((await reopened.execute('add', entry('d'))).spaceSequence).toBe(4);
    await expectFold(reopened);
  });

  it('catches up over many bounded reads, with a small memory', async () => {
    for (let n = 0; n < 23; n++) await store.execute('add', entry(n, n % 4));
    const reopened = await storage.open(ledger, {
      readEventsMax: 3,
      dirtyKeysMax: 4,
      fillKeysMax: 4,
      cacheEntriesMax: 2,
    });
    await expectFold(reopened);
  });

  it('rebuilds to the same state, and says how far it has come', async () => {
    await store.execute('addAll', { entries: [entry('a', 3), entry('b', 4)] });
    await store.execute('remove', { marker: 'r', removed: 'a' });
    const reported: number[] = [];
    const onProgress = ({ eventsApplied }: { eventsApplied: number }) => reported.push(eventsApplied);
    expect(await store.rebuildPState({ onProgress })).toEqual({ eventsApplied: 3, lastSpaceSequence: 3 });
    expect(reported).toEqual([3]);
    await expectFold();
    await expectFold(await storage.open(ledger));
  });

  it('rebuilds a space without events', async () => {
    expect(await store.rebuildPState()).toEqual({ eventsApplied: 0, lastSpaceSequence: 0 });
    await expectFold();
  });

  it('remembers a command id over restarts', async () => {
    const first = await store.execute('add', entry('a'), { commandId: 'c1' });
    await store.close();
    const reopened = await storage.open(ledger);
    expect(await reopened.execute('add', entry('a'), { commandId: 'c1' })).toEqual(first);
    expect(await storage.events()).toHaveLength(1);
  });
});

describe('a content store', () => {
  it('applies what others have appended, and says how much that was', async () => {
    const bed = await MemoryBed.make();
    const store = await bed.open(ledger);
    await store.execute('add', entry('a'));
    const other = await bed.open(ledger, { pstates: new MemoryPStateStore() });
    await other.execute('addAll', { entries: [entry('b'), entry('c')] });
    expect(await store.fetch('entry:b')).toBeUndefined();
    expect(await store.catchupPState()).toBe(2);
    expect(await store.query('everything')).toEqual(folded(await bed.events()));
    expect(await store.catchupPState()).toBe(0);
  });

  it('counts none of its own events when it catches up', async () => {
    const bed = await MemoryBed.make();
    const store = await bed.open(ledger);
    bed.log.isHeld = true;
    const executed = store.execute('add', entry('a'));
    const caughtUp = store.catchupPState();
    await bed.clock.settle();
    bed.log.releaseAll();
    expect(await caughtUp).toBe(0);
    expect((await executed).spaceSequence).toBe(1);
  });

  it('goes on taking commands while it catches up', async () => {
    const bed = await MemoryBed.make();
    const store = await bed.open(ledger);
    const answers = [];
    for (let n = 0; n < 5; n++) {
      answers.push(store.execute('add', entry(`before ${n}`)), store.catchupPState());
      answers.push(store.execute('add', entry(`after ${n}`)));
    }
    await Promise.all(answers);
    expect(await bed.events()).toHaveLength(10);
    expect(await store.query('everything')).toEqual(folded(await bed.events()));
  });

  it('notices what others have appended when it appends itself', async () => {
    const bed = await MemoryBed.make();
    const store = await bed.open(ledger);
    const other = await bed.open(ledger, { pstates: new MemoryPStateStore() });
    await other.execute('add', entry('theirs'));
    expect((await rejectionOf(store.execute('addIfEven', entry('mine')))).reason).toBe('odd');
    expect((await store.execute('add', entry('mine'))).spaceSequence).toBe(2);
    expect(markers(await bed.events())).toEqual(['theirs', 'mine']);
  });

  it('appends nothing that was decided on what the log refused', async () => {
    const bed = await MemoryBed.make();
    const live = await bed.openLive(ledger);
    const other = await bed.open(ledger, { pstates: new MemoryPStateStore() });
    await other.execute('add', entry('theirs'));
    // The first is refused, and leaves the log where the second expects it by its number alone.
    const turns = ['a', 'b'].map((marker) => bed.command('add', entry(marker)));
    for (const turn of turns) live.take(turn);
    expect(await Promise.all(turns.map(({ answer }) => answer))).toMatchObject([
      { spaceSequence: 2 },
      { spaceSequence: 3 },
    ]);
    expect(markers(await bed.events())).toEqual(['theirs', 'a', 'b']);
  });

  it('asks the log again about command ids after it has caught up', async () => {
    const bed = await MemoryBed.make();
    const store = await bed.open(ledger);
    const remove = { marker: 'r', removed: 'a' };
    expect((await rejectionOf(store.execute('remove', remove, { commandId: 'c1' }))).reason).toBe('absent');
    const other = await bed.open(ledger, { pstates: new MemoryPStateStore() });
    await other.execute('add', entry('a'));
    const first = await other.execute('remove', remove, { commandId: 'c1' });
    await store.catchupPState();
    expect(await store.execute('remove', remove, { commandId: 'c1' })).toEqual(first);
    expect(markers(await bed.events())).toEqual(['a', 'r']);
  });

  it('takes nothing any more once it is closed, and closes twice', async () => {
    const bed = await MemoryBed.make();
    const store = await bed.open(ledger);
    const before = store.execute('add', entry('a'));
    const closing = store.close();
    const calls = [
      store.execute('add', entry('b')),
      store.fetch('count'),
      store.query('everything'),
      store.rebuildPState(),
      store.catchupPState(),
      store.checkpoint(),
    ];
    const errors = await Promise.all(calls.map((call) => rejectionOf(call)));
    expect(errors.map(({ code }) => code)).toEqual(calls.map(() => 'closed'));
    await closing;
    expect((await before).spaceSequence).toBe(1);
    await store.close();
    expect(await bed.events()).toHaveLength(1);
  });

  it('opens no space that there is not', async () => {
    const bed = new MemoryBed();
    expect((await rejectionOf(bed.open(ledger))).code).toBe('not_found');
  });

  it('opens no app that is none', async () => {
    const bed = await MemoryBed.make();
    const wrong = { ...ledger, projections: undefined } as unknown as typeof ledger;
    expect((await rejectionOf(bed.open(wrong))).code).toBe('invalid_app');
  });

  it('reads what commands before it wrote, in the order of the calls', async () => {
    const bed = await MemoryBed.make();
    const store = await bed.open(ledger);
    const seen = await Promise.all([
      store.fetch('count'),
      store.execute('add', entry('a')),
      store.fetch('count'),
      store.execute('add', entry('b')),
      store.query('everything'),
    ]);
    expect([seen[0], seen[2]]).toEqual([undefined, 1]);
    expect(seen[4]).toMatchObject({ count: 2 });
  });
});

describe('a listener of progress', () => {
  const mistake = new TypeError('my own mistake');
  const listeners: readonly (readonly [what: string, fail: () => unknown])[] = [
    [
      'throws',
      () => {
        throw mistake;
      },
    ],
    ['rejects', () => Promise.reject(mistake)],
  ];

  it.each(listeners)('that %s ends the task, whose caller gets what was thrown', async (_what, fail) => {
    const bed = await MemoryBed.make();
    const store = await bed.open(ledger);
    const entries = Array.from({ length: 500 }, (_, n) => entry(`${n}`));
    await store.execute('addAll', { entries });
    let reports = 0;
    const onProgress = (): unknown => {
      reports++;
      return fail();
    };
    const rebuilt = store.rebuildPState({ onProgress });
    expect(await rebuilt.catch((error: unknown) => error)).toBe(mistake);
    expect(reports).toBe(1);
    const migrated = store.migrateAll({ onProgress: fail });
    expect(await migrated.catch((error: unknown) => error)).toBe(mistake);
    expect(await store.query('everything')).toEqual(folded(await bed.events()));
  });
});

describe('the door of a content store', () => {
  const strange = defineApp({
    name: 'strange',
    commands: {
      take: (_pstate, _params: unknown) => [],
      throws: () => {
        throw new TypeError('no good');
      },
      answers: (_pstate, answer: 'nothing' | 'promise' | 'object') =>
        ({ nothing: undefined, promise: Promise.resolve([]), object: {} })[answer] as never,
      events: (_pstate, event: unknown) => [event as { entityId: string; type: string }],
      writes: (pstate) => {
        (pstate as unknown as { put(key: string, value: number): void }).put('x', 1);
        return [];
      },
    },
    projections: {},
    queries: {
      throws: () => {
        throw new RangeError('no good');
      },
      answers: (_pstate, answer: 'date' | 'promise' | 'nothing') =>
        ({ date: new Date(0), promise: Promise.resolve(1), nothing: undefined })[answer],
    },
  });

  async function open(): Promise<{ bed: MemoryBed; store: ContentStore<typeof strange> }> {
    const bed = await MemoryBed.make();
    return { bed, store: await bed.open(strange, { limits: { idBytesMax: 20 } }) };
  }

  it.each<
    readonly [what: string, code: string, call: (store: ContentStore<typeof strange>) => Promise<unknown>]
  >([
    ['a command that is not there', 'unknown_command', (store) => store.execute('tke' as 'take', 1)],
    ['a command that is no name', 'invalid_input', (store) => store.execute(5 as unknown as 'take', 1)],
    ['parameters that are no JSON', 'invalid_input', (store) => store.execute('take', new Map())],
    ['options that are none', 'invalid_input', (store) => store.execute('take', 1, null as never)],
    ['an empty command id', 'invalid_input', (store) => store.execute('take', 1, { commandId: '' })],
    [
      'a long command id',
      'invalid_input',
      (store) => store.execute('take', 1, { commandId: 'x'.repeat(21) }),
    ],
    [
      'a causation id that is none',
      'invalid_input',
      (store) => store.execute('take', 1, { causationId: '\u0000' }),
    ],
    [
      'a correlation id that is none',
      'invalid_input',
      (store) => store.execute('take', 1, { correlationId: '' }),
    ],
    [
      'a sequence that is none',
      'invalid_input',
      (store) => store.execute('take', 1, { expectedSequence: -1 }),
    ],
    ['another sequence', 'conflict', (store) => store.execute('take', 1, { expectedSequence: 1 })],
    ['a command that throws', 'command_failed', (store) => store.execute('throws', undefined)],
    ['a command that answers nothing', 'command_failed', (store) => store.execute('answers', 'nothing')],
    ['a command that answers later', 'command_failed', (store) => store.execute('answers', 'promise')],
    ['a command that answers an object', 'command_failed', (store) => store.execute('answers', 'object')],
    ['an event without a type', 'invalid_input', (store) => store.execute('events', { entityId: 'e' })],
    ['an event that is none', 'invalid_input', (store) => store.execute('events', 5)],
    ['a command that writes', 'command_failed', (store) => store.execute('writes', undefined)],
    ['a key that is none', 'invalid_input', (store) => store.fetch('')],
    ['a query that is not there', 'unknown_query', (store) => store.query('throw' as 'throws')],
    ['a query that throws', 'command_failed', (store) => store.query('throws')],
    ['a query that answers a date', 'invalid_input', (store) => store.query('answers', 'date')],
    ['a query that answers later', 'command_failed', (store) => store.query('answers', 'promise')],
  ])('refuses %s as %s, and goes on', async (_what, code, call) => {
    const { bed, store } = await open();
    expect((await rejectionOf(call(store))).code).toBe(code);
    expect(await store.execute('take', 1)).toEqual({ eventIds: [], spaceSequence: 0 });
    expect(await bed.events()).toEqual([]);
  });

  const misspelt: readonly (readonly [
    what: string,
    field: string,
    call: (store: ContentStore<typeof strange>) => Promise<unknown>,
  ])[] = [
    ['execute', 'options.comandId', (store) => store.execute('take', 1, { comandId: 'c' } as never)],
    ['execute', 'options.signal', (store) => store.execute('take', 1, { signal: undefined } as never)],
    ['execute', 'options', (store) => store.execute('take', 1, null as never)],
    ['fetch', 'options.veiw', (store) => store.fetch('k', { veiw: 'main' } as never)],
    ['fetch', 'options', (store) => store.fetch('k', null as never)],
    ['getResolved', 'options.dept', (store) => store.getResolved('k', { dept: 1 } as never)],
    ['getResolved', 'options', (store) => store.getResolved('k', null as never)],
    ['rebuildPState', 'options.veiw', (store) => store.rebuildPState({ veiw: 'main' } as never)],
    ['rebuildPState', 'options', (store) => store.rebuildPState(null as never)],
    ['rebuildPState', 'signal', (store) => store.rebuildPState({ signal: 'x' } as never)],
    ['rebuildPState', 'onProgress', (store) => store.rebuildPState({ onProgress: 5 } as never)],
    ['migrateAll', 'options.veiw', (store) => store.migrateAll({ veiw: 'main' } as never)],
    ['migrateAll', 'options', (store) => store.migrateAll(5 as never)],
    ['migrateAll', 'signal', (store) => store.migrateAll({ signal: {} } as never)],
    ['migrateAll', 'onProgress', (store) => store.migrateAll({ onProgress: null } as never)],
    ['skipEvent', 'event', (store) => store.skipEvent(null as never)],
    ['skipEvent', 'event.veiw', (store) => store.skipEvent({ veiw: 'main', spaceSequence: 1 } as never)],
    ['skipEvent', 'spaceSequence', (store) => store.skipEvent({ spaceSequence: 'x' as never })],
    ['skipEvent', 'spaceSequence', (store) => store.skipEvent({} as never)],
  ];

  it.each(misspelt)('refuses of %s what it does not take: %s', async (_what, field, call) => {
    const { bed, store } = await open();
    const error = await rejectionOf(call(store));
    expect([error.code, error.details['field']]).toEqual(['invalid_input', field]);
    expect(await bed.events()).toEqual([]);
  });

  it('names the nearest command and shows what a command threw', async () => {
    const { store } = await open();
    const unknown = await rejectionOf(store.execute('tke' as 'take', 1));
    expect(unknown.details['nearest']).toBe('take');
    const failed = await rejectionOf(store.execute('throws', undefined));
    expect(failed.message).toBe("the command 'throws' threw: no good");
  });

  it('takes no parameters and gives no result for undefined', async () => {
    const { store } = await open();
    expect(await store.query('answers', 'nothing')).toBeUndefined();
    expect(await store.execute('take', undefined)).toEqual({ eventIds: [], spaceSequence: 0 });
  });
});

describe('what a command knows', () => {
  it('is the time, fresh ids, the space and the options of its call', async () => {
    const bed = await MemoryBed.make();
    const seen: unknown[] = [];
    const app = defineApp({
      name: 'curious',
      commands: {
        look: (_pstate, _params: undefined, context) => {
          seen.push({ ...context, newId: [context.newId(), context.newId()] });
          return [{ entityId: 'e', type: 'looked', payload: { at: context.now } }];
        },
      },
      projections: {},
    });
    const store = await bed.open(app);
    const options = { commandId: 'c1', causationId: 'cause', correlationId: 'story' };
    await store.execute('look', undefined, options);
    const [known] = seen as [{ now: number; newId: [string, string] }];
    expect(known).toMatchObject({ now: bed.clock.now(), spaceName: 'acme', ...options });
    expect(known.newId[0]).not.toBe(known.newId[1]);
    const [event] = await bed.events();
    expect(event).toMatchObject({ timestamp: known.now, causationId: 'cause', correlationId: 'story' });
  });
});

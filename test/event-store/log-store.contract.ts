/** What every log adapter must do: the port's invariants as tests. Each adapter's test file hands in its factory. */

import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { eventsOfPage } from '../../src/codec/event-page.js';
import { reactionCommandId } from '../../src/core/reaction-id.js';
import type { Value } from '../../src/core/values.js';
import type { LogReader, LogStore, LogWrite, SealedEvent, StoredEvent } from '../../src/event-store/port.js';
import { genesisHash } from '../../src/event-store/seal.js';
import type { SettingsChange } from '../../src/event-store/space-settings.js';
import {
  append,
  chainedAfter,
  codeOf,
  commandNamed,
  createSpace,
  fullEvent,
  hashOf,
  invocation,
  type LogFixture,
  type LogFixtureFactory,
  plainEvent,
  platformAt,
  rejectionCode,
  wide,
} from './log-fixture.js';

const start = 1_750_000_000_000;

const anyText = fc
  .string({ unit: 'binary', minLength: 1, maxLength: 12 })
  .filter((text) => !text.includes('\0'));
const maybe = (text: fc.Arbitrary<string>): fc.Arbitrary<string | null> => fc.option(text, { nil: null });

/** An event whose every part is as odd as the port lets it be. */
const anyEvent: fc.Arbitrary<SealedEvent> = fc.record({
  entityId: anyText,
  type: anyText,
  version: fc.integer({ min: 1, max: 2 ** 31 }),
  payload: fc.uint8Array({ maxLength: 40 }).map((bytes) => new Uint8Array(bytes)),
  timestamp: fc.integer({ min: 0, max: 8_640_000_000_000_000 }),
  causationId: maybe(anyText),
  correlationId: maybe(anyText),
  tags: maybe(fc.array(anyText).map((tags) => JSON.stringify(tags))),
  metadata: maybe(fc.dictionary(anyText, anyText).map((metadata) => JSON.stringify(metadata))),
  hash: fc.constant(genesisHash),
});

/** Bounds that let all payloads pass, some of them, or one at a time. */
const bytesMaxes = fc.constantFrom(0, 60, 8 * 20, 8 * 40);

/** All events after a sequence, read by read. */
async function readOut(
  read: (after: number) => Promise<readonly StoredEvent[]>,
  from: number,
): Promise<readonly StoredEvent[]> {
  const events: StoredEvent[] = [];
  for (;;) {
    const page = await read(from + events.length);
    if (page.length === 0) return events;
    events.push(...page);
  }
}

/** Runs the contract suite on one adapter. */
export function describeLogStore(name: string, createFixture: LogFixtureFactory): void {
  describe(`${name} keeps the contract of the log`, () => {
    let fixture: LogFixture;
    let platform: ReturnType<typeof platformAt>;
    let log: LogStore;

    beforeEach(async () => {
      platform = platformAt(start);
      fixture = await createFixture(platform);
      log = await fixture.open();
    });

    afterEach(async () => {
      await log.close();
      await fixture.dispose();
    });

    async function reopen(): Promise<void> {
      await log.close();
      log = await fixture.open();
    }

    async function purge(spaceId: number, rowsMax: number): Promise<number> {
      for (let chunks = 1; ; chunks++) if ((await log.purgeSpace(spaceId, rowsMax)).done) return chunks;
    }

    async function labelsOf(spaceId: number): Promise<readonly string[]> {
      return (await log.readSpace(spaceId, 0, wide)).map((event) => event.type.slice('type.'.length));
    }

    describe('appends', () => {
      it('gives back every fact of an event as it was sealed, with its places in the log', async () => {
        const { spaceId } = await createSpace(log, 'a');
        const events = [fullEvent('first'), plainEvent('second', 'e2')];
        const [outcome] = await log.commit([append(spaceId, 0, events)]);
        expect(outcome).toEqual({ kind: 'appended', firstEventId: 1, spaceSequence: 2 });
        expect(await log.readSpace(spaceId, 0, wide)).toStrictEqual(
          events.map((event, index) => ({
            ...event,
            eventId: index + 1,
            spaceId,
            spaceSequence: index + 1,
            invocationId: invocation,
          })),
        );
      });

      it('numbers events over all spaces in the order of their commits, and densely in each space', async () => {
        const a = await createSpace(log, 'a');
        const b = await createSpace(log, 'b');
        await log.commit([
          append(a.spaceId, 0, [plainEvent('a1'), plainEvent('a2')]),
          append(b.spaceId, 0, [plainEvent('b1')]),
          append(a.spaceId, 2, [plainEvent('a3')]),
        ]);
        await log.commit([append(b.spaceId, 1, [plainEvent('b2')])]);
        const all = await log.readAll(0, wide);
        expect(all.map((event) => [event.eventId, event.spaceId, event.spaceSequence])).toEqual([
          [1, a.spaceId, 1],
          [2, a.spaceId, 2],
          [3, b.spaceId, 1],
          [4, a.spaceId, 3],
          [5, b.spaceId, 2],
        ]);
      });

      it('lets a request see the ones before it in its batch', async () => {
        const [created, appended] = await log.commit([
          { kind: 'createSpace', spaceName: 'a', metadata: {} },
          append(1, 0, [plainEvent('a1')]),
        ]);
        expect(created).toMatchObject({ kind: 'space', space: { spaceId: 1 } });
        expect(appended).toEqual({ kind: 'appended', firstEventId: 1, spaceSequence: 1 });
      });

      it('refuses an append that does not follow the head, and says where the space is', async () => {
        const { spaceId } = await createSpace(log, 'a');
        await log.commit([append(spaceId, 0, [plainEvent('a1'), plainEvent('a2')])]);
        const outcomes = await log.commit([
          append(spaceId, 1, [plainEvent('behind')]),
          append(spaceId, 3, [plainEvent('ahead')]),
        ]);
        expect(outcomes.map(codeOf)).toEqual(['conflict', 'conflict']);
        expect(outcomes[0]).toMatchObject({ error: { details: { expectedSequence: 1, actualSequence: 2 } } });
        expect(await labelsOf(spaceId)).toEqual(['a1', 'a2']);
      });

      it('refuses an append that is chained to another event than the last one', async () => {
        const { spaceId } = await createSpace(log, 'a');
        const chained = (previousSequence: number, previous: Uint8Array, label: string): LogWrite => ({
          ...append(spaceId, previousSequence, [plainEvent(label)]),
          previousHash: previous,
        });
        const outcomes = await log.commit([
          chained(0, hashOf('other'), 'wrong'),
          chained(0, genesisHash, 'a1'),
          chained(1, hashOf('wrong'), 'wrong'),
          chained(1, hashOf('a1'), 'a2'),
        ]);
        expect(outcomes.map(codeOf)).toEqual(['conflict', 'appended', 'conflict', 'appended']);
        await reopen();
        const later = await log.commit([chained(2, hashOf('a1'), 'wrong'), chained(2, hashOf('a2'), 'a3')]);
        expect(later.map(codeOf)).toEqual(['conflict', 'appended']);
        expect(await labelsOf(spaceId)).toEqual(['a1', 'a2', 'a3']);
      });

      it('refuses an append to a space that is not there', async () => {
        expect((await log.commit([append(77, 0, [plainEvent('x')])])).map(codeOf)).toEqual(['not_found']);
        expect(await log.readAll(0, wide)).toEqual([]);
      });

      it('writes nothing of a refused request and all of its neighbours', async () => {
        const { spaceId } = await createSpace(log, 'a');
        const outcomes = await log.commit([
          append(spaceId, 0, [plainEvent('a1')]),
          append(spaceId, 7, [plainEvent('refused'), plainEvent('refused')], commandNamed('refused')),
          append(99, 0, [plainEvent('nowhere')], commandNamed('nowhere')),
          append(spaceId, 1, [plainEvent('a2')]),
        ]);
        expect(outcomes.map(codeOf)).toEqual(['appended', 'conflict', 'not_found', 'appended']);
        expect(await labelsOf(spaceId)).toEqual(['a1', 'a2']);
        expect((await log.readAll(0, wide)).map((event) => event.eventId)).toEqual([1, 2]);
        expect(await log.findCommands(spaceId, ['refused', 'nowhere'])).toEqual([]);
        expect(await log.latestEventId()).toBe(2);
      });

      it('keeps batches apart that are committed without waiting for each other', async () => {
        const { spaceId } = await createSpace(log, 'a');
        const outcomes = await Promise.all(
          [0, 1, 2].map((sequence) => log.commit([append(spaceId, sequence, [plainEvent(`a${sequence}`)])])),
        );
        expect(outcomes.flat().map(codeOf)).toEqual(['appended', 'appended', 'appended']);
        expect(await labelsOf(spaceId)).toEqual(['a0', 'a1', 'a2']);
      });

      it('takes an empty batch', async () => {
        expect(await log.commit([])).toEqual([]);
      });

      it('does not let an append without events and without a command pass as one', async () => {
        await expect(log.commit([append(1, 0, [])])).rejects.toThrow('an append has events or a command');
      });

      it('keeps large payloads and empty ones', async () => {
        const { spaceId } = await createSpace(log, 'a');
        const large = plainEvent('large', 'e1', 300_000);
        await log.commit([append(spaceId, 0, [large, plainEvent('empty', 'e1', 0)])]);
        const [first, second] = await log.readSpace(spaceId, 0, wide);
        expect(Buffer.compare(first?.payload ?? new Uint8Array(), large.payload)).toBe(0);
        expect(second?.payload).toEqual(new Uint8Array(0));
      });
    });

    describe('command records', () => {
      it('are stored with the events and found again by id, many at once', async () => {
        const { spaceId } = await createSpace(log, 'a');
        await log.commit([
          append(spaceId, 0, [plainEvent('a1'), plainEvent('a2')], commandNamed('one')),
          append(spaceId, 2, [], commandNamed('without events')),
        ]);
        const found = await log.findCommands(spaceId, ['without events', 'unknown', 'one', 'one']);
        const facts = { commandName: 'do', paramsHash: 'f'.repeat(32), invocationId: invocation };
        expect([...found].sort((x, y) => x.commandId.localeCompare(y.commandId))).toEqual([
          { ...facts, commandId: 'one', firstEventId: 1, eventCount: 2, spaceSequence: 2 },
          { ...facts, commandId: 'without events', firstEventId: 0, eventCount: 0, spaceSequence: 2 },
        ]);
      });

      it('make a second command of the same id in the same space a conflict that writes nothing', async () => {
        const a = await createSpace(log, 'a');
        const b = await createSpace(log, 'b');
        const command = commandNamed('same');
        const outcomes = await log.commit([
          append(a.spaceId, 0, [plainEvent('a1')], command),
          append(a.spaceId, 1, [plainEvent('again')], command),
          append(b.spaceId, 0, [plainEvent('b1')], command),
        ]);
        expect(outcomes.map(codeOf)).toEqual(['appended', 'conflict', 'appended']);
        expect((await log.commit([append(a.spaceId, 1, [], command)])).map(codeOf)).toEqual(['conflict']);
        expect(await labelsOf(a.spaceId)).toEqual(['a1']);
        expect(await log.findCommands(b.spaceId, ['same'])).toMatchObject([{ firstEventId: 2 }]);
      });

      it('are read all at once where they are few, of a living space alone', async () => {
        const [a, b] = [await createSpace(log, 'a'), await createSpace(log, 'b')];
        for (const id of ['one', 'two', 'three'])
          await log.commit([append(a.spaceId, 0, [], commandNamed(id))]);
        const ids = (await log.allCommands(a.spaceId, 3))?.map(({ commandId }) => commandId);
        expect(ids?.sort()).toEqual(['one', 'three', 'two']);
        expect(await log.allCommands(a.spaceId, 3)).toEqual(
          expect.arrayContaining([...(await log.findCommands(a.spaceId, ['one', 'two', 'three']))]),
        );
        expect(await log.allCommands(a.spaceId, 2)).toBeUndefined();
        expect([await log.allCommands(b.spaceId, 1), await log.allCommands(9, 1)]).toEqual([[], []]);
        await log.commit([{ kind: 'markSpaceDeleted', spaceId: a.spaceId }]);
        expect(await log.allCommands(a.spaceId, 3)).toEqual([]);
      });

      it('take ids with quotes, and ids that differ only in case, as they are', async () => {
        const { spaceId } = await createSpace(log, 'a');
        const ids = ['"quoted"', "o'clock", 'Ä\\', 'ä\\', '__proto__'];
        for (const id of ids) await log.commit([append(spaceId, 0, [], commandNamed(id))]);
        const found = await log.findCommands(spaceId, ids);
        expect(found.map((record) => record.commandId).sort()).toEqual([...ids].sort());
      });

      it('are forgotten oldest first, in chunks, and only when they are old enough', async () => {
        const { spaceId } = await createSpace(log, 'a');
        for (let n = 0; n < 5; n++) {
          platform.setNow(start + n);
          await log.commit([append(spaceId, 0, [], commandNamed(`c${n}`))]);
        }
        const left = async () =>
          (await log.findCommands(spaceId, ['c0', 'c1', 'c2', 'c3', 'c4'])).map((record) => record.commandId);
        expect(await log.pruneCommands(start + 3, 2)).toEqual({ done: false });
        expect(await left()).toEqual(['c2', 'c3', 'c4']);
        expect(await log.pruneCommands(start + 3, 2)).toEqual({ done: true });
        expect(await left()).toEqual(['c3', 'c4']);
        expect(await log.pruneCommands(start + 3, 2)).toEqual({ done: true });
        expect(await left()).toEqual(['c3', 'c4']);
        await log.commit([append(spaceId, 0, [], commandNamed('c0'))]);
        expect(await left()).toContain('c0');
      });
    });

    describe('reads', () => {
      let a: number;
      let b: number;

      beforeEach(async () => {
        a = (await createSpace(log, 'a')).spaceId;
        b = (await createSpace(log, 'b')).spaceId;
        await log.commit([
          append(a, 0, [plainEvent('a1', 'e1'), plainEvent('a2', 'e2')]),
          append(b, 0, [plainEvent('b1', 'e1')]),
          append(a, 2, [plainEvent('a3', 'e1'), plainEvent('a4', 'e1')]),
          append(b, 1, [plainEvent('b2', 'e1'), plainEvent('b3', 'E1')]),
        ]);
      });

      const types = (events: readonly { readonly type: string }[]) => events.map((event) => event.type);

      it('of a space give its own events after a sequence', async () => {
        expect(types(await log.readSpace(a, 0, wide))).toEqual(['type.a1', 'type.a2', 'type.a3', 'type.a4']);
        expect(types(await log.readSpace(a, 3, wide))).toEqual(['type.a4']);
        expect(await log.readSpace(a, 4, wide)).toEqual([]);
        expect(await log.readSpace(99, 0, wide)).toEqual([]);
      });

      it('of an entity are scoped to the space and follow a sequence of the space', async () => {
        expect(types(await log.readEntity(a, 'e1', 0, wide))).toEqual(['type.a1', 'type.a3', 'type.a4']);
        expect(types(await log.readEntity(a, 'e1', 1, wide))).toEqual(['type.a3', 'type.a4']);
        expect(types(await log.readEntity(a, 'e1', 2, wide))).toEqual(['type.a3', 'type.a4']);
        expect(types(await log.readEntity(a, 'e1', 3, wide))).toEqual(['type.a4']);
        expect(types(await log.readEntity(b, 'e1', 0, wide))).toEqual(['type.b1', 'type.b2']);
        expect(await log.readEntity(a, 'e1', 4, wide)).toEqual([]);
        expect(await log.readEntity(a, 'E1', 0, wide)).toEqual([]);
      });

      it('of one event find it only in its own space', async () => {
        expect((await log.readEvent(a, 2))?.type).toBe('type.a2');
        expect(await log.readEvent(b, 2)).toBeUndefined();
        expect(await log.readEvent(a, 3)).toBeUndefined();
        expect(await log.readEvent(a, 99)).toBeUndefined();
      });

      it('of all spaces go in the order of event ids', async () => {
        const all = await log.readAll(1, wide);
        expect(types(all)).toEqual(['type.a2', 'type.b1', 'type.a3', 'type.a4', 'type.b2', 'type.b3']);
        expect(await log.readAll(7, wide)).toEqual([]);
      });

      it('stop at the limit', async () => {
        const two = { ...wide, limit: 2 };
        expect(types(await log.readSpace(a, 0, two))).toEqual(['type.a1', 'type.a2']);
        expect(types(await log.readEntity(a, 'e1', 0, two))).toEqual(['type.a1', 'type.a3']);
        expect(types(await log.readAll(0, two))).toEqual(['type.a1', 'type.a2']);
      });

      it('stop before the bytes are exceeded, but always give one event', async () => {
        expect(types(await log.readSpace(a, 0, { ...wide, bytesMax: 8 }))).toEqual(['type.a1', 'type.a2']);
        expect(types(await log.readSpace(a, 0, { ...wide, bytesMax: 11 }))).toEqual(['type.a1', 'type.a2']);
        expect(types(await log.readEntity(a, 'e1', 0, { ...wide, bytesMax: 1 }))).toEqual(['type.a1']);
        expect(types(await log.readAll(0, { ...wide, bytesMax: 0 }))).toEqual(['type.a1']);
      });

      it('give back every text and every byte as it was sealed, whatever the bounds', async () => {
        let sequence = 0;
        let hash = genesisHash;
        const { spaceId } = await createSpace(log, 'c');
        await fc.assert(
          fc.asyncProperty(
            fc.array(anyEvent, { minLength: 1, maxLength: 8 }),
            bytesMaxes,
            async (unchained, bytesMax) => {
              const events = chainedAfter({ spaceSequence: sequence, hash }, unchained);
              const [outcome] = await log.commit([append(spaceId, sequence, events)]);
              const firstEventId = outcome?.kind === 'appended' ? outcome.firstEventId : 0;
              const places = events.map((event, index) => ({
                ...event,
                invocationId: invocation,
                spaceId,
                eventId: firstEventId + index,
                spaceSequence: sequence + 1 + index,
              }));
              const bounds = { limit: 8, bytesMax };
              expect(await readOut((after) => log.readSpace(spaceId, after, bounds), sequence)).toEqual(
                places,
              );
              const all = async (after: number) => log.readAll(firstEventId - 1 + after - sequence, bounds);
              expect(await readOut(all, sequence)).toEqual(places);
              const page = await log.pages?.readAll(firstEventId - 1, bounds);
              if (page !== undefined) expect(eventsOfPage(page)).toEqual(places);
              sequence += events.length;
              hash = events.at(-1)?.hash ?? hash;
            },
          ),
          { numRuns: 40 },
        );
      });

      it('beside the writer see what is committed', async () => {
        const reader = await fixture.openReader();
        try {
          expect(types(await reader.readSpace(a, 3, wide))).toEqual(['type.a4']);
          await log.commit([append(a, 4, [plainEvent('a5')], commandNamed('c5'))]);
          expect(types(await reader.readSpace(a, 4, wide))).toEqual(['type.a5']);
          expect(await reader.latestEventId()).toBe(8);
          expect(await reader.spaceHead(a)).toEqual(await log.spaceHead(a));
          expect(await reader.findCommands(a, ['c5'])).toHaveLength(1);
          expect(await reader.findSpaceByName('b')).toEqual(await log.findSpaceByName('b'));
        } finally {
          await reader.close();
        }
        expect(await rejectionCode(reader.readAll(0, wide))).toBe('closed');
      });
    });

    describe('heads', () => {
      it('follow the last committed event of a space', async () => {
        const { spaceId } = await createSpace(log, 'a');
        const empty = { lastSpaceSequence: 0, lastEventId: 0, lastHash: genesisHash };
        expect(await log.spaceHead(spaceId)).toEqual(empty);
        await log.commit([append(spaceId, 0, [], commandNamed('no events'))]);
        expect(await log.spaceHead(spaceId)).toEqual(empty);
        await log.commit([append(spaceId, 0, [plainEvent('a1'), plainEvent('a2')])]);
        const head = { lastSpaceSequence: 2, lastEventId: 2, lastHash: hashOf('a2') };
        expect(await log.spaceHead(spaceId)).toEqual(head);
        await reopen();
        expect(await log.spaceHead(spaceId)).toEqual(head);
      });

      it('are undefined where there is no live space', async () => {
        const { spaceId } = await createSpace(log, 'a');
        await log.commit([append(spaceId, 0, [plainEvent('a1')])]);
        await log.commit([{ kind: 'markSpaceDeleted', spaceId }]);
        expect(await log.spaceHead(spaceId)).toBeUndefined();
        expect(await log.spaceHead(99)).toBeUndefined();
      });
    });

    describe('the registry', () => {
      it('creates a space once and then finds it, with the metadata of the first time', async () => {
        const request = (plan: string): LogWrite => ({
          kind: 'createSpace',
          spaceName: 'crm_acme',
          metadata: { plan, nested: { list: [1, null, 'é'] } },
        });
        const [first, second] = await log.commit([request('pro'), request('free')]);
        const space = {
          spaceId: 1,
          spaceName: 'crm_acme',
          metadata: { plan: 'pro', nested: { list: [1, null, 'é'] } },
          settings: {},
          createdAt: start,
        };
        expect(first).toEqual({ kind: 'space', space, created: true });
        expect(second).toEqual({ kind: 'space', space, created: false });
        expect(await log.findSpaceByName('crm_acme')).toEqual(space);
        expect(await log.findSpaceById(1)).toEqual(space);
        expect(await log.findSpaceByName('CRM_ACME')).toBeUndefined();
        expect(await log.findSpaceById(2)).toBeUndefined();
      });

      it('lists live spaces in pages in the order of their ids', async () => {
        for (const name of ['c', 'a', 'b', 'd']) await createSpace(log, name);
        await log.commit([{ kind: 'markSpaceDeleted', spaceId: 2 }]);
        const names = async (after: number, limit: number) =>
          (await log.listSpaces(after, limit)).map((space) => space.spaceName);
        expect(await names(0, 2)).toEqual(['c', 'b']);
        expect(await names(3, 2)).toEqual(['d']);
        expect(await names(4, 2)).toEqual([]);
      });

      it('replaces the metadata of a live space and of no other', async () => {
        const { spaceId } = await createSpace(log, 'a');
        const [updated, missing] = await log.commit([
          { kind: 'updateSpace', spaceId, metadata: { plan: 'pro' } },
          { kind: 'updateSpace', spaceId: 99, metadata: { plan: 'pro' } },
        ]);
        expect(updated).toMatchObject({
          kind: 'space',
          space: { metadata: { plan: 'pro' } },
          created: false,
        });
        expect(codeOf(missing)).toBe('not_found');
        await reopen();
        expect((await log.findSpaceById(spaceId))?.metadata).toEqual({ plan: 'pro' });
      });

      it('changes the settings that a change names, leaves the others, and keeps them for the next opening', async () => {
        const { spaceId } = await createSpace(log, 'a');
        const settingsOf = async () => (await log.findSpaceById(spaceId))?.settings;
        const change = async (settings: SettingsChange, metadata?: Readonly<Record<string, Value>>) => {
          const request = { kind: 'updateSpace', spaceId, settings } as const;
          const [outcome] = await log.commit([metadata === undefined ? request : { ...request, metadata }]);
          expect(outcome).toMatchObject({ kind: 'space', created: false });
          expect(outcome).toMatchObject({ space: { settings: await settingsOf() } });
          return settingsOf();
        };
        expect(await settingsOf()).toEqual({});
        const suspended = { at: 7, reason: 'has not paid' };
        expect(await change({ suspended })).toEqual({ suspended });
        expect(await change({ limits: { inFlightMax: 2 } }, { plan: 'pro' })).toEqual({
          suspended,
          limits: { inFlightMax: 2 },
        });
        await log.commit([{ kind: 'updateSpace', spaceId, metadata: { plan: 'free' } }]);
        await reopen();
        expect(await log.findSpaceByName('a')).toMatchObject({
          metadata: { plan: 'free' },
          settings: { suspended, limits: { inFlightMax: 2 } },
        });
        expect((await log.listSpaces(0, 10)).map(({ settings }) => settings)).toEqual([await settingsOf()]);
        expect(await change({ suspended: null })).toEqual({ limits: { inFlightMax: 2 } });
        expect(await change({ limits: null })).toEqual({});
        expect(Object.isFrozen(await settingsOf())).toBe(true);
      });

      it('takes the changes of one batch one after the other', async () => {
        const { spaceId } = await createSpace(log, 'a');
        await log.commit([
          { kind: 'updateSpace', spaceId, settings: { suspended: { at: 1 } } },
          { kind: 'updateSpace', spaceId, settings: { limits: { commandsPerSecondMax: 5 } } },
        ]);
        expect((await log.findSpaceById(spaceId))?.settings).toEqual({
          suspended: { at: 1 },
          limits: { commandsPerSecondMax: 5 },
        });
      });

      it('gives a new space the settings that it is created with, and an existing one not', async () => {
        const settings = { limits: { inFlightMax: 3 } };
        const create = { kind: 'createSpace', spaceName: 'a', metadata: {}, settings } as const;
        const outcomes = await log.commit([create, { ...create, settings: { limits: { inFlightMax: 4 } } }]);
        for (const outcome of outcomes) expect(outcome).toMatchObject({ space: { settings } });
      });
    });

    describe('deletion of a space', () => {
      let doomed: number;
      let other: number;

      beforeEach(async () => {
        other = (await createSpace(log, 'other')).spaceId;
        doomed = (await createSpace(log, 'doomed')).spaceId;
        await log.commit([
          append(other, 0, [plainEvent('o1')], commandNamed('other')),
          append(doomed, 0, [plainEvent('d1'), plainEvent('d2'), plainEvent('d3')], commandNamed('doomed')),
        ]);
      });

      const mark = (spaceId: number): LogWrite => ({ kind: 'markSpaceDeleted', spaceId });

      it('hides everything of it from every read with the commit of the mark', async () => {
        const reader = await fixture.openReader();
        expect((await log.commit([mark(doomed)])).map(codeOf)).toEqual(['marked']);
        for (const end of [log, reader]) {
          expect(await end.readSpace(doomed, 0, wide)).toEqual([]);
          expect(await end.readEntity(doomed, 'e1', 0, wide)).toEqual([]);
          expect(await end.readEvent(doomed, 2)).toBeUndefined();
          expect(await end.findCommands(doomed, ['doomed'])).toEqual([]);
          expect((await end.readAll(0, wide)).map((event) => event.spaceId)).toEqual([other]);
          expect(await end.spaceHead(doomed)).toBeUndefined();
          expect(await end.findSpaceByName('doomed')).toBeUndefined();
          expect(await end.findSpaceById(doomed)).toBeUndefined();
          expect(await end.latestEventId()).toBe(4);
        }
        await reader.close();
        expect(await log.deletedSpaces()).toEqual([doomed]);
      });

      it('refuses every request to it, also in the batch of the mark', async () => {
        const outcomes = await log.commit([
          mark(doomed),
          append(doomed, 3, [plainEvent('late')]),
          { kind: 'updateSpace', spaceId: doomed, metadata: {} },
          mark(doomed),
          mark(99),
        ]);
        expect(outcomes.map(codeOf)).toEqual(['marked', 'not_found', 'not_found', 'not_found', 'not_found']);
      });

      it('frees its name at once, for a space with a new id and an empty log', async () => {
        const [, created] = await log.commit([
          mark(doomed),
          { kind: 'createSpace', spaceName: 'doomed', metadata: {} },
        ]);
        expect(created).toMatchObject({ created: true, space: { spaceId: doomed + 1 } });
        expect(await log.readSpace(doomed + 1, 0, wide)).toEqual([]);
        expect(codeOf((await log.commit([append(doomed + 1, 0, [plainEvent('new')])]))[0])).toBe('appended');
        await purge(doomed, 100);
        expect(await labelsOf(doomed + 1)).toEqual(['new']);
      });

      it('takes its rows away in chunks and is done with the last of them', async () => {
        await log.commit([mark(doomed)]);
        expect(await log.purgeSpace(doomed, 2)).toEqual({ done: false });
        expect(await log.deletedSpaces()).toEqual([doomed]);
        expect(await log.readAll(0, wide)).toHaveLength(1);
        expect(await purge(doomed, 1)).toBeGreaterThan(1);
        expect(await log.deletedSpaces()).toEqual([]);
        expect(await log.purgeSpace(doomed, 10)).toEqual({ done: true });
        expect(await labelsOf(other)).toEqual(['o1']);
        expect(await log.findCommands(other, ['other'])).toHaveLength(1);
      });

      it('can be finished after the log was opened again', async () => {
        await log.commit([mark(doomed)]);
        await log.purgeSpace(doomed, 2);
        await reopen();
        expect(await log.deletedSpaces()).toEqual([doomed]);
        expect(await log.readAll(0, wide)).toHaveLength(1);
        await purge(doomed, 100);
        await reopen();
        expect(await log.deletedSpaces()).toEqual([]);
      });

      it('reuses neither its id nor the ids of its events, also after the log was opened again', async () => {
        await log.commit([mark(doomed)]);
        await purge(doomed, 100);
        await reopen();
        expect(await log.latestEventId()).toBe(4);
        const reader = await fixture.openReader();
        expect(await reader.latestEventId()).toBe(4);
        await reader.close();
        const next = await createSpace(log, 'next');
        expect(next.spaceId).toBe(doomed + 1);
        const [appended] = await log.commit([append(next.spaceId, 0, [plainEvent('n1')])]);
        expect(appended).toMatchObject({ firstEventId: 5 });
      });

      it('is refused as a defect for a space that lives', async () => {
        await expect(log.purgeSpace(other, 10)).rejects.toThrow('marked as deleted');
      });
    });

    describe('parked events', () => {
      const parkedAt = (spaceId: number, spaceSequence: number, reactor = 'fulfil') => ({
        spaceId,
        reactor,
        spaceSequence,
        part: 0,
        attempts: 3,
        error: { code: 'timeout' as const, message: 'too long' },
      });

      it('are there with the cursor that passes over them, and are listed in pages', async () => {
        const { spaceId } = await createSpace(log, 'acme');
        const { spaceId: other } = await createSpace(log, 'other');
        const outcomes = await log.commit([
          { kind: 'parkEvent', event: parkedAt(other, 1), position: 1 },
          { kind: 'parkEvent', event: parkedAt(spaceId, 2), position: 2 },
          { kind: 'parkEvent', event: parkedAt(spaceId, 1) },
          { kind: 'parkEvent', event: { ...parkedAt(spaceId, 1), attempts: 4 } },
          { kind: 'parkEvent', event: parkedAt(1_000, 1), position: 1 },
        ]);
        expect(outcomes.map(({ kind }) => kind)).toEqual(['parked', 'parked', 'parked', 'parked', 'refused']);
        expect(await log.cursor('reactor', 'fulfil', spaceId)).toMatchObject({ position: 2 });
        const first = await log.parkedEvents({ limit: 2 });
        expect(first).toMatchObject([{ ...parkedAt(spaceId, 1), attempts: 4 }, parkedAt(spaceId, 2)]);
        expect(await log.parkedEvents({ limit: 2, after: first[1] })).toMatchObject([parkedAt(other, 1)]);
        expect(await log.parkedEvents({ limit: 9, spaceId: other })).toHaveLength(1);
        expect(await log.parkedCounts()).toEqual([{ reactor: 'fulfil', parked: 3 }]);
        const place = { spaceId, reactor: 'fulfil', spaceSequence: 1, part: 0 };
        const unpark = { kind: 'unparkEvent', place } as const;
        expect(await log.commit([unpark, unpark])).toEqual([
          { kind: 'unparked', existed: true },
          { kind: 'unparked', existed: false },
        ]);
        await log.commit([{ kind: 'markSpaceDeleted', spaceId }]);
        expect(await log.parkedCounts()).toEqual([{ reactor: 'fulfil', parked: 1 }]);
      });

      it('leave cursors of reactors where they are when somebody would move them back', async () => {
        const { spaceId } = await createSpace(log, 'acme');
        const move = (position: number) =>
          ({ kind: 'moveCursor', cursor: { kind: 'reactor', name: 'fulfil', spaceId, position } }) as const;
        await log.commit([move(5), move(3)]);
        expect(await log.cursor('reactor', 'fulfil', spaceId)).toMatchObject({ position: 5 });
      });

      it('and events that their reactor has not passed keep the records of its commands beyond their retention', async () => {
        const { spaceId } = await createSpace(log, 'acme');
        const idAt = (sequence: number) =>
          reactionCommandId({ spaceId, reactor: 'fulfil', spaceSequence: sequence, part: 0 }, 'x', 0);
        const ids = [idAt(1), 'ordinary', idAt(2), idAt(3), 'ordinary too'];
        let sequence = 0;
        for (const id of ids) {
          await log.commit([append(spaceId, sequence, [plainEvent(`${sequence}`)], commandNamed(id))]);
          sequence++;
        }
        const left = async (): Promise<readonly string[]> =>
          (await log.readCommands(spaceId, '', 100)).map(({ commandId }) => commandId);
        const prune = async (): Promise<void> => {
          while (!(await log.pruneCommands(start + 1_000_000, 2)).done);
        };
        await prune();
        expect(await left()).toEqual([idAt(1), idAt(2), idAt(3)]);
        const cursor = { kind: 'reactor', name: 'fulfil', spaceId, position: 2 } as const;
        await log.commit([
          { kind: 'moveCursor', cursor },
          { kind: 'parkEvent', event: parkedAt(spaceId, 1) },
        ]);
        await prune();
        expect(await left()).toEqual([idAt(1), idAt(3)]);
        const place = { spaceId, reactor: 'fulfil', spaceSequence: 1, part: 0 };
        await log.commit([{ kind: 'unparkEvent', place }]);
        await prune();
        expect(await left()).toEqual([idAt(3)]);
      });
    });

    describe('cursors', () => {
      const cursorAt = (name: string, spaceId: number, position: number) =>
        ({ kind: 'subscription', name, spaceId, position }) as const;
      const move = (name: string, spaceId: number, position: number): LogWrite => ({
        kind: 'moveCursor',
        cursor: cursorAt(name, spaceId, position),
      });
      const placesOf = async (reader: LogReader, after?: { name: string; spaceId: number }, limit = 10) =>
        (await reader.cursors('subscription', { after, limit })).map(({ name, spaceId, position }) => [
          name,
          spaceId,
          position,
        ]);

      it('stand where they were moved last, forwards and backwards, and say when', async () => {
        const { spaceId } = await createSpace(log, 'a');
        expect(await log.cursor('subscription', 'mail', spaceId)).toBeUndefined();
        expect((await log.commit([move('mail', spaceId, 5), move('mail', 0, 9)])).map(codeOf)).toEqual([
          'moved',
          'moved',
        ]);
        platform.setNow(start + 7);
        await log.commit([move('mail', spaceId, 2)]);
        await reopen();
        const reader = await fixture.openReader();
        for (const end of [log, reader]) {
          expect(await end.cursor('subscription', 'mail', spaceId)).toEqual({
            ...cursorAt('mail', spaceId, 2),
            updatedAt: start + 7,
          });
          expect(await end.cursor('subscription', 'mail', 0)).toEqual({
            ...cursorAt('mail', 0, 9),
            updatedAt: start,
          });
          expect(await end.cursor('reactor', 'mail', 0)).toBeUndefined();
        }
        await reader.close();
      });

      it('are listed by kind, in pages, in the order of the code points of their names and of spaces', async () => {
        const { spaceId } = await createSpace(log, 'a');
        const names = ['b', '\u{1f600}', 'a', '\uff5e'];
        await log.commit([
          ...names.flatMap((name) => [move(name, spaceId, 1), move(name, 0, 2)]),
          { kind: 'moveCursor', cursor: { kind: 'reactor', name: 'r', spaceId: 0, position: 3 } },
        ]);
        const inOrder = ['a', 'b', '\uff5e', '\u{1f600}'].flatMap((name) => [
          [name, 0, 2],
          [name, spaceId, 1],
        ]);
        const reader = await fixture.openReader();
        for (const end of [log, reader]) {
          expect(await placesOf(end)).toEqual(inOrder);
          expect(await placesOf(end, undefined, 3)).toEqual(inOrder.slice(0, 3));
          expect(await placesOf(end, { name: 'b', spaceId: 0 }, 3)).toEqual(inOrder.slice(3, 6));
          expect(await placesOf(end, { name: '\u{1f600}', spaceId }, 3)).toEqual([]);
          expect((await end.cursors('reactor', { limit: 5 })).map(({ name }) => name)).toEqual(['r']);
        }
        await reader.close();
      });

      it('are gone when they are dropped, and dropping one that is not there is no error', async () => {
        const { spaceId } = await createSpace(log, 'a');
        await log.commit([move('mail', spaceId, 5), move('mail', 0, 9)]);
        const drop: LogWrite = {
          kind: 'dropCursor',
          cursor: { kind: 'subscription', name: 'mail', spaceId },
        };
        expect(await log.commit([drop, drop])).toEqual([
          { kind: 'dropped', existed: true },
          { kind: 'dropped', existed: false },
        ]);
        expect(await placesOf(log)).toEqual([['mail', 0, 9]]);
      });

      it('go with their space, and cannot be moved where there is none', async () => {
        const doomed = (await createSpace(log, 'doomed')).spaceId;
        const other = (await createSpace(log, 'other')).spaceId;
        const [draft] = await log.commit([
          { kind: 'createDraft', spaceName: 'draft', metadata: {}, settings: {} },
        ]);
        const draftId = draft?.kind === 'space' ? draft.space.spaceId : 0;
        await log.commit([move('mail', doomed, 1), move('mail', other, 2), move('mail', 0, 3)]);
        const outcomes = await log.commit([
          { kind: 'markSpaceDeleted', spaceId: doomed },
          move('mail', doomed, 4),
          { kind: 'dropCursor', cursor: { kind: 'subscription', name: 'mail', spaceId: doomed } },
          move('mail', 99, 1),
          move('mail', draftId, 1),
        ]);
        expect(outcomes.map(codeOf)).toEqual(['marked', 'not_found', 'dropped', 'not_found', 'not_found']);
        expect(await placesOf(log)).toEqual([
          ['mail', 0, 3],
          ['mail', other, 2],
        ]);
      });

      it('do not come along to the space that takes the place of theirs', async () => {
        const { spaceId } = await createSpace(log, 'a');
        await log.commit([move('mail', spaceId, 1)]);
        const [draft] = await log.commit([
          { kind: 'createDraft', spaceName: 'a', metadata: {}, settings: {} },
        ]);
        const draftId = draft?.kind === 'space' ? draft.space.spaceId : 0;
        await log.commit([{ kind: 'publishDraft', spaceId: draftId, spaceName: 'a', replaces: spaceId }]);
        expect(await placesOf(log)).toEqual([]);
      });
    });

    describe('opening', () => {
      it('keeps everything that was committed', async () => {
        const { spaceId } = await createSpace(log, 'a');
        await log.commit([append(spaceId, 0, [fullEvent('a1')], commandNamed('one'))]);
        const before = [
          await log.readAll(0, wide),
          await log.findCommands(spaceId, ['one']),
          await log.listSpaces(0, 9),
        ];
        await reopen();
        const after = [
          await log.readAll(0, wide),
          await log.findCommands(spaceId, ['one']),
          await log.listSpaces(0, 9),
        ];
        expect(after).toStrictEqual(before);
        const [next] = await log.commit([append(spaceId, 1, [plainEvent('a2')])]);
        expect(next).toEqual({ kind: 'appended', firstEventId: 2, spaceSequence: 2 });
      });

      it('keeps the log id and raises the owner generation by one', async () => {
        const { logId, ownerGeneration } = log;
        expect(logId).toMatch(/^[0-9a-f-]{36}$/);
        await reopen();
        expect(log.logId).toBe(logId);
        expect(log.ownerGeneration).toBe(ownerGeneration + 1);
      });

      it('fences off a writer that was opened before', async () => {
        const old = log;
        const { spaceId } = await createSpace(old, 'a');
        log = await fixture.open();
        expect(await rejectionCode(old.commit([append(spaceId, 0, [plainEvent('old')])]))).toBe('fenced');
        expect((await log.commit([append(spaceId, 0, [plainEvent('new')])])).map(codeOf)).toEqual([
          'appended',
        ]);
        expect(await labelsOf(spaceId)).toEqual(['new']);
        await old.close();
      });

      it('is needed again after close', async () => {
        await log.close();
        expect(await rejectionCode(log.commit([]))).toBe('closed');
        expect(await rejectionCode(log.readAll(0, wide))).toBe('closed');
        expect(await rejectionCode(log.latestEventId())).toBe('closed');
      });
    });
  });
}

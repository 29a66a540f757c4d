/** What every log adapter must do with drafts: `src/event-store/draft.ts` as tests. Each adapter's test file hands in its factory. */

import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type {
  DraftCommand,
  DraftEvent,
  DraftWrite,
  LogStore,
  LogWriteOutcome,
  SpaceRow,
} from '../../src/event-store/port.js';
import {
  append,
  codeOf,
  commandNamed,
  createSpace,
  fullEvent,
  type LogFixture,
  type LogFixtureFactory,
  plainEvent,
  platformAt,
  wide,
} from './log-fixture.js';

const start = 1_750_000_000_000;

function uuid(n: number): string {
  return `00000000-0000-4000-8000-${String(n).padStart(12, '0')}`;
}

function draftEvent(label: string, invocation = 1): DraftEvent {
  return { ...fullEvent(label), invocationId: uuid(invocation) };
}

export function describeDrafts(name: string, createFixture: LogFixtureFactory): void {
  describe(`${name} keeps the contract of drafts`, () => {
    const platform = platformAt(start);
    let fixture: LogFixture;
    let log: LogStore;

    beforeEach(async () => {
      fixture = await createFixture(platform);
      log = await fixture.open();
    });

    afterEach(async () => {
      await log.close();
      await fixture.dispose();
    });

    const ask = async (request: DraftWrite): Promise<LogWriteOutcome | undefined> =>
      (await log.commit([request]))[0];
    async function createDraft(spaceName: string): Promise<SpaceRow> {
      const settings = { suspended: { at: 7 } };
      const outcome = await ask({ kind: 'createDraft', spaceName, metadata: { from: 'draft' }, settings });
      if (outcome?.kind !== 'space') throw new Error(`no draft: ${JSON.stringify(outcome)}`);
      return outcome.space;
    }
    const extend = (
      spaceId: number,
      previousSequence: number,
      events: readonly DraftEvent[],
      commands: readonly DraftCommand[] = [],
    ) => ask({ kind: 'extendDraft', spaceId, previousSequence, events, commands });
    const publish = (spaceId: number, spaceName: string, replaces?: number) =>
      ask({ kind: 'publishDraft', spaceId, spaceName, replaces });
    const command = (commandId: string, more: Partial<DraftCommand> = {}): DraftCommand => ({
      ...commandNamed(commandId),
      invocationId: uuid(1),
      eventCount: 1,
      spaceSequence: 1,
      acceptedAt: 42,
      ...more,
    });
    async function purge(spaceId: number): Promise<void> {
      while (!(await log.purgeSpace(spaceId, 2)).done);
    }

    it('shows nothing of a draft to anybody, and takes no name', async () => {
      const { spaceId } = await createDraft('a');
      await extend(
        spaceId,
        0,
        [draftEvent('1'), draftEvent('2')],
        [command('c', { eventCount: 2, spaceSequence: 2 })],
      );
      expect(await log.readSpace(spaceId, 0, wide)).toEqual([]);
      expect(await log.readEntity(spaceId, 'e1', 0, wide)).toEqual([]);
      expect(await log.readAll(0, wide)).toEqual([]);
      expect(await log.readEvent(spaceId, 1)).toBeUndefined();
      expect(await log.findCommands(spaceId, ['c'])).toEqual([]);
      expect(await log.readCommands(spaceId, '', 10)).toEqual([]);
      expect(await log.spaceHead(spaceId)).toBeUndefined();
      expect(await log.findSpaceById(spaceId)).toBeUndefined();
      expect(await log.findSpaceByName('a')).toBeUndefined();
      expect(await log.listSpaces(0, 10)).toEqual([]);
      expect(codeOf((await log.commit([append(spaceId, 2, [plainEvent('3')])]))[0])).toBe('not_found');
      expect((await createSpace(log, 'a')).spaceId).toBe(spaceId + 1);
    });

    it('shows all of it once it is published: what was given, in its order, with what belongs to it', async () => {
      const { spaceId } = await createDraft('a');
      const events = [draftEvent('1'), draftEvent('2', 2), draftEvent('3', 2)];
      await extend(spaceId, 0, events.slice(0, 1));
      await extend(spaceId, 1, events.slice(1));
      const two = command('b', { eventCount: 2, spaceSequence: 3, invocationId: uuid(2) });
      const none = command('c', { eventCount: 0, spaceSequence: 3, invocationId: uuid(3) });
      expect(codeOf(await extend(spaceId, 3, [], [command('a'), two, none]))).toBe('extended');
      expect(await publish(spaceId, 'a')).toMatchObject({
        kind: 'space',
        created: true,
        space: { spaceId, spaceName: 'a', metadata: { from: 'draft' }, settings: { suspended: { at: 7 } } },
      });
      const read = await log.readSpace(spaceId, 0, wide);
      expect(read).toEqual(
        events.map((event, index) => ({ ...event, spaceId, eventId: index + 1, spaceSequence: index + 1 })),
      );
      expect(await log.readAll(0, wide)).toEqual(read);
      expect(await log.readEntity(spaceId, 'e1', 0, wide)).toEqual(read);
      expect(await log.spaceHead(spaceId)).toEqual({
        lastSpaceSequence: 3,
        lastEventId: 3,
        lastHash: events[2]?.hash,
      });
      const records = await log.readCommands(spaceId, '', 10);
      expect(records.map(({ commandId, firstEventId }) => [commandId, firstEventId])).toEqual([
        ['a', 1],
        ['b', 2],
        ['c', 0],
      ]);
      expect(records[1]).toEqual({ ...two, firstEventId: 2 });
      expect(await log.readCommands(spaceId, 'a', 1)).toEqual([{ ...two, firstEventId: 2 }]);
      // It goes on like any other space.
      expect((await log.commit([append(spaceId, 3, [plainEvent('4')])]))[0]).toMatchObject({
        firstEventId: 4,
        spaceSequence: 4,
      });
    });

    it('lets a reader of all spaces stop before a draft, so that it misses nothing, and go on afterwards', async () => {
      const { spaceId: other } = await createSpace(log, 'other');
      await log.commit([append(other, 0, [plainEvent('1')])]);
      const { spaceId } = await createDraft('a');
      await log.commit([append(other, 1, [plainEvent('2')])]);
      await extend(spaceId, 0, [draftEvent('3')]);
      await log.commit([append(other, 2, [plainEvent('4')])]);
      const reader = await fixture.openReader();
      const ids = async (after: number) => (await reader.readAll(after, wide)).map(({ eventId }) => eventId);
      expect(await ids(0)).toEqual([1, 2]);
      expect(await ids(2)).toEqual([]);
      expect((await reader.readSpace(other, 0, wide)).length).toBe(3);
      await publish(spaceId, 'a');
      expect(await ids(2)).toEqual([3, 4]);
      await reader.close();
    });

    it('lets readers of all spaces go on as soon as a draft is abandoned', async () => {
      const { spaceId: other } = await createSpace(log, 'other');
      const { spaceId } = await createDraft('a');
      await extend(spaceId, 0, [draftEvent('1'), draftEvent('2'), draftEvent('3')]);
      await log.commit([append(other, 0, [plainEvent('4')])]);
      expect((await log.purgeSpace(spaceId, 1)).done).toBe(false);
      expect((await log.readAll(0, wide)).map(({ eventId }) => eventId)).toEqual([4]);
      expect(codeOf(await publish(spaceId, 'a'))).toBe('not_found');
      await purge(spaceId);
      expect(await log.deletedSpaces()).toEqual([]);
      expect((await log.commit([append(other, 1, [plainEvent('5')])]))[0]).toMatchObject({ firstEventId: 5 });
    });

    it('makes deleted spaces of the drafts of a writer that is gone', async () => {
      const { spaceId } = await createDraft('a');
      await extend(spaceId, 0, [draftEvent('1')]);
      await log.close();
      log = await fixture.open();
      expect(await log.deletedSpaces()).toEqual([spaceId]);
      expect(codeOf(await extend(spaceId, 1, [draftEvent('2')]))).toBe('not_found');
      expect(codeOf(await publish(spaceId, 'a'))).toBe('not_found');
      const { spaceId: other } = await createSpace(log, 'other');
      await log.commit([append(other, 0, [plainEvent('3')])]);
      expect((await log.readAll(0, wide)).map(({ eventId }) => eventId)).toEqual([2]);
      await purge(spaceId);
      expect((await createDraft('a')).spaceId).toBe(other + 1);
    });

    it('leaves a log that opens again, whatever was written last', async () => {
      const { spaceId } = await createDraft('a');
      await extend(spaceId, 0, [draftEvent('1'), draftEvent('2', 2)]);
      await publish(spaceId, 'a');
      await log.close();
      log = await fixture.open();
      const { spaceId: copy } = await createDraft('b');
      await ask({ kind: 'copyEvents', spaceId: copy, fromSpaceId: spaceId, upTo: 2, bounds: wide });
      await publish(copy, 'b');
      await log.close();
      log = await fixture.open();
      expect((await log.readAll(0, wide)).map(({ eventId }) => eventId)).toEqual([1, 2, 3, 4]);
      const { spaceId: cut } = await createDraft('c');
      await ask({ kind: 'copyEvents', spaceId: cut, fromSpaceId: spaceId, upTo: 1, bounds: wide });
      await log.close();
      log = await fixture.open();
      expect(await log.latestEventId()).toBe(5);
    });

    it('refuses to publish under a name that is taken, and says yes again to what is published', async () => {
      const taken = await createSpace(log, 'a');
      const { spaceId } = await createDraft('a');
      expect(codeOf(await publish(spaceId, 'a'))).toBe('conflict');
      await log.commit([{ kind: 'markSpaceDeleted', spaceId: taken.spaceId }]);
      expect(await publish(spaceId, 'a')).toMatchObject({ kind: 'space', created: true });
      expect(await publish(spaceId, 'a')).toMatchObject({ kind: 'space', created: false });
    });

    it('refuses a gap, a record of a command that the events do not have, and a second one of its id', async () => {
      const { spaceId } = await createDraft('a');
      expect(codeOf(await extend(spaceId, 1, [draftEvent('1')]))).toBe('conflict');
      await extend(spaceId, 0, [draftEvent('1'), draftEvent('2', 2)]);
      const wrong: readonly Partial<DraftCommand>[] = [
        { spaceSequence: 3 },
        { invocationId: uuid(2) },
        { eventCount: 2, spaceSequence: 2 },
        { eventCount: 2 },
      ];
      for (const more of wrong)
        expect(codeOf(await extend(spaceId, 2, [], [command('c', more)]))).toBe('invalid_input');
      expect(codeOf(await extend(spaceId, 2, [], [command('c')]))).toBe('extended');
      expect(codeOf(await extend(spaceId, 2, [], [command('c')]))).toBe('invalid_input');
    });

    describe('copies a space', () => {
      let from: SpaceRow;

      /** Six commands of one to three events, between those of another space; every other one with an id. */
      beforeEach(async () => {
        from = await createSpace(log, 'from');
        const other = await createSpace(log, 'other');
        let sequence = 0;
        for (let n = 1; n <= 6; n++) {
          const events = Array.from({ length: (n % 3) + 1 }, (_, index) => fullEvent(`${n}.${index}`));
          const request = append(from.spaceId, sequence, events, n % 2 === 0 ? commandNamed(`c${n}`) : null);
          await log.commit([
            { ...request, invocationId: uuid(n) },
            append(other.spaceId, n - 1, [plainEvent(`o${n}`)]),
          ]);
          sequence += events.length;
        }
        await log.commit([
          { ...append(from.spaceId, sequence, [], commandNamed('none')), invocationId: uuid(7) },
        ]);
      });

      async function copy(
        upTo: number,
        rowsMax: number,
        bytesMax = 1_000,
      ): Promise<{ spaceId: number; chunks: number[] }> {
        const { spaceId } = await createDraft('to');
        const chunks: number[] = [];
        for (let last = -1; last < upTo; ) {
          const outcome = await ask({
            kind: 'copyEvents',
            spaceId,
            fromSpaceId: from.spaceId,
            upTo,
            bounds: { limit: rowsMax, bytesMax },
          });
          if (outcome?.kind !== 'copiedEvents') throw new Error(JSON.stringify(outcome));
          last = outcome.spaceSequence;
          chunks.push(last);
        }
        for (let after: string | undefined = ''; after !== undefined; ) {
          const outcome = await ask({
            kind: 'copyCommands',
            spaceId,
            fromSpaceId: from.spaceId,
            upTo,
            after,
            rowsMax,
          });
          if (outcome?.kind !== 'copiedCommands') throw new Error(JSON.stringify(outcome));
          after = outcome.last;
        }
        return { spaceId, chunks };
      }

      it.each([1, 2, 3, 5, 100])('in chunks of %d rows, each command in one', async (rowsMax) => {
        const original = await log.readSpace(from.spaceId, 0, wide);
        const upTo = original.length;
        const { spaceId, chunks } = await copy(upTo, rowsMax);
        // 2, 3, 1, 2, 3 and 1 events.
        const ends = [2, 5, 6, 8, 11, 12];
        for (const chunk of chunks) expect(ends).toContain(chunk);
        await publish(spaceId, 'to');
        const copied = await log.readSpace(spaceId, 0, wide);
        const facts = (events: typeof copied) =>
          events.map((event) => ({ ...event, eventId: 0, spaceId: 0 }));
        expect(facts(copied)).toEqual(facts(original));
        expect(copied.map(({ eventId }) => eventId)).toEqual(original.map((_, index) => 19 + index));
        const records = await log.readCommands(spaceId, '', 10);
        const originals = await log.readCommands(from.spaceId, '', 10);
        expect(records.map((record) => ({ ...record, firstEventId: 0 }))).toEqual(
          originals.map((record) => ({ ...record, firstEventId: 0 })),
        );
        for (const { firstEventId, eventCount, spaceSequence } of records) {
          const first = eventCount === 0 ? 0 : copied[spaceSequence - eventCount]?.eventId;
          expect(firstEventId).toBe(first);
        }
      });

      it('within a bound of bytes, and at least a command', async () => {
        // Four bytes for each event.
        expect((await copy(12, 100, 1)).chunks).toEqual([2, 5, 6, 8, 11, 12]);
        expect((await copy(12, 100, 13)).chunks).toEqual([5, 8, 11, 12]);
        expect((await copy(12, 100, 24)).chunks).toEqual([6, 12]);
      });

      it('up to a sequence, without the records of commands that go beyond', async () => {
        const { spaceId } = await copy(7, 2);
        await publish(spaceId, 'to');
        expect((await log.readSpace(spaceId, 0, wide)).length).toBe(7);
        expect((await log.readCommands(spaceId, '', 10)).map(({ commandId }) => commandId)).toEqual(['c2']);
        // c4 has its events in 7 and 8.
        expect((await log.commit([append(spaceId, 7, [plainEvent('x')])]))[0]).toMatchObject({
          spaceSequence: 8,
        });
      });

      it('of which nothing is there: an empty one', async () => {
        const { spaceId } = await copy(0, 2);
        await publish(spaceId, 'to');
        expect(await log.spaceHead(spaceId)).toMatchObject({ lastSpaceSequence: 0, lastEventId: 0 });
      });

      it('and puts it in its place: one is there before, the other after, with the metadata of the first', async () => {
        const metadata = { plan: 'pro' };
        await log.commit([{ kind: 'updateSpace', spaceId: from.spaceId, metadata }]);
        const { spaceId } = await copy(5, 100);
        expect(codeOf(await publish(spaceId, 'from'))).toBe('conflict');
        expect(await publish(spaceId, 'from', from.spaceId)).toMatchObject({
          space: { metadata, settings: {} },
        });
        expect((await log.findSpaceByName('from'))?.spaceId).toBe(spaceId);
        expect(await log.findSpaceById(from.spaceId)).toBeUndefined();
        expect(await log.spaceHead(from.spaceId)).toBeUndefined();
        expect(await log.deletedSpaces()).toEqual([from.spaceId]);
        expect(await publish(spaceId, 'from', from.spaceId)).toMatchObject({ kind: 'space', created: false });
        await purge(from.spaceId);
        expect((await log.readSpace(spaceId, 0, wide)).length).toBe(5);
      });

      it('not when it is deleted meanwhile, and does not replace what is gone or another one', async () => {
        const { spaceId } = await createDraft('from');
        const copyNext = {
          kind: 'copyEvents',
          spaceId,
          fromSpaceId: from.spaceId,
          upTo: 12,
          bounds: { ...wide, limit: 3 },
        } as const;
        expect(codeOf(await ask(copyNext))).toBe('copiedEvents');
        await log.commit([{ kind: 'markSpaceDeleted', spaceId: from.spaceId }]);
        expect(codeOf(await ask(copyNext))).toBe('not_found');
        expect(codeOf(await publish(spaceId, 'from', from.spaceId))).toBe('not_found');
        await createSpace(log, 'from');
        expect(codeOf(await publish(spaceId, 'from', from.spaceId))).toBe('conflict');
      });
    });
  });
}

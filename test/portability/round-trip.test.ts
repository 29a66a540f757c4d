/** Random histories, there and back: the file of what was imported is the file, and a file that was touched is refused. */

import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { beforeEach, describe, expect, it } from 'vitest';
import { isRamaxError } from '../../src/core/errors.js';
import type { EventSpec } from '../../src/core/event.js';
import { defaultLimits } from '../../src/core/limits.js';
import type { Value } from '../../src/core/values.js';
import type { LogStore, SpaceRow } from '../../src/event-store/port.js';
import { sealEvents } from '../../src/event-store/seal.js';
import { nodePlatform } from '../../src/platform/node-platform.js';
import { wide } from '../event-store/log-fixture.js';
import { draftLogOf, fileOf, importInto, memoryLog, pieces } from './draft-log.js';

const anyId = fc
  .string({ unit: 'binary', minLength: 1, maxLength: 10 })
  .filter((text) => !text.includes('\0') && text.isWellFormed());
const anyPayload = fc.jsonValue({ maxDepth: 3 }).map((value) => JSON.parse(JSON.stringify(value)) as Value);

const anySpec: fc.Arbitrary<EventSpec> = fc.record(
  {
    entityId: anyId,
    type: anyId,
    payload: anyPayload,
    version: fc.integer({ min: 1, max: 9 }),
    causationId: anyId,
    correlationId: anyId,
    tags: fc.array(anyId, { maxLength: 3 }),
    metadata: fc.dictionary(anyId, fc.oneof(fc.integer(), anyId), { maxKeys: 3 }),
  },
  { requiredKeys: ['entityId', 'type'] },
) as fc.Arbitrary<EventSpec>;

interface Command {
  readonly specs: readonly EventSpec[];
  readonly commandId: string | undefined;
}

const anyHistory: fc.Arbitrary<readonly Command[]> = fc
  .array(
    fc.record({
      specs: fc.array(anySpec, { maxLength: 4 }),
      commandId: fc.option(anyId, { nil: undefined }),
    }),
    { maxLength: 8 },
  )
  .map((commands) => {
    const ids = new Set<string | undefined>();
    return commands.filter(({ specs, commandId }) => {
      const isNew = commandId === undefined ? specs.length > 0 : !ids.has(commandId);
      ids.add(commandId);
      return isNew;
    });
  });

async function written(log: LogStore, spaceName: string, history: readonly Command[]): Promise<SpaceRow> {
  const metadata = { plan: 'prö', '10': 1, nested: { a: [null, true] } };
  const settings = { suspended: { at: 1, reason: 'x' } };
  const [created] = await log.commit([{ kind: 'createSpace', spaceName, metadata, settings }]);
  if (created?.kind !== 'space') throw new Error('no space');
  const { space } = created;
  for (const { specs, commandId } of history) {
    const head = await log.spaceHead(space.spaceId);
    if (head === undefined) throw new Error('no head');
    const invocationId = nodePlatform.ids.newId();
    const drafts = sealEvents(
      specs,
      { sequence: head.lastSpaceSequence, hash: head.lastHash },
      {
        invocationId,
        timestamp: 1_750_000_000_000 + head.lastSpaceSequence,
        causationId: undefined,
        correlationId: undefined,
        digest: nodePlatform.chainDigest,
        limits: defaultLimits,
      },
    );
    const command =
      commandId === undefined ? null : { commandId, commandName: 'do', paramsHash: 'f'.repeat(32) };
    const [outcome] = await log.commit([
      {
        kind: 'append',
        spaceId: space.spaceId,
        previousSequence: head.lastSpaceSequence,
        invocationId,
        events: drafts.map(({ sealed }) => sealed),
        command,
      },
    ]);
    if (outcome?.kind !== 'appended') throw new Error(JSON.stringify(outcome));
  }
  return space;
}

describe('a space that goes into a file and comes back', () => {
  it('is the same: its file, its events, the records of its commands', async () => {
    await fc.assert(
      fc.asyncProperty(anyHistory, fc.integer({ min: 1, max: 300 }), async (history, pieceBytes) => {
        const [here, there] = [memoryLog(), memoryLog()];
        await written(there, 'other', history.slice(0, 2));
        const space = await written(here, 'ünï', history);
        const file = await fileOf(here, space);
        const back = await importInto(there, pieces(file, pieceBytes));
        expect(await fileOf(there, back)).toEqual(file);
        expect([back.metadata, back.settings]).toEqual([space.metadata, space.settings]);
        const facts = async (log: LogStore, { spaceId }: SpaceRow) =>
          (await log.readSpace(spaceId, 0, wide)).map((event) => ({
            ...event,
            header: '',
            eventId: 0,
            spaceId: 0,
          }));
        expect(await facts(there, back)).toEqual(await facts(here, space));
        const records = await there.readCommands(back.spaceId, '', 1_000);
        for (const [index, record] of (await here.readCommands(space.spaceId, '', 1_000)).entries()) {
          const { firstEventId: _, ...same } = record;
          expect(records[index]).toMatchObject(same);
          const ids = (await there.readSpace(back.spaceId, 0, wide))
            .filter(({ invocationId }) => invocationId === record.invocationId)
            .map(({ eventId }) => eventId);
          expect(records[index]?.firstEventId).toBe(ids[0] ?? 0);
          expect(ids.length).toBe(record.eventCount);
        }
      }),
      { numRuns: 60 },
    );
  });

  describe('is refused', () => {
    let log: LogStore;
    let file: string;

    beforeEach(async () => {
      log = memoryLog();
      const history = Array.from({ length: 5 }, (_, n) => ({
        specs: Array.from({ length: (n % 2) + 1 }, (__, m) => ({
          entityId: `e${m}`,
          type: 't',
          payload: { n, m },
        })),
        commandId: `c${n}`,
      }));
      file = (await fileOf(log, await written(log, 'a', history))).toString();
    });

    /** The code, and the line that it names; nothing may remain. */
    async function refusal(text: string | Uint8Array, limits = {}): Promise<[code: string, line: unknown]> {
      const bytes = typeof text === 'string' ? Buffer.from(text) : text;
      const found = await importInto(log, pieces(bytes), { spaceName: 'b', limits }).then(
        () => ['imported', 0] as [string, unknown],
        (error: unknown) =>
          (isRamaxError(error) ? [error.code, error.details['line']] : [String(error), 0]) as [
            string,
            unknown,
          ],
      );
      expect(await log.deletedSpaces()).toEqual([]);
      if (found[0] !== 'imported') expect((await log.listSpaces(0, 10)).length).toBe(1);
      return found;
    }

    /** With a digest at the end that fits what came before it. */
    function resealed(lines: readonly string[]): string {
      const body = lines.slice(0, -1).map((line) => `${line}\n`);
      const sha256 = createHash('sha256').update(body.join('')).digest('hex');
      return `${body.join('')}${(lines.at(-1) ?? '').replace(/"sha256":"\w+"/, `"sha256":"${sha256}"`)}\n`;
    }

    const lines = (): string[] => file.trimEnd().split('\n');

    it('never as it was written', async () => {
      expect((await refusal(resealed(lines())))[0]).toBe('imported');
    });

    it('cut off after any byte', async () => {
      const bytes = Buffer.from(file);
      for (let end = 0; end < bytes.length; end += 7) {
        expect((await refusal(bytes.subarray(0, end)))[0], `${end}`).toMatch(/corrupt|invalid_input/);
      }
      expect((await refusal(bytes.subarray(0, bytes.length - 1)))[0]).toBe('corrupt');
    });

    it('with any bit changed', async () => {
      const bytes = Buffer.from(file);
      for (let at = 0; at < bytes.length; at += 3) {
        const changed = Buffer.from(bytes);
        changed[at] = (changed[at] ?? 0) ^ (1 << (at % 7));
        expect((await refusal(changed))[0], `${at}`).toMatch(/corrupt|invalid_input|format_newer/);
      }
    });

    it('with a line taken out, put twice, or out of its order, naming the line', async () => {
      const all = lines();
      for (let index = 1; index < all.length - 1; index++) {
        const without = all.filter((_, at) => at !== index);
        expect((await refusal(resealed(without)))[0]).toBe('corrupt');
        const twice = [...all.slice(0, index + 1), ...all.slice(index)];
        expect(await refusal(resealed(twice))).toEqual(['corrupt', index + 2]);
      }
      for (let index = 1; index < all.length - 2; index++) {
        const swapped = [...all];
        [swapped[index], swapped[index + 1]] = [all[index + 1] ?? '', all[index] ?? ''];
        const [code, line] = await refusal(resealed(swapped));
        expect([code, line]).toEqual(['corrupt', index + (index < 7 ? 1 : 2)]);
      }
      expect(await refusal(`${file}more\n`)).toEqual(['corrupt', all.length + 1]);
      expect((await refusal(`\ufeff${file}`))[0]).toBe('invalid_input');
    });

    it('with an event that the door would refuse, although every checksum was made to fit', async () => {
      const forged = (change: (line: Record<string, unknown>) => void, index: number): string => {
        const all = lines();
        const line = JSON.parse(all[index] ?? '') as Record<string, unknown>;
        change(line);
        all[index] = JSON.stringify(line);
        return resealed(all);
      };
      const event = (change: Record<string, unknown>) => forged((line) => Object.assign(line, change), 1);
      expect(await refusal(event({ entityId: '' }))).toEqual(['invalid_input', 2]);
      expect(await refusal(event({ entityId: 'a\0b' }))).toEqual(['invalid_input', 2]);
      expect(await refusal(event({ invocationId: 'no uuid' }))).toEqual(['invalid_input', 2]);
      expect(await refusal(event({ version: 0 }))).toEqual(['invalid_input', 2]);
      // Written in another way than an export does, or with more than this version reads.
      expect(await refusal(event({ extra: 1 }))).toEqual(['corrupt', 2]);
      const spaced = lines().map((line, index) => (index === 1 ? line.replace(',', ', ') : line));
      expect(await refusal(resealed(spaced))).toEqual(['corrupt', 2]);
      expect(await refusal(event({ payload: 'xwEA' }))).toEqual(['corrupt', 2]);
      expect(await refusal(event({ version: 2 }))).toEqual(['corrupt', 2]);
      const record = (change: Record<string, unknown>) => forged((line) => Object.assign(line, change), 8);
      expect(await refusal(record({ eventCount: 2 }))).toEqual(['invalid_input', 9]);
      expect(await refusal(record({ spaceSequence: 2 }))).toEqual(['corrupt', 9]);
      expect(await refusal(record({ spaceSequence: 99 }))).toEqual(['corrupt', 9]);
      expect(await refusal(forged((line) => Object.assign(line, { lastSpaceSequence: 6 }), 0))).toEqual([
        'corrupt',
        14,
      ]);
      expect(await refusal(forged((line) => Object.assign(line, { spaceName: '../x' }), 0))).toEqual([
        'invalid_input',
        1,
      ]);
    });

    it('with settings that mean nothing', async () => {
      const wrong = [
        { suspended: true },
        { suspended: { at: '1' } },
        { suspended: { at: 1, reads: 'maybe' } },
        { limits: [] },
        { limits: { commandsPerSecondMax: 'many' } },
      ];
      for (const settings of wrong) {
        const [header = '', ...rest] = lines();
        const changed = JSON.stringify({ ...(JSON.parse(header) as object), settings });
        expect(await refusal(resealed([changed, ...rest])), changed).toEqual(['invalid_input', 1]);
      }
    });

    it('over the bounds of this runtime', async () => {
      expect(await refusal(file, { idBytesMax: 1 })).toEqual(['invalid_input', 2]);
      expect(await refusal(file, { eventsPerCommandMax: 1 })).toEqual(['invalid_input', 4]);
      expect((await refusal(file, { metadataBytesMax: 10 }))[0]).toBe('invalid_input');
    });

    it('when a line has no end within its bound, or the source gives no bytes', async () => {
      const endless = `{"format":"ramax-space${'x'.repeat(3_000_000)}`;
      expect(await refusal(endless, { commandBytesMax: 1_000 })).toEqual(['corrupt', 1]);
      async function* texts() {
        yield file as never;
      }
      await expect(importInto(log, texts())).rejects.toMatchObject({ code: 'invalid_input' });
    });

    it('when the source gives nothing for too long, and tells it', async () => {
      let isTold = false;
      const stuck: AsyncIterable<Uint8Array> = {
        [Symbol.asyncIterator]: () => ({
          next: () => new Promise(() => {}),
          return: async () => {
            isTold = true;
            return { done: true, value: undefined };
          },
        }),
      };
      const keepAlive = setInterval(() => {}, 1_000);
      await expect(importInto(log, stuck, { limits: { callTimeoutMs: 5 } })).rejects.toMatchObject({
        code: 'timeout',
      });
      clearInterval(keepAlive);
      expect(isTold).toBe(true);
    });
  });

  it('is not exported when its log is damaged', async () => {
    const log = memoryLog();
    const space = await written(log, 'a', [{ specs: [{ entityId: 'e', type: 't' }], commandId: undefined }]);
    const event = (await log.readSpace(space.spaceId, 0, wide))[0];
    if (event === undefined) throw new Error('no event');
    Object.assign(event, { type: 'forged' });
    await expect(fileOf(log, space)).rejects.toMatchObject({
      code: 'corrupt',
      details: { spaceSequence: 1 },
    });
  });

  it('is written in batches, each command in one, whatever the size of the space', async () => {
    const [here, there] = [memoryLog(), memoryLog()];
    const specs = Array.from({ length: 700 }, (_, n) => ({ entityId: 'e', type: 't', payload: n }));
    const history = Array.from({ length: 4 }, (_, n) => ({ specs, commandId: `c${n}` }));
    const file = await fileOf(here, await written(here, 'a', history));
    const batches: number[] = [];
    const log = draftLogOf(there);
    const { importSpace } = await import('../../src/portability/import-space.js');
    await importSpace({
      source: pieces(file, 10_000),
      log: {
        ...log,
        change(request) {
          if (request.kind === 'extendDraft' && request.events.length > 0)
            batches.push(request.events.length);
          return log.change(request);
        },
      },
      platform: nodePlatform,
      limits: defaultLimits,
      report: () => {},
      beforeWriting: async () => {},
      publishing: () => {},
      signal: new AbortController().signal,
    });
    expect(batches).toEqual([1_400, 1_400]);
  });
});

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { RamaxError } from '../../src/core/errors.js';
import type { EventSpec } from '../../src/core/event.js';
import { defaultLimits, type Limits } from '../../src/core/limits.js';
import type { StoredEvent } from '../../src/event-store/port.js';
import {
  checkMetadata,
  genesisHash,
  headerOf,
  openForProjection,
  openForReader,
  sealEvents,
} from '../../src/event-store/seal.js';
import { nodePlatform } from '../../src/platform/node-platform.js';
import { jsonValue, text } from '../core/arbitraries.js';
import { errorOf } from '../core/error-of.js';

const invocationId = '01234567-89ab-4def-8123-456789abcdef';
const id = text.filter((written) => written !== '' && !written.includes('\u0000'));

/** Any event that a command may return. */
const spec: fc.Arbitrary<EventSpec> = fc.record(
  {
    entityId: id,
    type: id,
    payload: jsonValue,
    version: fc.integer({ min: 1, max: 9 }),
    tags: fc.array(id, { maxLength: 3 }),
    metadata: fc.dictionary(fc.constantFrom('by', 'from'), jsonValue, { maxKeys: 2 }),
    causationId: id,
    correlationId: id,
  },
  { requiredKeys: ['entityId', 'type'] },
);

function seal(
  specs: readonly EventSpec[],
  from: { sequence?: number; limits?: Partial<Limits>; causationId?: string } = {},
) {
  const { sequence = 0, limits = {}, causationId } = from;
  return sealEvents(
    specs,
    { sequence, hash: genesisHash },
    {
      invocationId,
      timestamp: 1_700_000_000_123,
      causationId,
      correlationId: 'story',
      digest: nodePlatform.chainDigest,
      limits: { ...defaultLimits, ...limits },
    },
  );
}

/** The events of a command as they lie in the log. */
function stored(specs: readonly EventSpec[]): StoredEvent[] {
  return seal(specs).map(({ event, sealed }, index) => ({
    ...sealed,
    eventId: 100 + index,
    spaceId: 7,
    spaceSequence: event.spaceSequence,
    invocationId,
  }));
}

/** The chain over stored events, as anybody can compute it. */
function chain(events: readonly StoredEvent[]): string[] {
  let hash = genesisHash;
  return events.map((event) => {
    hash = nodePlatform.chainDigest(hash, headerOf(event), event.payload);
    return Buffer.from(hash).toString('hex');
  });
}

/** Every fact of a stored event that the chain covers, with another value in its place. */
const changes: Readonly<Record<string, (event: StoredEvent) => Partial<StoredEvent>>> = {
  spaceSequence: (event) => ({ spaceSequence: event.spaceSequence + 1 }),
  entityId: (event) => ({ entityId: `${event.entityId}x` }),
  type: (event) => ({ type: `${event.type}x` }),
  version: (event) => ({ version: event.version + 1 }),
  timestamp: (event) => ({ timestamp: event.timestamp + 1 }),
  invocationId: () => ({ invocationId: '11111111-89ab-4def-8123-456789abcdef' }),
  causationId: (event) => ({ causationId: event.causationId === null ? 'x' : null }),
  correlationId: (event) => ({ correlationId: `${event.correlationId}x` }),
  tags: (event) => ({ tags: event.tags === null ? '["x"]' : null }),
  metadata: (event) => ({ metadata: event.metadata === null ? '{"x":1}' : null }),
  'a bit of the payload': ({ payload }) => ({
    payload: payload.map((byte, at) => (at === 0 ? byte ^ 1 : byte)),
  }),
  'the length of the payload': ({ payload }) => ({ payload: new Uint8Array([...payload, 0]) }),
};

describe('the chain of hashes', () => {
  it.each(Object.keys(changes))('changes from there on when %s of an event changes', (fact) => {
    fc.assert(
      fc.property(fc.array(spec, { minLength: 1, maxLength: 5 }), fc.nat(), (specs, place) => {
        const events = stored(specs);
        const at = place % events.length;
        const changed = events.map((event, index) =>
          index === at ? { ...event, ...changes[fact]!(event) } : event,
        );
        const [before, after] = [chain(events), chain(changed)];
        expect(after.slice(0, at)).toEqual(before.slice(0, at));
        for (let index = at; index < events.length; index++) expect(after[index]).not.toBe(before[index]);
      }),
      { numRuns: 20 },
    );
  });

  it('does not cover eventId and spaceId, so that a copy of a space keeps it', () => {
    const events = stored([{ entityId: 'e', type: 't' }]);
    const copy = events.map((event) => ({ ...event, eventId: event.eventId + 5, spaceId: 99 }));
    expect(chain(copy)).toEqual(chain(events));
  });

  it('is what sealing writes', () => {
    fc.assert(
      fc.property(fc.array(spec, { minLength: 1, maxLength: 5 }), (specs) => {
        const events = stored(specs);
        expect(events.map(({ hash }) => Buffer.from(hash).toString('hex'))).toEqual(chain(events));
      }),
      { numRuns: 30 },
    );
  });

  it('depends on the event before', () => {
    const [alone] = seal([{ entityId: 'e', type: 't' }], { sequence: 1 });
    const [, second] = seal([
      { entityId: 'x', type: 't' },
      { entityId: 'e', type: 't' },
    ]);
    expect(alone?.event).toEqual(second?.event);
    expect(alone?.sealed.hash).not.toEqual(second?.sealed.hash);
  });
});

describe('the header', () => {
  it('tells any two events apart: it can be read back', () => {
    fc.assert(
      fc.property(spec, (spec) => {
        const [event] = stored([spec]) as [StoredEvent];
        expect(JSON.parse(headerOf(event))).toEqual([
          event.spaceSequence,
          event.entityId,
          event.type,
          event.version,
          event.timestamp,
          event.invocationId,
          event.causationId,
          event.correlationId,
          event.tags,
          event.metadata,
          event.payload.length,
        ]);
      }),
      { numRuns: 50 },
    );
  });

  it('does not mix up neighbouring facts', () => {
    const [one] = stored([{ entityId: 'a","b', type: 'c' }]) as [StoredEvent];
    const [other] = stored([{ entityId: 'a', type: 'b","c' }]) as [StoredEvent];
    expect(headerOf(one)).not.toBe(headerOf(other));
    expect(headerOf({ ...one, tags: 'null' })).not.toBe(headerOf({ ...one, tags: null }));
  });
});

describe('sealing', () => {
  it('gives projections the same event that the log gives back', () => {
    fc.assert(
      fc.property(fc.array(spec, { maxLength: 4 }), (specs) => {
        const drafts = seal(specs).map(({ event }) => event);
        expect(stored(specs).map(openForProjection)).toEqual(drafts);
      }),
    );
  });

  it('gives readers the place in the whole log besides', () => {
    const [event] = stored([{ entityId: 'e', type: 't' }]) as [StoredEvent];
    expect(openForReader(event)).toEqual({ ...openForProjection(event), eventId: 100, spaceId: 7 });
    expect('eventId' in openForProjection(event)).toBe(false);
    expect(() => openForReader({ ...event, eventId: 0 })).toThrow('a stored event has an event id');
  });

  it('counts sequences on from where the space is', () => {
    const drafts = seal(Array(3).fill({ entityId: 'e', type: 't' }), { sequence: 41 });
    expect(drafts.map(({ event }) => event.spaceSequence)).toEqual([42, 43, 44]);
  });

  it('takes causation and correlation from the event, the command or the invocation, in this order', () => {
    const [own, inherited] = seal([
      { entityId: 'e', type: 't', causationId: 'own cause', correlationId: 'own story' },
      { entityId: 'e', type: 't' },
    ]).map(({ event, sealed }) => [event.causationId, sealed.causationId, event.correlationId]);
    expect(own).toEqual(['own cause', 'own cause', 'own story']);
    expect(inherited).toEqual([invocationId, null, 'story']);
    const ofCommand = seal(
      [
        { entityId: 'e', type: 't', causationId: 'own cause' },
        { entityId: 'e', type: 't' },
      ],
      { causationId: 'command' },
    );
    expect(ofCommand.map(({ event }) => event.causationId)).toEqual(['own cause', 'command']);
  });

  it('fills in what an event leaves out', () => {
    const [draft] = seal([{ entityId: 'e', type: 't' }]);
    expect(draft?.event).toMatchObject({ payload: null, version: 1, tags: [], metadata: {} });
    expect(draft?.sealed).toMatchObject({ tags: null, metadata: null });
  });

  it('freezes what projections and readers receive, live and from the log', () => {
    const spec = { entityId: 'e', type: 't', payload: { a: [1] }, tags: ['x'], metadata: { b: {} } };
    const [fromLog] = stored([spec]) as [StoredEvent];
    for (const event of [seal([spec])[0]?.event, openForProjection(fromLog), openForReader(fromLog)]) {
      const parts = [event, event?.payload, event?.tags, event?.metadata, event?.metadata['b']];
      expect(parts.map((part) => Object.isFrozen(part))).toEqual(Array(5).fill(true));
    }
  });

  it.each(['payload', 'tags', 'metadata'])('finds a damaged %s corrupt', (part) => {
    const [event] = stored([{ entityId: 'e', type: 't' }]) as [StoredEvent];
    const damage = part === 'payload' ? new Uint8Array([0x92, 1]) : '["x"';
    expect(errorOf(() => openForProjection({ ...event, [part]: damage })).code).toBe('corrupt');
  });

  it.each<readonly [what: string, spec: unknown, field: string]>([
    ['no object', 'added', 'events[1]'],
    ['nothing', null, 'events[1]'],
    ['no entity id', { type: 't' }, 'events[1].entityId'],
    ['an empty type', { entityId: 'e', type: '' }, 'events[1].type'],
    ['a version of 0', { entityId: 'e', type: 't', version: 0 }, 'events[1].version'],
    [
      'a payload with a date',
      { entityId: 'e', type: 't', payload: { at: new Date(0) } },
      'events[1].payload.at',
    ],
    ['a causation id with NUL', { entityId: 'e', type: 't', causationId: '\u0000' }, 'events[1].causationId'],
    [
      'a correlation id that is no text',
      { entityId: 'e', type: 't', correlationId: 5 },
      'events[1].correlationId',
    ],
    ['tags that are no list', { entityId: 'e', type: 't', tags: 'x' }, 'events[1].tags'],
    ['too many tags', { entityId: 'e', type: 't', tags: Array(17).fill('x') }, 'events[1].tags'],
    ['a tag that is no text', { entityId: 'e', type: 't', tags: ['x', 5] }, 'events[1].tags[1]'],
    ['metadata as a list', { entityId: 'e', type: 't', metadata: [] }, 'events[1].metadata'],
    ['metadata with a map', { entityId: 'e', type: 't', metadata: { m: new Map() } }, 'events[1].metadata.m'],
    [
      'large metadata',
      { entityId: 'e', type: 't', metadata: { m: 'x'.repeat(16_384) } },
      'events[1].metadata',
    ],
  ])('refuses %s and names the field', (_what, wrong, field) => {
    const error = errorOf(() => seal([{ entityId: 'e', type: 't' }, wrong as EventSpec]));
    expect([error.code, error.details['field']]).toEqual(['invalid_input', field]);
  });

  it('refuses more events than a command may make', () => {
    const events = Array(4).fill({ entityId: 'e', type: 't' });
    expect(seal(events, { limits: { eventsPerCommandMax: 4 } })).toHaveLength(4);
    const error = errorOf(() => seal(events, { limits: { eventsPerCommandMax: 3 } }));
    expect(error.details['field']).toBe('events');
  });
});

describe('the payloads of one command', () => {
  it('are bounded together', () => {
    const events = Array.from({ length: 3 }, () => ({ entityId: 'e', type: 't', payload: 'x'.repeat(8) }));
    expect(seal(events, { limits: { commandBytesMax: 27 } })).toHaveLength(3);
    const error = errorOf(() => seal(events, { limits: { commandBytesMax: 26 } }));
    expect([error.code, error.details['field']]).toEqual(['invalid_input', 'events']);
  });
});

describe('metadata', () => {
  it('is bounded by its bytes as JSON', () => {
    const limits = { ...defaultLimits, metadataBytesMax: 10 };
    expect(checkMetadata({ a: 'é' }, 'metadata', limits)).toEqual({ a: 'é' });
    expect(() => checkMetadata({ a: 'é1' }, 'metadata', limits)).toThrow(RamaxError);
    expect(checkMetadata(undefined, 'metadata', limits)).toEqual({});
  });
});

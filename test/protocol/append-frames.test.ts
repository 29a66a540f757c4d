import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { packedBodies } from '../../src/codec/packed-frames.js';
import type { ChainedAppend } from '../../src/content-store/log-link.js';
import { appendFrames } from '../../src/protocol/append-frames.js';
import { cancel, type Frame, failure, reply, request } from '../../src/protocol/frames.js';
import { chained } from '../content-store/chained-append.js';

const appendCall = 11;
const codec = appendFrames(appendCall, packedBodies);

function there(frames: readonly Frame[]): readonly Frame[] {
  return codec.decode(codec.encode(frames.map((frame) => codec.gather(...frame))));
}

const text = fc.string({ unit: 'grapheme' }).map((wild) => wild.toWellFormed());
const count = fc.nat({ max: Number.MAX_SAFE_INTEGER });
const hash = fc.uint8Array({ minLength: 16, maxLength: 16 });
const event = fc.record({
  entityId: text,
  type: text,
  version: count,
  payload: fc.uint8Array({ maxLength: 200 }),
  timestamp: count,
  causationId: fc.option(text),
  correlationId: fc.option(text),
  tags: fc.option(text),
  metadata: fc.option(text),
  hash,
});
const command = fc.option(fc.record({ commandId: text, commandName: text, paramsHash: text }));
const append = fc
  .record({
    spaceId: count,
    previousSequence: fc.nat(1_000),
    generation: count,
    invocationId: fc.uuid(),
    events: fc.array(event, { maxLength: 4 }),
    command,
    traceparent: fc.option(text, { nil: undefined }),
    previousHash: hash,
  })
  .map(({ generation, previousHash, ...given }) =>
    chained({ kind: 'append', ...given }, generation, previousHash),
  );

const frame: fc.Arbitrary<Frame> = fc.oneof(
  fc.tuple(fc.constant(request), count, fc.constant(appendCall), append),
  fc
    .record({ firstEventId: count, spaceSequence: count })
    .map((appended) => [reply, 3, appendCall, appended] as Frame),
  fc.record({ code: text, message: text }).map((error) => [failure, 4, appendCall, error] as Frame),
  fc.record({ events: fc.array(event, { maxLength: 2 }) }).map((body) => [reply, 5, 0, body] as Frame),
  fc.constant<Frame>([cancel, 6, 0, null]),
);

/** What the writer gets of an append: all but the headers, which were there for the way. */
function arrived(body: unknown): unknown {
  if (typeof body !== 'object' || body === null || !('kind' in body)) return body;
  const { events, ...rest } = body as ChainedAppend;
  return { ...rest, events: events.map(({ header: _header, ...sealed }) => sealed) };
}

describe('the frames of a link with appends', () => {
  it('arrive as they were sent, in their order, whatever they carry', () => {
    fc.assert(
      fc.property(fc.array(frame, { maxLength: 8 }), (frames) => {
        const expected = frames.map(([kind, callId, call, body]) => [kind, callId, call, arrived(body)]);
        expect(plain(there(frames))).toEqual(plain(expected));
      }),
    );
  });

  it('are text alone when there is nothing beside it', () => {
    const frames: Frame[] = [[reply, 1, appendCall, { firstEventId: 7, spaceSequence: 2 }]];
    expect(codec.encode(frames)).toBe('[[1,1,11,7,2]]');
  });

  it('carry their bytes in a buffer of their own', () => {
    const sent = chained(
      { kind: 'append', spaceId: 1, previousSequence: 0, invocationId: 'i', events: [], command: null },
      1,
    );
    const message = codec.encode([[request, 1, appendCall, sent]]);
    const { bytes } = message as { bytes: Uint8Array };
    expect([bytes.length, bytes.buffer.byteLength]).toEqual([16, 16]);
  });

  it('are refused when their bytes are cut', () => {
    const message = codec.encode([[reply, 5, 0, { value: 'x'.repeat(20) }]]);
    const { text: head, bytes } = message as { text: string; bytes: Uint8Array };
    expect(() => codec.decode({ text: head, bytes: bytes.slice(0, 5) })).toThrow('the bytes beside a text');
  });
});

/** Bytes as lists of numbers: they may come as another kind of byte array. */
function plain(value: unknown): unknown {
  if (value instanceof Uint8Array) return [...value];
  if (Array.isArray(value)) return value.map(plain);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, part]) => [key, plain(part)]));
}

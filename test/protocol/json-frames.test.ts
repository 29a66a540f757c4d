import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { packedFrames } from '../../src/codec/packed-frames.js';
import type { WrittenInvocation } from '../../src/content-store/invocation.js';
import { defaultLimits } from '../../src/core/limits.js';
import { valueText } from '../../src/core/value-text.js';
import { freezeValue } from '../../src/core/values.js';
import type { Call } from '../../src/protocol/call-table.js';
import {
  compactAccepted,
  compactExecute,
  compactQuery,
  compactRead,
  compactReadReply,
} from '../../src/protocol/compact-bodies.js';
import { failure, progress, reply, request } from '../../src/protocol/frames.js';
import { type CompactBody, compactJsonFrames, jsonFrames } from '../../src/protocol/json-frames.js';
import { jsonValue, text } from '../core/arbitraries.js';

interface PairCalls {
  readonly plain: Call<unknown, unknown>;
  readonly pair: Call<{ left: number; right: number }, { sum: number }>;
}

const pairFrames = compactJsonFrames<PairCalls>(
  { plain: 0, pair: 1 },
  {
    pair: {
      request: {
        write: ({ left, right }) => `[${left},${right}]`,
        read: ([left, right]: readonly [number, number]) => ({ left, right }),
      },
      reply: { write: ({ sum }) => `[${sum}]`, read: ([sum]: readonly [number]) => ({ sum }) },
    },
  },
);

describe('JSON frames', () => {
  it('are text, written one by one', () => {
    const gathered = [
      jsonFrames.gather(request, 7, 2, { a: [1, null] }),
      jsonFrames.gather(reply, 8, 0, 'x'),
    ];
    const message = jsonFrames.encode(gathered);
    expect(message).toBe('[[0,7,2,{"a":[1,null]}],[1,8,0,"x"]]');
    expect(jsonFrames.decode(message)).toEqual([
      [0, 7, 2, { a: [1, null] }],
      [1, 8, 0, 'x'],
    ]);
  });

  it('carry nothing as null', () => {
    const message = jsonFrames.encode([jsonFrames.gather(reply, 1, 0, undefined)]);
    expect(jsonFrames.decode(message)).toEqual([[1, 1, 0, null]]);
  });

  it('are written in short where their call says so, and read back as they were', () => {
    const message = pairFrames.encode([
      pairFrames.gather(request, 1, 1, { left: 3, right: 4 }),
      pairFrames.gather(reply, 2, 1, { sum: 7 }),
      pairFrames.gather(failure, 3, 1, { code: 'conflict', message: 'm' }),
      pairFrames.gather(progress, 4, 1, { done: 1 }),
      pairFrames.gather(request, 5, 0, { left: 1 }),
    ]);
    expect(message).toContain('[0,1,1,[3,4]],[1,2,1,[7]]');
    expect(pairFrames.decode(message)).toEqual([
      [0, 1, 1, { left: 3, right: 4 }],
      [1, 2, 1, { sum: 7 }],
      [2, 3, 1, { code: 'conflict', message: 'm' }],
      [3, 4, 1, { done: 1 }],
      [0, 5, 0, { left: 1 }],
    ]);
  });

  it.each([
    ['JSON', jsonFrames],
    ['packed', packedFrames],
  ])('say which frame they are once they are gathered (%s)', (_what, codec) => {
    fc.assert(
      fc.property(
        fc.constantFrom(0, 1, 2, 3, 4),
        fc.nat(),
        fc.nat(30),
        jsonValue,
        (kind, callId, call, body) => {
          const gathered = codec.gather(kind as 0, callId, call, body);
          expect(codec.headOf(gathered as never).slice(0, 2)).toEqual([kind, callId]);
        },
      ),
    );
  });
});

/** What comes out at the other end. */
function crossed<Sent, Received>(compact: CompactBody<Sent, Received>, body: Sent): Received {
  return compact.read(JSON.parse(compact.write(body)) as never);
}

const optional = <T>(arbitrary: fc.Arbitrary<T>) => fc.option(arbitrary, { nil: undefined });
const address = { spaceId: fc.integer({ min: 1 }), spaceName: text };

describe('the bodies of commands and reads', () => {
  it('bring a command to its shard as it was', () => {
    const command = fc.record({
      ...address,
      resentAfter: optional(fc.nat()),
      params: optional(jsonValue),
      invocation: fc.record({
        invocationId: fc.uuid(),
        command: text,
        commandId: optional(text),
        paramsHash: optional(text),
        causationId: optional(text),
        correlationId: optional(text),
        expectedSequence: optional(fc.nat()),
      }),
    });
    fc.assert(
      fc.property(command, ({ spaceId, spaceName, resentAfter, params, invocation }) => {
        // The hash of the parameters comes with the command's id, never alone.
        const { commandId, paramsHash } = invocation;
        const hash = commandId === undefined ? undefined : paramsHash;
        const written: WrittenInvocation = {
          ...invocation,
          paramsHash: hash,
          params: params === undefined ? undefined : valueText(params, 'params', defaultLimits),
        };
        expect(crossed(compactExecute, { spaceId, spaceName, invocation: written, resentAfter })).toEqual({
          spaceId,
          spaceName,
          invocation: {
            ...invocation,
            paramsHash: hash,
            params: params === undefined ? undefined : freezeValue(params, 'params', defaultLimits),
            resentAfter,
          },
        });
      }),
    );
  });

  it('keep null parameters apart from none', () => {
    const body = { spaceId: 1, spaceName: 'a', query: 'q', at: undefined };
    expect(crossed(compactQuery, { ...body, params: { text: 'null', bytes: 1 } }).params).toBeNull();
    expect(crossed(compactQuery, { ...body, params: undefined }).params).toBeUndefined();
  });

  it('bring reads and their answers as they were', () => {
    const read = fc.record({
      ...address,
      key: text,
      view: optional(text),
      at: optional(fc.nat()),
      depth: optional(fc.nat()),
    });
    fc.assert(
      fc.property(read, (body) => {
        expect(crossed(compactRead, body)).toEqual(body);
      }),
    );
    const query = fc.record({ ...address, query: text, at: optional(fc.nat()) });
    fc.assert(
      fc.property(query, jsonValue, (body, params) => {
        const sent = { ...body, params: valueText(params, 'params', defaultLimits) };
        const received = { ...body, params: freezeValue(params, 'params', defaultLimits) };
        expect(crossed(compactQuery, sent)).toEqual(received);
      }),
    );
    const found = fc.record({
      value: optional(jsonValue.map((value) => freezeValue(value, 'v', defaultLimits))),
    });
    fc.assert(
      fc.property(found, (answer) => {
        expect(crossed(compactReadReply, answer)).toEqual(answer);
      }),
    );
    const accepted = { firstEventId: 2 ** 40, eventCount: 3, spaceSequence: 9 };
    expect(crossed(compactAccepted, accepted)).toEqual(accepted);
  });
});

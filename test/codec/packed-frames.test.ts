import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { packedFrames, packedValues } from '../../src/codec/packed-frames.js';
import { RamaxError } from '../../src/core/errors.js';
import { defaultLimits } from '../../src/core/limits.js';
import { freezeValue } from '../../src/core/values.js';
import type { Frame } from '../../src/protocol/frames.js';
import { jsonValue } from '../core/arbitraries.js';
import { errorOf } from '../core/error-of.js';

describe('packed frames', () => {
  it('bring back bodies, bytes included', () => {
    fc.assert(
      fc.property(jsonValue, fc.uint8Array({ maxLength: 300 }), (given, payload) => {
        const value = freezeValue(given, 'value', defaultLimits);
        const frames: Frame[] = [
          [0, 1, 10, { value, payload, absent: null }],
          [1, 2, 10, [payload]],
          [2, 3, 10, { code: 'conflict', message: 'm', details: { spaceId: 7 } }],
          [4, 5, 0, null],
        ];
        const [asked, answered, ...others] = packedFrames.decode(packedFrames.encode(frames));
        const body = asked?.[3] as { value: unknown; payload: Uint8Array; absent: null };
        const [answeredBytes = []] = (answered as unknown as [number, number, number, Uint8Array[]])[3];
        expect(body.value).toEqual(value);
        expect([...body.payload]).toEqual([...payload]);
        expect(body.absent).toBeNull();
        expect([...answeredBytes]).toEqual([...payload]);
        expect(others).toEqual(frames.slice(2));
      }),
    );
  });

  it('do not change when others are packed', () => {
    const message = packedFrames.encode([[1, 1, 0, 'first']]) as Uint8Array;
    const copy = [...message];
    packedFrames.encode([[1, 2, 0, 'other']]);
    expect([...message]).toEqual(copy);
  });

  it('are bytes, and anything else is a defect', () => {
    expect(() => packedFrames.decode('[]')).toThrow('a packed batch is bytes');
  });
});

describe('the answer of a stateless task', () => {
  it('comes back as the result, or as the error that it was', () => {
    expect(packedValues.unpackAnswer(packedValues.packResult({ rows: [1] }))).toEqual({ rows: [1] });
    expect(packedValues.unpackAnswer(packedValues.packResult(undefined))).toBeUndefined();
    const data = new RamaxError('corrupt', 'damaged', { details: { spaceId: 1 } }).toData();
    const error = errorOf(() => packedValues.unpackAnswer({ error: data }));
    expect(error).toMatchObject({ code: 'corrupt', message: 'damaged', details: { spaceId: 1 } });
  });
});

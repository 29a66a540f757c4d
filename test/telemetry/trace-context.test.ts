import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readTraceparent, traceparentOf, traceparentText } from '../../src/telemetry/trace-context.js';

const hex = (length: number) =>
  fc
    .array(fc.constantFrom(...'0123456789abcdef'), { minLength: length, maxLength: length })
    .map((digits) => digits.join(''))
    .filter((text) => /[^0]/.test(text));

describe('a trace context', () => {
  it('is read as it was written', () => {
    fc.assert(
      fc.property(hex(32), hex(16), fc.nat(255), (traceId, spanId, traceFlags) => {
        const context = { traceId, spanId, traceFlags };
        expect(readTraceparent(traceparentText(context))).toEqual(context);
      }),
    );
  });

  it.each([
    undefined,
    7,
    '',
    'nonsense',
    `00-${'0'.repeat(32)}-00f067aa0ba902b7-01`,
    `00-4bf92f3577b34da6a3ce929d0e0e4736-${'0'.repeat(16)}-01`,
    '01-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01',
    '00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01',
    ' 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01',
  ])('that is none is read as none: %s', (traceparent) => {
    expect(readTraceparent(traceparent)).toBeUndefined();
    expect(traceparentOf({ metadata: { traceparent } })).toBeUndefined();
  });
});

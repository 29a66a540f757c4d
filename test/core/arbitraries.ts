/** Values for property tests: any JSON value that the door lets through, with the keys and numbers that go wrong first. */

import fc from 'fast-check';

/** Well-formed text, over all planes. */
export const text = fc.string({ unit: 'binary', maxLength: 12 });

/** The one name that no key may have. */
const plainText = text.filter((name) => name !== '__proto__');

/** Keys that mean something to engines and encoders, besides ordinary ones. */
const key = fc.oneof(
  { arbitrary: plainText, weight: 3 },
  {
    arbitrary: fc.constantFrom(
      'constructor',
      'toJSON',
      'prototype',
      'hasOwnProperty',
      'length',
      'then',
      '0',
      '-1',
      '',
    ),
    weight: 1,
  },
);

/** Numbers at the borders of encodings. */
const number = fc.oneof(
  fc.double({ noNaN: true, noDefaultInfinity: true }),
  fc.integer(),
  fc.maxSafeInteger(),
  fc.constantFrom(0, 127, 128, 255, 256, 65_535, 65_536, 2 ** 31, 2 ** 32, 2 ** 53, -(2 ** 31) - 1, 1e308),
);

const leaf = fc.oneof(text, number, fc.boolean(), fc.constant(null));

/** A JSON value that `freezeValue` accepts, six levels deep at most. */
export const jsonValue: fc.Arbitrary<unknown> = fc.letrec<{ value: unknown }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 6, depthSize: 'small' },
    leaf,
    fc.array(tie('value'), { maxLength: 5 }),
    fc.dictionary(key, tie('value'), { maxKeys: 5 }).map((object) => ({ ...object })),
  ),
})).value;

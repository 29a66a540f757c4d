/** Values that throw when they are looked at are refused with a type, as any other that is wrong. */

import { describe, expect, it } from 'vitest';
import { describeValue } from '../../src/core/errors.js';
import { defaultLimits } from '../../src/core/limits.js';
import { unknownName } from '../../src/core/loaded-app.js';
import { checkSignal } from '../../src/core/names.js';
import { nearestName } from '../../src/core/nearest-name.js';
import { checkOptionNames } from '../../src/core/option-names.js';
import { valueText } from '../../src/core/value-text.js';
import { freezeValue } from '../../src/core/values.js';
import { errorOf } from './error-of.js';

function raise(): never {
  throw new EvalError('thrown by what was passed in');
}

function revoked(): object {
  const { proxy, revoke } = Proxy.revocable({}, {});
  revoke();
  return proxy;
}

const unreadable: readonly (readonly [what: string, value: object])[] = [
  ['a proxy that was revoked', revoked()],
  ['a proxy that throws', new Proxy({}, { get: raise, ownKeys: raise, getPrototypeOf: raise, has: raise })],
  ['a getter that throws', Object.defineProperty({}, 'trap', { get: raise, enumerable: true })],
  ['a place of an array that throws', Object.defineProperty([], 0, { get: raise, enumerable: true })],
  [
    'a constructor that throws',
    Object.create({
      get constructor(): unknown {
        return raise();
      },
    }) as object,
  ],
];

describe.each(unreadable)('%s', (_what, value) => {
  it('is refused as a value, with the path to it', () => {
    for (const walk of [freezeValue, valueText]) {
      expect(errorOf(() => walk({ at: value }, 'params', defaultLimits))).toMatchObject({
        code: 'invalid_input',
        details: { field: expect.stringMatching(/^params\.at/) as string },
      });
    }
  });

  it('can be described in an error, and is no signal and no name', () => {
    expect(describeValue(value)).toMatch(/^an /);
    expect(errorOf(() => checkSignal(value))).toMatchObject({ code: 'invalid_input' });
    expect(unknownName('command', value, ['add']).code).toBe('unknown_command');
  });
});

it('options whose names or values cannot be read are refused', () => {
  expect(errorOf(() => checkOptionNames(revoked(), ['view'], 'fetch()'))).toMatchObject({
    code: 'invalid_input',
    details: { field: 'options' },
  });
  const options = Object.defineProperty({}, 'view', { get: raise, enumerable: true });
  expect(errorOf(() => checkOptionNames(options, ['view'], 'fetch()'))).toMatchObject({
    code: 'invalid_input',
    details: { field: 'options.view' },
  });
});

it('a name of a megabyte is not compared with others, nor shown whole', () => {
  const long = 'x'.repeat(1024 * 1024);
  expect(nearestName(long, ['add'])).toBeUndefined();
  expect(unknownName('query', long, ['all']).message.length).toBeLessThan(300);
});

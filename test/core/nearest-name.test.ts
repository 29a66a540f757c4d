import { describe, expect, it } from 'vitest';
import { nearestName } from '../../src/core/nearest-name.js';
import { checkOptionNames } from '../../src/core/option-names.js';
import { errorOf } from './error-of.js';

describe('nearestName', () => {
  it.each([
    ['addContct', 'addContact'],
    ['AddContact', 'addContact'],
    ['removeContacts', 'removeContact'],
    ['ad', 'add'],
    ['completelyDifferent', undefined],
    ['', undefined],
  ])('for %j is %j', (written, meant) => {
    expect(nearestName(written, ['addContact', 'removeContact', 'add'])).toBe(
      written === '' ? nearestName('', ['addContact', 'removeContact']) : meant,
    );
  });

  it('is nothing where there is nothing to choose from', () => {
    expect(nearestName('add', [])).toBeUndefined();
  });
});

describe('checkOptionNames', () => {
  it('refuses a misspelt option and names the one that was meant', () => {
    expect(() => checkOptionNames({ shards: 2 }, ['shards', 'limits'], 'start()')).not.toThrow();
    const error = errorOf(() => checkOptionNames({ shard: 2 }, ['shards', 'limits'], 'start()'));
    expect(error.details['field']).toBe('options.shard');
    expect(error.message).toContain('start() has no such option (did you mean shards?)');
  });
});

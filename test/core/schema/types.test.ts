import { describe, expect, it } from 'vitest';
import { loadApp } from '../../../src/core/loaded-app.js';
import { errorOf } from '../error-of.js';
import { crm, unknownTarget } from './app-types.js';

describe('what the compiler says of an app with a schema', () => {
  it('is said of an app that loads', () => {
    const app = loadApp(crm);
    expect([...app.params.keys()]).toEqual(['addContact', 'annotated', 'ping']);
    expect(app.views.map(({ name, schema }) => [name, schema !== undefined])).toEqual([
      ['main', true],
      ['byEmail', true],
      ['byName', false],
    ]);
  });

  it('is refused at run time as well, where types were cast away', () => {
    expect(errorOf(unknownTarget).details['field']).toBe('schema.deck.cards');
  });
});

import { describe, expect, it } from 'vitest';
import app from '../../../examples/crm/crm.app.js';
import { AppSpace } from '../support/app-space.js';

const ada = { id: 'c1', name: 'Ada', email: 'ada@acme.example' };
const bob = { id: 'c2', name: 'Bob', email: 'bob@globex.example' };

/** A space in which these commands were accepted. */
function given(...commands: [name: string, params: unknown][]): AppSpace {
  const space = new AppSpace(app);
  for (const [name, params] of commands) expect(space.execute(name, params)).toHaveProperty('events');
  return space;
}

function keysOf(space: AppSpace, view: string): [string, unknown][] {
  return [...(space.views.get(view)?.entries<unknown>() ?? [])];
}

describe('the CRM', () => {
  it('adds a contact and finds it by id and by email', () => {
    const space = given(['addContact', ada]);
    expect(space.events.map(({ type, payload }) => [type, payload])).toEqual([['contact.added', ada]]);
    expect(space.query('contacts')).toEqual([ada]);
    expect(space.query('contactByEmail', ada.email)).toEqual(ada);
    expect(space.query('contactByEmail', bob.email)).toBeUndefined();
  });

  it.each<[reason: string, name: string, params: unknown]>([
    ['contact_exists', 'addContact', { ...ada, email: 'new@acme.example' }],
    ['email_taken', 'addContact', { ...bob, email: 'ADA@acme.example' }],
    ['invalid_email', 'addContact', { ...bob, email: 'nowhere' }],
    ['contact_unknown', 'updateEmail', { id: 'c9', email: 'x@y' }],
    ['invalid_email', 'updateEmail', { id: 'c1', email: 'a b@c' }],
    ['contact_unknown', 'renameContact', { id: 'c9', name: 'X' }],
    ['contact_unknown', 'removeContact', { id: 'c9' }],
  ])('rejects with %s: %s %j', (reason, name, params) => {
    const space = given(['addContact', ada]);
    const before = space.stateText();
    expect(space.execute(name, params)).toMatchObject({ rejected: reason });
    expect(space.stateText()).toBe(before);
  });

  it('rejects an update to the address of another contact', () => {
    const space = given(['addContact', ada], ['addContact', bob]);
    expect(space.execute('updateEmail', { id: 'c2', email: ada.email })).toMatchObject({
      rejected: 'email_taken',
    });
  });

  it('keeps the index by email right when an address changes', () => {
    const space = given(['addContact', ada], ['updateEmail', { id: 'c1', email: 'ada@globex.example' }]);
    expect(keysOf(space, 'byEmail')).toEqual([['ada@globex.example', 'c1']]);
    expect(keysOf(space, 'byDomain')).toEqual([['globex.example', 1]]);
    expect(space.query('contactByEmail', ada.email)).toBeUndefined();
  });

  it('frees an address that is given up, for another contact', () => {
    const space = given(
      ['addContact', ada],
      ['updateEmail', { id: 'c1', email: 'other@acme.example' }],
      ['addContact', { ...bob, email: ada.email }],
    );
    expect(space.query('contactByEmail', ada.email)).toMatchObject({ id: 'c2' });
  });

  it('lets a contact write its own address differently', () => {
    const space = given(['addContact', ada], ['updateEmail', { id: 'c1', email: 'Ada@acme.example' }]);
    expect(keysOf(space, 'byEmail')).toEqual([['Ada@acme.example', 'c1']]);
    expect(space.execute('addContact', { ...bob, email: ada.email })).toMatchObject({
      rejected: 'email_taken',
    });
  });

  it('accepts a change that changes nothing, without an event', () => {
    const space = given(['addContact', ada]);
    expect(space.execute('renameContact', { id: 'c1', name: 'Ada' })).toEqual({ events: [] });
    expect(space.execute('updateEmail', { id: 'c1', email: ada.email })).toEqual({ events: [] });
  });

  it('removes a contact from every view', () => {
    const space = given(['addContact', ada], ['addContact', bob], ['removeContact', { id: 'c1' }]);
    expect(space.query('contacts')).toEqual([bob]);
    expect(keysOf(space, 'byEmail')).toEqual([[bob.email, 'c2']]);
    expect(keysOf(space, 'byDomain')).toEqual([['globex.example', 1]]);
    expect([...space.main.entries({ prefix: 'email:' })].map(([key]) => key)).toEqual([`email:${bob.email}`]);
  });

  it('counts what has happened', () => {
    const space = given(
      ['addContact', ada],
      ['addContact', bob],
      ['renameContact', { id: 'c2', name: 'Robert' }],
      ['updateEmail', { id: 'c2', email: 'robert@acme.example' }],
      ['removeContact', { id: 'c1' }],
    );
    expect(space.query('statistics')).toEqual({
      contacts: 1,
      added: 2,
      emailsUpdated: 1,
      renamed: 1,
      removed: 1,
      domains: [{ domain: 'acme.example', contacts: 1 }],
    });
    expect(space.query('contacts')).toEqual([{ id: 'c2', name: 'Robert', email: 'robert@acme.example' }]);
  });

  it('has zero statistics where nothing has happened', () => {
    expect(given().query('statistics')).toMatchObject({ contacts: 0, added: 0, domains: [] });
  });
});

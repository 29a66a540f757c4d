import { describe, expect, it } from 'vitest';
import { ContactLoad } from '../../../examples/crm/contact-load.js';
import app from '../../../examples/crm/crm.app.js';
import { AppSpace } from '../support/app-space.js';

const options = { seed: 7, tenants: 3, runId: 'r' };

function take(count: number, changes: Partial<typeof options> = {}) {
  const load = new ContactLoad({ ...options, ...changes });
  return { load, commands: Array.from({ length: count }, () => load.next()) };
}

describe('the generated load', () => {
  it('is the same for the same seed and another for another', () => {
    expect(take(500).commands).toEqual(take(500).commands);
    expect(take(500, { seed: 8 }).commands).not.toEqual(take(500).commands);
  });

  it('gives every command an id of its own, also over runs', () => {
    const ids = [...take(500).commands, ...take(500, { runId: 's' }).commands].map(
      ({ commandId }) => commandId,
    );
    expect(new Set(ids).size).toBe(1_000);
  });

  it('knows how the app answers each of its commands', () => {
    const { load, commands } = take(8_000);
    const spaces = Array.from({ length: options.tenants }, () => new AppSpace(app));
    const ends = new Map<string, number>();
    for (const { tenant, command } of commands) {
      const outcome = spaces[tenant]!.execute(command.name, command.params);
      const end = 'rejected' in outcome ? outcome.rejected : 'accepted';
      // Every accepted command makes one event: a log of acknowledgements relies on it.
      if ('events' in outcome) expect(outcome.events).toHaveLength(1);
      ends.set(end, (ends.get(end) ?? 0) + 1);
    }
    expect(ends).toEqual(load.planned);
    expect([...ends.keys()].sort()).toEqual(['accepted', 'contact_exists', 'contact_unknown', 'email_taken']);
  });

  it('touches every tenant and sends every kind of command', () => {
    const { commands } = take(2_000);
    expect(new Set(commands.map(({ tenant }) => tenant)).size).toBe(3);
    expect(new Set(commands.map(({ command }) => command.name)).size).toBe(4);
  });
});

import { describe, expect, it } from 'vitest';
import { type ContactCommand, ContactLoad, historySeed } from '../../bench/contact-load.js';
import { usualSizes } from '../../bench/sizes.js';
import { workloadOf } from '../../bench/workloads.js';

const w1 = workloadOf('w1', usualSizes);
const w2 = workloadOf('w2', usualSizes);

function take(load: ContactLoad, count: number): ContactCommand[] {
  return Array.from({ length: count }, () => load.next());
}

describe('the contact load', () => {
  it('makes the same commands for the same seed, and others for another', () => {
    const first = take(new ContactLoad(w1, 7), 500);
    expect(take(new ContactLoad(w1, 7), 500)).toEqual(first);
    expect(take(new ContactLoad(w1, 8), 500)).not.toEqual(first);
  });

  it('adds a contact on its first touch in a space and updates it afterwards', () => {
    const touched = new Set<string>();
    for (const { space, name, contact } of take(new ContactLoad(w1, 1), 30_000)) {
      const key = `${space}/${contact.id}`;
      expect(name).toBe(touched.has(key) ? 'updateContact' : 'addContact');
      touched.add(key);
    }
  });

  it('goes on behind a history as if it had made it', () => {
    const touched = new Set(take(new ContactLoad(w1, historySeed), 5_000).map(keyOf));
    const load = new ContactLoad(w1, 3, { history: 5_000 });
    for (const command of take(load, 5_000)) {
      expect(command.name).toBe(touched.has(keyOf(command)) ? 'updateContact' : 'addContact');
      touched.add(keyOf(command));
    }
  });

  it('reaches every space and, in one hot space, every contact, about equally often', () => {
    const spaces = new Set(take(new ContactLoad(w1, 1), 2_000).map(({ space }) => space));
    expect(spaces.size).toBe(100);
    const counts = new Map<string, number>();
    for (const { contact } of take(new ContactLoad(w2, 1), 20_000)) {
      counts.set(contact.id, (counts.get(contact.id) ?? 0) + 1);
    }
    expect(counts.size).toBe(200);
    expect(Math.min(...counts.values())).toBeGreaterThan(50);
    expect(Math.max(...counts.values())).toBeLessThan(150);
  });

  it('gives each space exactly its share where spaces come in turn', () => {
    const tenSpaces = workloadOf('tenSpaces', usualSizes);
    const commands = take(new ContactLoad(tenSpaces, 1), 1_000);
    for (let space = 0; space < 10; space++) {
      expect(commands.filter((command) => command.space === space)).toHaveLength(100);
    }
  });

  it('makes ids that never repeat, and the same commands with and without them', () => {
    const commands = take(new ContactLoad(w1, 1, { withIds: true }), 10_000);
    expect(new Set(commands.map(({ commandId }) => commandId)).size).toBe(10_000);
    const without = take(new ContactLoad(w1, 1), 10_000);
    expect(commands.map((command) => ({ ...command, commandId: null }))).toEqual(without);
  });

  it('makes payloads of about 75 bytes, each different', () => {
    const payloads = take(new ContactLoad(w1, 1), 1_000).map(({ contact }) => JSON.stringify(contact));
    expect(new Set(payloads).size).toBe(1_000);
    for (const payload of payloads) {
      expect(payload.length).toBeGreaterThanOrEqual(70);
      expect(payload.length).toBeLessThanOrEqual(80);
    }
  });
});

function keyOf({ space, contact }: ContactCommand): string {
  return `${space}/${contact.id}`;
}

import { describe, expect, it } from 'vitest';
import { type ContactCommand, ContactLoad } from '../../bench/contact-load.js';
import { workloads } from '../../bench/workloads.js';

function take(load: ContactLoad, count: number): ContactCommand[] {
  return Array.from({ length: count }, () => load.next());
}

describe('the contact load', () => {
  it('makes the same commands for the same seed, and others for another', () => {
    const first = take(new ContactLoad(workloads.w1, 7), 500);
    expect(take(new ContactLoad(workloads.w1, 7), 500)).toEqual(first);
    expect(take(new ContactLoad(workloads.w1, 8), 500)).not.toEqual(first);
  });

  it('adds a contact on its first touch in a space and updates it afterwards', () => {
    const touched = new Set<string>();
    for (const { space, name, contact } of take(new ContactLoad(workloads.w1, 1), 30_000)) {
      const key = `${space}/${contact.id}`;
      expect(name).toBe(touched.has(key) ? 'updateContact' : 'addContact');
      touched.add(key);
    }
  });

  it('reaches every space and, in one hot space, every contact, about equally often', () => {
    const spaces = new Set(take(new ContactLoad(workloads.w1, 1), 2_000).map(({ space }) => space));
    expect(spaces.size).toBe(100);
    const counts = new Map<string, number>();
    for (const { contact } of take(new ContactLoad(workloads.w2, 1), 20_000)) {
      counts.set(contact.id, (counts.get(contact.id) ?? 0) + 1);
    }
    expect(counts.size).toBe(200);
    expect(Math.min(...counts.values())).toBeGreaterThan(50);
    expect(Math.max(...counts.values())).toBeLessThan(150);
  });

  it('makes payloads of about 75 bytes, each different', () => {
    const payloads = take(new ContactLoad(workloads.w1, 1), 1_000).map(({ contact }) =>
      JSON.stringify(contact),
    );
    expect(new Set(payloads).size).toBe(1_000);
    for (const payload of payloads) {
      expect(payload.length).toBeGreaterThanOrEqual(70);
      expect(payload.length).toBeLessThanOrEqual(80);
    }
  });
});

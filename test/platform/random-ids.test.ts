import { describe, expect, it } from 'vitest';
import { randomIds } from '../../src/platform/random-ids.js';

describe('fresh ids', () => {
  const ids = Array.from({ length: 5_000 }, () => randomIds.newId());

  it('are UUIDs of version 4 in lower case', () => {
    for (const id of ids)
      expect(id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  });

  it('are never the same, also when new randomness is drawn', () => {
    expect(new Set(ids).size).toBe(ids.length);
  });

  it('are random in every place but those of the version', () => {
    for (const [place, digit] of [...(ids[0] ?? '')].entries()) {
      const seen = new Set(ids.map((id) => id[place]));
      expect(seen.size).toBe(digit === '-' || place === 14 ? 1 : place === 19 ? 4 : 16);
    }
  });
});

import { describe, expect, it } from 'vitest';
import { appendLink, shardLink, writerLink } from '../../src/protocol/links.js';

describe('the tables of calls', () => {
  it.each([shardLink, appendLink, writerLink])(
    '$name gives every call a number of its own, from 0 on',
    (link) => {
      const numbers = Object.values(link.calls as Record<string, number>).sort((a, b) => a - b);
      expect(numbers).toEqual(numbers.map((_, index) => index));
    },
  );

  it('let both links to a writer read the log alike', () => {
    for (const [name, number] of Object.entries(appendLink.calls)) {
      if (name in writerLink.calls) expect(writerLink.calls).toHaveProperty(name, number);
    }
  });
});

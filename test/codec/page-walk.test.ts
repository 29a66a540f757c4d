import Database from 'better-sqlite3';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { eventsOfPage } from '../../src/codec/event-page.js';
import { PageWalk } from '../../src/codec/page-walk.js';
import type { EventPage } from '../../src/event-store/port.js';
import { headerOf } from '../../src/event-store/seal.js';

const awkward = fc.constantFrom('"', '\\', ',', '[', ']', 'a', '\n', '\u2028', 'é', '😀', '\0', 'null');
const text = fc
  .oneof(fc.string({ unit: 'binary', maxLength: 12 }), fc.string({ unit: awkward, maxLength: 6 }))
  .map((any) => any.toWellFormed());
const textOrNull = fc.option(text, { nil: null });
const whole = fc.nat({ max: Number.MAX_SAFE_INTEGER });
const row = fc.record({
  facts: fc.tuple(
    whole,
    whole,
    text,
    text,
    whole,
    fc.maxSafeInteger(),
    textOrNull,
    textOrNull,
    textOrNull,
    textOrNull,
  ),
  uuid: fc.uint8Array({ minLength: 16, maxLength: 16 }),
  hash: fc.uint8Array({ minLength: 16, maxLength: 16 }),
  payload: fc.uint8Array({ maxLength: 6 }),
});

/** A page as SQLite writes it. */
function pageOf(
  database: Database.Database,
  rows: readonly (typeof row extends fc.Arbitrary<infer R> ? R : never)[],
): EventPage {
  const array = database.prepare('SELECT json_array(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)').pluck();
  const facts = rows.map(({ facts: all, payload }, index) =>
    array.get(
      ...[index + 1, ...all].map((fact) => (typeof fact === 'number' ? BigInt(fact) : fact)),
      BigInt(payload.length),
    ),
  );
  const bytes = Buffer.concat(rows.flatMap(({ uuid, hash, payload }) => [uuid, hash, payload]));
  return { facts: `[${facts.join()}]`, bytes: new Uint8Array(bytes) };
}

describe('a walk over a page', () => {
  const database = new Database(':memory:');

  it('rests on this: SQLite writes every character as JSON.stringify does', () => {
    const quote = database.prepare('SELECT json_quote(?)').pluck();
    for (let code = 0; code < 0x11000; code++) {
      if (code >= 0xd800 && code < 0xe000) continue;
      const character = String.fromCodePoint(code);
      if (quote.get(`a${character}b`) !== JSON.stringify(`a${character}b`))
        expect.fail(`U+${code.toString(16)}`);
    }
  });

  it('gives the header, the hash and the payload of each event as the parsed page does', () => {
    fc.assert(
      fc.property(fc.array(row, { maxLength: 5 }), (rows) => {
        const page = pageOf(database, rows);
        const walk = new PageWalk(page);
        for (const event of eventsOfPage(page)) {
          expect(walk.next()).toBe(true);
          expect([walk.eventId, walk.spaceId, walk.spaceSequence]).toEqual([
            event.eventId,
            event.spaceId,
            event.spaceSequence,
          ]);
          expect(walk.header).toBe(headerOf(event));
          expect([...walk.hash]).toEqual([...event.hash]);
          expect([...walk.payload]).toEqual([...event.payload]);
        }
        expect(walk.next()).toBe(false);
      }),
    );
  });

  it('says so where the page is none', () => {
    for (const facts of [
      '[',
      '[[1,2',
      '[[1,2,3,"a]]',
      '[[1,2,3,"a","b",1,2,null,null,null,null,1]]',
      '[]x',
      '[1]',
    ]) {
      const walk = new PageWalk({ facts, bytes: new Uint8Array(32) });
      let more = walk.next();
      for (let times = 0; more === true && times < 9; times++) more = walk.next();
      expect(more, facts).toBeUndefined();
    }
  });
});

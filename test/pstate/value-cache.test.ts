import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type CacheSection, ValueCache } from '../../src/pstate/value-cache.js';

const roomy = { entriesMax: 100, bytesMax: 1_000_000 };
const ignore = () => {};

describe('the value cache', () => {
  it('forgets what was not used for the longest time, whichever section it is in', () => {
    const cache = new ValueCache({ ...roomy, entriesMax: 3 });
    const [left, right] = [cache.section(ignore), cache.section(ignore)];
    left.set('a', 1, 8);
    right.set('a', 2, 8);
    left.set('b', 3, 8);
    left.get('a');
    right.set('b', 4, 8);
    expect([left.peek('a'), left.peek('b'), right.peek('a'), right.peek('b')]).toEqual([1, 3, undefined, 4]);
    expect(cache.stats).toMatchObject({ entries: 3, evictions: 1 });
  });

  it('does not take a peek for a use', () => {
    const cache = new ValueCache({ ...roomy, entriesMax: 2 });
    const section = filled(cache, 2);
    section.peek('k0');
    section.set('k2', 2, 8);
    expect(section.peek('k0')).toBeUndefined();
  });

  it('takes a set of a key that is held for a use', () => {
    const cache = new ValueCache({ ...roomy, entriesMax: 2 });
    const section = filled(cache, 2);
    section.set('k0', 'new', 3);
    section.set('k2', 2, 8);
    expect(['k0', 'k1', 'k2'].map((key) => section.peek(key))).toEqual(['new', undefined, 2]);
  });

  it('forgets as many as it takes to keep the bytes within their bound', () => {
    const cache = new ValueCache({ entriesMax: 100, bytesMax: 3 * (64 + 2 + 8) });
    const section = filled(cache, 3);
    expect(cache.stats).toMatchObject({ entries: 3, bytes: 222 });
    section.set('k3', 'x'.repeat(82), 82);
    expect(section.size).toBe(2);
    expect(cache.stats).toMatchObject({ entries: 2, bytes: 222, evictions: 2 });
    section.set('k2', 'longer', 9);
    expect(section.size).toBe(1);
  });

  it('holds nothing that alone is over the bound, nor what it held for that key before', () => {
    const cache = new ValueCache({ entriesMax: 100, bytesMax: 200 });
    let told = 0;
    const section = cache.section(() => told++);
    section.set('a', 'small', 5);
    section.set('b', 'small', 5);
    section.set('a', 'large', 1_000);
    expect([section.peek('a'), section.peek('b')]).toEqual([undefined, 'small']);
    expect(told).toBe(1);
  });

  it('tells a section of each of its entries that had to go, and no other section', () => {
    const cache = new ValueCache({ ...roomy, entriesMax: 1 });
    const told: string[] = [];
    const left = cache.section(() => told.push('left'));
    const right = cache.section(() => told.push('right'));
    left.set('a', 1, 8);
    right.set('a', 1, 8);
    right.set('b', 1, 8);
    right.delete('b');
    left.set('b', 1, 8);
    left.clear();
    expect(told).toEqual(['left', 'right']);
  });

  it('fills free room without driving anything out', () => {
    const cache = new ValueCache({ ...roomy, entriesMax: 2 });
    const section = filled(cache, 1);
    section.fill('free', 1, 8);
    section.fill('one too many', 1, 8);
    expect([section.peek('k0'), section.peek('free'), section.size]).toEqual([0, 1, 2]);
    const tight = new ValueCache({ entriesMax: 9, bytesMax: 150 });
    const other = filled(tight, 1);
    other.fill('large', 1, 100);
    expect([other.peek('k0'), other.size]).toEqual([0, 1]);
  });

  it('gives the room of a closed section to the others, for good', () => {
    const cache = new ValueCache(roomy);
    const [closed, open] = [filled(cache, 5), filled(cache, 2)];
    closed.close();
    closed.set('again', 1, 8);
    expect([closed.size, open.size, cache.stats.entries]).toEqual([0, 2, 2]);
  });

  it('holds nothing where no entry is allowed', () => {
    const cache = new ValueCache({ entriesMax: 0, bytesMax: 1_000 });
    expect(filled(cache, 1).size).toBe(0);
  });

  it('refuses bounds that are no integers', () => {
    const invalid = expect.objectContaining({ code: 'invalid_input' });
    expect(() => new ValueCache({ entriesMax: -1, bytesMax: 1 })).toThrow(invalid);
    expect(() => new ValueCache({ entriesMax: 1, bytesMax: Number.POSITIVE_INFINITY })).toThrow(invalid);
  });

  it('does what a list in the order of use does, after every history of three sections', () => {
    const step = fc.record({
      kind: fc.constantFrom('set', 'set', 'set', 'fill', 'get', 'get', 'peek', 'delete', 'clear'),
      section: fc.nat(2),
      key: fc.constantFrom('a', 'b', 'c', 'd', 'e'),
      bytes: fc.nat(60),
    });
    const bounds = fc.record({ entriesMax: fc.nat(5), bytesMax: fc.nat(500) });
    fc.assert(
      fc.property(bounds, fc.array(step, { maxLength: 60 }), ({ entriesMax, bytesMax }, steps) => {
        const cache = new ValueCache({ entriesMax, bytesMax });
        const told = [0, 0, 0];
        const sections = told.map((_, section) => cache.section(() => (told[section] = told[section]! + 1)));
        const model = new ListOfUses(entriesMax, bytesMax);
        for (const [index, { kind, section, key, bytes }] of steps.entries()) {
          const real = sections[section]!;
          const place = `${section}${key}`;
          if (kind === 'set') {
            real.set(key, index, bytes);
            model.set(place, index, 64 + 1 + bytes);
          } else if (kind === 'fill') {
            if (real.peek(key) === undefined) {
              real.fill(key, index, bytes);
              model.fill(place, index, 64 + 1 + bytes);
            }
          } else if (kind === 'get') {
            expect(real.get(key)).toBe(model.get(place));
          } else if (kind === 'peek') {
            expect(real.peek(key)).toBe(model.peek(place));
          } else if (kind === 'delete') {
            real.delete(key);
            model.remove((one) => one.place === place);
          } else {
            real.clear();
            model.remove((one) => one.place.startsWith(String(section)));
          }
          expect(cache.stats).toMatchObject({
            entries: model.uses.length,
            bytes: model.bytes,
            evictions: model.evictions,
          });
          expect(sections.map((one) => one.size)).toEqual([0, 1, 2].map((one) => model.sizeOf(one)));
          expect(told).toEqual(model.told);
        }
        for (const { place, value } of model.uses) {
          expect(sections[Number(place[0])]!.peek(place.slice(1))).toBe(value);
        }
      }),
      { numRuns: 500 },
    );
  });
});

interface Use {
  readonly place: string;
  readonly value: number;
  readonly bytes: number;
}

/** What the cache has to do, plainly: the oldest use comes first. */
class ListOfUses {
  uses: Use[] = [];
  evictions = 0;
  readonly told = [0, 0, 0];

  constructor(
    readonly entriesMax: number,
    readonly bytesMax: number,
  ) {}

  get bytes(): number {
    return this.uses.reduce((sum, { bytes }) => sum + bytes, 0);
  }

  sizeOf(section: number): number {
    return this.uses.filter(({ place }) => place.startsWith(String(section))).length;
  }

  peek(place: string): number | undefined {
    return this.uses.find((one) => one.place === place)?.value;
  }

  get(place: string): number | undefined {
    const use = this.uses.find((one) => one.place === place);
    if (use !== undefined) this.uses = [...this.uses.filter((one) => one !== use), use];
    return use?.value;
  }

  set(place: string, value: number, bytes: number): void {
    this.remove((one) => one.place === place);
    if (bytes > this.bytesMax || this.entriesMax === 0) {
      this.#tell(place);
      return;
    }
    this.uses.push({ place, value, bytes });
    while (this.uses.length > this.entriesMax || this.bytes > this.bytesMax) {
      this.evictions++;
      this.#tell(this.uses.shift()!.place);
    }
  }

  fill(place: string, value: number, bytes: number): void {
    if (this.uses.length < this.entriesMax && this.bytes + bytes <= this.bytesMax)
      this.set(place, value, bytes);
  }

  remove(which: (use: Use) => boolean): void {
    this.uses = this.uses.filter((one) => !which(one));
  }

  #tell(place: string): void {
    const section = Number(place[0]);
    this.told[section] = this.told[section]! + 1;
  }
}

function filled(cache: ValueCache, entries: number): CacheSection {
  const section = cache.section(ignore);
  for (let index = 0; index < entries; index++) section.set(`k${index}`, index, 8);
  return section;
}

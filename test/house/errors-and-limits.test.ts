import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { type ErrorCode, errorTable } from '../../src/core/errors.js';
import { defaultLimits } from '../../src/core/limits.js';
import { readSources, root, withoutComments } from './read-sources.js';

const sources = readSources('src', 'workers');
const codes = Object.keys(errorTable) as ErrorCode[];

/** The code of all files but one. */
function codeBesides(file: string): string {
  return [...sources]
    .filter(([name]) => name !== file)
    .map(([, text]) => withoutComments(text))
    .join('\n');
}

/** The names in the first column of a page's tables. */
function documented(page: string): { name: string; row: string }[] {
  const text = readFileSync(join(root, page), 'utf8');
  return [...text.matchAll(/^\| `(\w+)` \|.*$/gm)].map(([row, name = '']) => ({ name, row }));
}

describe('every error code', () => {
  const code = codeBesides('src/core/errors.ts');
  // unknownName() makes its code from the kind of name.
  const isUsed = (name: string): boolean =>
    code.includes(`'${name}'`) ||
    (name.startsWith('unknown_') && code.includes(`unknownName('${name.slice('unknown_'.length)}'`));

  it.each(codes)('%s is thrown somewhere', (name) => {
    expect(isUsed(name)).toBe(true);
  });

  it('would be missed if it were not', () => {
    expect(isUsed('no_such_code')).toBe(false);
  });

  it.runIf(existsSync(join(root, 'docs/errors.md')))('is documented, with whether a retry helps', () => {
    const rows = documented('docs/errors.md');
    expect(rows.map(({ name }) => name).sort()).toEqual([...codes].sort());
    for (const { name, row } of rows) {
      expect(row).toContain(errorTable[name as ErrorCode].retryable ? '| yes' : '| no |');
    }
  });
});

describe('every limit', () => {
  const code = codeBesides('src/core/limits.ts');

  it.each(Object.keys(defaultLimits))('%s is kept somewhere', (name) => {
    expect(code).toMatch(new RegExp(`\\b${name}\\b`));
  });

  it('says its unit', () => {
    for (const name of Object.keys(defaultLimits)) expect(name).toMatch(/(BytesMax|Max|Ms)$/);
  });

  it.runIf(existsSync(join(root, 'docs/limits.md')))('is documented, with its default', () => {
    const rows = documented('docs/limits.md');
    expect(rows.map(({ name }) => name).sort()).toEqual(Object.keys(defaultLimits).sort());
    for (const { name, row } of rows) {
      const [, , value = ''] = row.split('|');
      expect(numberOf(value), name).toBe(defaultLimits[name as keyof typeof defaultLimits]);
    }
  });
});

describe('every fixed bound of docs/limits.md', () => {
  const page = readFileSync(join(root, 'docs/limits.md'), 'utf8');
  const rows = [...page.matchAll(/^\| [^|]+ \| ([^|]+) \| `(\w+)` in `([\w/.-]+)` \|/gm)].map(
    ([, value = '', name = '', file = '']) => ({ value, name, file }),
  );

  it('is found', () => {
    expect(rows.length).toBeGreaterThan(25);
  });

  it.each(rows)('$name is $value in $file', ({ value, name, file }) => {
    const source = sources.get(`src/${file}`) ?? '';
    const [, written] = new RegExp(`const ${name} = ([\\d_ *]+);`).exec(source) ?? [];
    expect(numberOf(written ?? '')).toBe(numberOf(value));
  });
});

const units: Readonly<Record<string, number>> = {
  KiB: 1024,
  MiB: 1024 * 1024,
  minutes: 60 * 1_000,
  hour: 60 * 60 * 1_000,
  days: 24 * 60 * 60 * 1_000,
};

/** What `64 * 1_024` in code and `64 MiB`, `2,000 ms` or `8 times something` in a table come to. */
function numberOf(text: string): number {
  const factors = Object.entries(units).map(([unit, factor]) => (text.includes(` ${unit}`) ? factor : 1));
  const numbers = text.replaceAll(/(?<=\d)[_,](?=\d)/g, '').match(/\d+/g) ?? ['nothing'];
  return [...numbers.map(Number), ...factors].reduce((product, number) => product * number);
}

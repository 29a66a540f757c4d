import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { type ErrorCode, errorTable } from '../../src/core/errors.js';
import { defaultLimits } from '../../src/core/limits.js';
import { readSources, root, withoutComments } from './read-sources.js';

const sources = readSources('src', 'workers');
const codes = Object.keys(errorTable) as ErrorCode[];

/** Codes that stand in the table for what is to come, each with its reason. */
const reserved: Readonly<Record<string, string>> = {
  unknown_view: 'no call names a view yet',
};

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
    expect(isUsed(name)).toBe(!Object.hasOwn(reserved, name));
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

  it.runIf(existsSync(join(root, 'docs/limits.md')))('is documented', () => {
    const names = documented('docs/limits.md').map(({ name }) => name);
    for (const limit of Object.keys(defaultLimits)) expect(names).toContain(limit);
  });
});

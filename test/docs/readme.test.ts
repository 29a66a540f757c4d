/**
 * The README's first program is the one in `examples/first`, which is compiled with everything else and runs here; and the
 * links of all pages lead somewhere.
 */

import { execFile } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { readPage } from './snippets.js';

const root = new URL('../../', import.meta.url);
const read = (path: string): Promise<string> => readFile(new URL(path, root), 'utf8');

describe("the README's first program", () => {
  it('is the code in examples/first', async () => {
    // That it is so word for word, `snippets.test.ts` checks.
    const { copies } = readPage('README.md', await read('README.md'));
    expect(copies.map(({ path }) => path)).toEqual([
      'examples/first/counter.app.ts',
      'examples/first/main.ts',
    ]);
  });

  it('runs as a user runs it', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'ramax-first-'));
    try {
      const program = new URL('dist/examples/first/main.js', root).pathname;
      const { stdout } = await promisify(execFile)(process.execPath, [program], { cwd: directory });
      expect(stdout).toContain('event 1, sequence 1, total 2');
      expect(stdout).toContain('command_rejected too_much');
      expect(stdout).toContain('1 added { by: 2 }');
    } finally {
      await rm(directory, { recursive: true, force: true });
    }
  });
});

describe('the links of the documentation', () => {
  const pages = ['README.md', ...readdirSync(new URL('docs', root), { recursive: true, encoding: 'utf8' })]
    .filter((path) => path.endsWith('.md'))
    .map((path) => (path === 'README.md' ? path : `docs/${path}`));

  it.each(pages)('lead to what is there: %s', async (page) => {
    const text = await read(page);
    for (const [, path = '', anchor = ''] of text.matchAll(/\]\(([^)#:]*)(?:#([^)]+))?\)/g)) {
      const target = path === '' ? new URL(page, root) : new URL(path, new URL(page, root));
      expect(existsSync(target), `${page}: ${path}`).toBe(true);
      if (anchor !== '')
        expect(anchorsOf(await readFile(target, 'utf8')), `${page}: ${path}`).toContain(anchor);
    }
  });
});

/** The names under which a page's headings are linked. */
function anchorsOf(page: string): readonly string[] {
  return [...page.matchAll(/^#+ (.+)$/gm)].map(([, heading = '']) =>
    heading
      .toLowerCase()
      .replace(/[^\p{L}\p{N}\s_-]/gu, '')
      .replaceAll(' ', '-'),
  );
}

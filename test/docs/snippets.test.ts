/** Every piece of TypeScript in the documentation is compiled and executed, and gives what it says. See `snippets.ts`. */

import { execFile } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { copyFile, mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type PageModule, readPage } from './snippets.js';

const run = promisify(execFile);
const root = fileURLToPath(new URL('../../', import.meta.url));
const here = fileURLToPath(new URL('./', import.meta.url));

const paths = ['README.md', ...readdirSync(join(root, 'docs'), { recursive: true, encoding: 'utf8' })]
  .filter((path) => path.endsWith('.md'))
  .map((path) => (path === 'README.md' ? path : `docs/${path}`));
const pages = paths.map((path) => readPage(path, readFileSync(join(root, path), 'utf8')));
const modules = pages.flatMap((page) => page.modules);
const programs = modules.filter(({ runs }) => runs);

/** Code that is not executed, by its reason. One more has to be put here by hand. */
const exceptions: readonly string[] = [];

interface Outcome {
  readonly program: string;
  readonly error: string | null;
  readonly checked: readonly string[];
}

/** Far more than it takes all of them: no test depends on how busy the machine is. */
const wholeMsMax = 600_000;

/** A project of a reader, with everything that the pages show. */
let project: string;
let compiled: string;
let outcomes: readonly Outcome[];

beforeAll(async () => {
  project = await mkdtemp(join(tmpdir(), 'ramax-docs-'));
  await mkdir(join(project, 'node_modules'));
  for (const name of ['@types', '@opentelemetry', 'zod', 'valibot']) {
    await symlink(join(root, 'node_modules', name), join(project, 'node_modules', name));
  }
  await symlink(root, join(project, 'node_modules/ramax'));
  await writeFile(join(project, 'package.json'), JSON.stringify({ type: 'module', private: true }));
  await writeFile(join(project, 'tsconfig.json'), JSON.stringify(tsconfig));
  for (const module of modules) {
    const file = join(project, 'src', folderOf(module), module.file);
    await mkdir(dirname(file), { recursive: true });
    await writeFile(file, module.code);
  }
  await copyFile(join(here, 'checks.ts'), join(project, 'src/checks.ts'));
  await copyFile(join(here, 'run-programs.mjs'), join(project, 'run-programs.mjs'));
  compiled = await compile();
  outcomes = await execute();
}, wholeMsMax);

afterAll(() => rm(project, { recursive: true, force: true }));

/** What README.md says that a project needs, and `strict`. */
const tsconfig = {
  compilerOptions: {
    strict: true,
    module: 'NodeNext',
    target: 'ES2022',
    lib: ['ES2022', 'ESNext.Disposable'],
    types: ['node'],
    skipLibCheck: true,
    sourceMap: true,
    rootDir: 'src',
    outDir: 'built',
  },
  include: ['src'],
};

function folderOf({ page }: PageModule): string {
  return page.replace(/\.md$/, '').replaceAll('/', '-');
}

function programOf(module: PageModule): string {
  return `${folderOf(module)}/${module.file.replace(/\.ts$/, '')}`;
}

function compile(): Promise<string> {
  const typescript = join(root, 'node_modules/typescript/bin/tsc');
  return run(process.execPath, [typescript, '-p', project]).then(
    () => 'compiled',
    (error: { stdout: string }) => error.stdout,
  );
}

async function execute(): Promise<readonly Outcome[]> {
  const names = JSON.stringify(programs.map(programOf));
  const runner = join(project, 'run-programs.mjs');
  const options = ['--enable-source-maps', runner, names];
  const { stdout } = await run(process.execPath, options, { timeout: wholeMsMax }).catch(
    (failed: { stdout: string }) => failed,
  );
  return [...stdout.matchAll(/^outcome (.*)$/gm)].map(([, outcome = '']) => JSON.parse(outcome) as Outcome);
}

describe('the TypeScript in the documentation', () => {
  it('is there', () => {
    expect(programs.length).toBeGreaterThan(4);
    expect(programs.flatMap(({ checks }) => checks).length).toBeGreaterThan(80);
  });

  it('compiles, strictly', () => {
    expect(compiled).toBe('compiled');
  });

  it.each(programs.map((program) => [`${program.page} ${program.file}`, program] as const))(
    'runs and gives what it says: %s',
    (_name, program) => {
      const outcome = outcomes.find(({ program: name }) => name === programOf(program));
      expect(outcome?.error).toBeNull();
      expect(new Set(outcome?.checked)).toEqual(new Set(program.checks));
    },
  );

  it('is the file that it is a copy of, word for word', () => {
    for (const { path, code } of pages.flatMap(({ copies }) => copies)) {
      expect(code).toBe(readFileSync(join(root, path), 'utf8'));
    }
  });

  it('is executed, but for what has a reason that is known here', () => {
    expect(pages.flatMap((page) => page.exceptions).map(({ reason }) => reason)).toEqual(exceptions);
  });
});

describe('reading a page', () => {
  const page = (info: string, ...code: string[]): string =>
    ['# Title', `\`\`\`${info}`, ...code, '```'].join('\n');

  it('refuses a fence that does not say whether it runs', () => {
    for (const info of [
      'ts',
      'ts runs',
      'ts file',
      'ts not-run',
      'ts not-run=lazy',
      'js',
      'typescript run',
    ]) {
      expect(() => readPage('page.md', page(info, 'f();')), info).toThrow(
        'does not say whether its code runs',
      );
    }
  });

  it('keeps the lines, and joins the parts of a program', () => {
    const text = [page('ts run', 'const a = 1;'), page('ts run', 'use(a);')].join('\n');
    const [module] = readPage('page.md', text).modules;
    const lines = module?.code.split('\n') ?? [];
    expect([lines[2], lines[6]]).toEqual(['const a = 1;', 'use(a);']);
  });

  it('makes a check of what a statement gives, over several lines too', () => {
    const code = ['f(1); // => { a: 1, … }', 'g(', '  2,', '); // => 3', 'const b = h(); // => 4'];
    const [module] = readPage('page.md', page('ts run', ...code)).modules;
    expect(module?.checks).toEqual(['page.md:3', 'page.md:6', 'page.md:7']);
    expect(module?.code.split('\n').slice(2, 7)).toEqual([
      `gives(f(1), { a: 1, '…': true }, "page.md:3");`,
      'gives(g(',
      '  2,',
      '), 3, "page.md:6");',
      'const b = h(); gives(b, 4, "page.md:7");',
    ]);
  });

  it('makes a check of an error', () => {
    const [module] = readPage('page.md', page('ts run', 'await f(); // => throws conflict')).modules;
    expect(module?.code).toContain(`await fails(async () => (await f()), {"code":"conflict"}, "page.md:3");`);
  });

  it('refuses an expectation behind no plain statement', () => {
    for (const code of ['// => 1', 'f( // => 1', 'for (const a of b) f(a); // => 1']) {
      expect(() => readPage('page.md', page('ts run', code)), code).toThrow('page.md:3');
    }
  });
});

import { execFile } from 'node:child_process';
import { cp, mkdir, mkdtemp, readdir, readFile, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const run = promisify(execFile);
const root = fileURLToPath(new URL('../../', import.meta.url));
const sources = fileURLToPath(new URL('./consumer/', import.meta.url));
const typescript = join(root, 'node_modules/typescript/bin/tsc');

/** A project of somebody else, with the packed package and nothing of this checkout but its installed dependencies. */
let consumer: string;
let packed: string[];

beforeAll(async () => {
  // With a space, as paths of people have them.
  consumer = await mkdtemp(join(tmpdir(), 'ramax consumer '));
  // Packs what is built; a build here would take dist away from the tests beside this one.
  const pack = ['pack', '--ignore-scripts', '--json', '--pack-destination', consumer];
  const { stdout } = await run('npm', pack, { cwd: root });
  const [{ filename, files }] = JSON.parse(stdout) as [{ filename: string; files: { path: string }[] }];
  packed = files.map(({ path }) => path);
  const modules = join(consumer, 'node_modules');
  await mkdir(join(modules, '@types'), { recursive: true });
  await run('tar', ['-xzf', join(consumer, filename), '-C', modules]);
  await rename(join(modules, 'package'), join(modules, 'ramax'));
  await linkDependencies(modules);
  for (const file of await readdir(sources)) await cp(join(sources, file), join(consumer, file));
  await writeFile(
    join(consumer, 'package.json'),
    JSON.stringify({ name: 'consumer', type: 'module', private: true }),
  );
});

afterAll(() => rm(consumer, { recursive: true, force: true }));

/** The dependencies as they are installed here, so that nothing is downloaded; of the types only Node's. */
async function linkDependencies(modules: string): Promise<void> {
  const { dependencies } = JSON.parse(await readFile(join(root, 'package.json'), 'utf8')) as {
    dependencies: Record<string, string>;
  };
  for (const name of [...Object.keys(dependencies), '@types/node']) {
    await mkdir(dirname(join(modules, name)), { recursive: true });
    await symlink(join(root, 'node_modules', name), join(modules, name));
  }
}

async function compile(...options: string[]): Promise<string> {
  const compiler = run(process.execPath, [typescript, '-p', 'tsconfig.json', ...options], { cwd: consumer });
  return compiler.then(
    () => 'compiled',
    (error: { stdout: string }) => error.stdout,
  );
}

describe('the packed package', () => {
  it('holds what it needs to run and to be read, and nothing else', () => {
    expect(packed).toEqual(expect.arrayContaining(['package.json', 'README.md', 'LICENSE', 'docs/index.md']));
    for (const file of ['src/index', 'src/storage/sqlite', 'src/storage/memory', 'src/testing/index']) {
      expect(packed).toEqual(expect.arrayContaining([`dist/${file}.js`, `dist/${file}.d.ts`]));
    }
    for (const thread of ['writer', 'shard', 'reader']) expect(packed).toContain(`dist/workers/${thread}.js`);
    const others = packed.filter(
      (path) => !/^(package\.json|README\.md|LICENSE|docs\/|dist\/(src|workers)\/)/.test(path),
    );
    expect(others).toEqual([]);
  });

  it('compiles in a strict consumer that skips no check of libraries, and refuses what its types forbid', async () => {
    expect(await compile()).toBe('compiled');
  });

  it('runs for a consumer in TypeScript', async () => {
    await compile();
    const { stdout } = await run(process.execPath, [join(consumer, 'built/main.js')], { cwd: tmpdir() });
    expect(stdout).toBe('typed consumer: done\n');
  });

  it('runs for a consumer in JavaScript', async () => {
    await compile();
    await cp(join(consumer, 'plain.mjs'), join(consumer, 'built/plain.mjs'));
    const { stdout } = await run(process.execPath, [join(consumer, 'built/plain.mjs')], { cwd: tmpdir() });
    expect(stdout).toBe('plain consumer: done\n');
  });

  it('opens nothing but what it exports', async () => {
    const program = `await import('ramax/dist/src/index.js').catch(({ code }) => console.log(code));`;
    const { stdout } = await run(process.execPath, ['--input-type=module', '-e', program], { cwd: consumer });
    expect(stdout).toBe('ERR_PACKAGE_PATH_NOT_EXPORTED\n');
  });

  it('starts no thread and opens no database by being imported', async () => {
    const program = `
      await import('ramax'); await import('ramax/storage/sqlite'); await import('ramax/storage/memory');
      console.log(process.getActiveResourcesInfo().filter((name) => /worker|message|timeout/i.test(name)).length);`;
    const { stdout } = await run(process.execPath, ['--input-type=module', '-e', program], { cwd: consumer });
    expect(stdout).toBe('0\n');
  });
});

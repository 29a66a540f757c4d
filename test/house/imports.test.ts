import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { doorkeepers, rooms } from './import-table.js';
import { importsOf, roomOf, violations } from './imports.js';
import { readSources, root, withoutComments } from './read-sources.js';

const sources = readSources('src', 'workers');

/** The violations that come on top when these files are there. */
function planted(files: Readonly<Record<string, string>>): string[] {
  return violations(new Map([...sources, ...Object.entries(files)]));
}

describe('who may import whom', () => {
  it('is as the table says, without circles, for every file of src and workers', () => {
    expect(sources.size).toBeGreaterThan(100);
    expect(importsOf(sources).length).toBeGreaterThan(400);
    expect(violations(sources)).toEqual([]);
  });

  it('is a table without circles of its own, whose rooms all exist', () => {
    const found = new Set([...sources.keys()].map(roomOf));
    expect([...found].sort()).toEqual(Object.keys(rooms).sort());
    const dependsOn = (room: string, on: string, seen = new Set<string>()): boolean =>
      (rooms[room]?.uses ?? []).some((next) => {
        if (next === on) return true;
        if (seen.has(next)) return false;
        seen.add(next);
        return dependsOn(next, on, seen);
      });
    expect(Object.keys(rooms).filter((room) => dependsOn(room, room))).toEqual([]);
  });

  it('keeps supervisor, shard and writer apart', () => {
    const sides = ['supervisor', 'shard', 'writer'];
    for (const side of sides) {
      const { uses, knows = [] } = rooms[side] ?? { uses: [] };
      expect([...uses, ...knows].filter((room) => sides.includes(room))).toEqual([]);
    }
  });

  it('has a doorkeeper for every dependency of the package, and no others', () => {
    const { dependencies, peerDependencies } = JSON.parse(
      readFileSync(join(root, 'package.json'), 'utf8'),
    ) as {
      dependencies: Record<string, string>;
      peerDependencies: Record<string, string>;
    };
    expect(Object.keys(doorkeepers).sort()).toEqual(
      Object.keys({ ...dependencies, ...peerDependencies }).sort(),
    );
    for (const [name, door] of Object.entries(doorkeepers)) {
      const guests = importsOf(sources).filter(({ specifier }) => specifier === name);
      expect(guests.length, name).toBeGreaterThan(0);
      for (const { from } of guests) expect(from.startsWith(door)).toBe(true);
    }
  });
});

describe('the check bites on', () => {
  it.each([
    [
      'a room that another may not import',
      { 'src/shard/planted.ts': `import { Writer } from '../writer/writer.js';` },
      'src/shard/planted.ts: shard may not import writer (src/writer/writer.ts)',
    ],
    [
      'a type of a room that another may not even know',
      { 'src/writer/planted.ts': `import type { Shard } from '../shard/shard.js';` },
      'src/writer/planted.ts: writer may not import shard (src/shard/shard.ts)',
    ],
    [
      'a value where only types may be known',
      { 'src/protocol/planted.ts': `import { type Accepted, decide } from '../content-store/turn.js';` },
      'src/protocol/planted.ts: protocol may know only types of content-store (src/content-store/turn.ts)',
    ],
    [
      'an export from a room',
      { 'src/core/planted.ts': `export { PState } from '../pstate/pstate.js';` },
      'src/core/planted.ts: core may not import pstate (src/pstate/pstate.ts)',
    ],
    [
      'an import over several lines',
      { 'src/core/planted.ts': `import {\n  PState,\n  type PStateOptions,\n} from '../pstate/pstate.js';` },
      'src/core/planted.ts: core may not import pstate (src/pstate/pstate.ts)',
    ],
    [
      'a dynamic import',
      { 'src/core/planted.ts': `const late = await import('../pstate/pstate.js');` },
      'src/core/planted.ts: core may not import pstate (src/pstate/pstate.ts)',
    ],
    [
      'Node in a pure room',
      { 'src/content-store/planted.ts': `import { join } from 'node:path';` },
      'src/content-store/planted.ts: content-store is pure and may not import node:path',
    ],
    [
      'an import for its side effect',
      { 'src/supervisor/planted.ts': `import 'node:fs';` },
      'src/supervisor/planted.ts: supervisor is pure and may not import node:fs',
    ],
    [
      'a dependency that comes in by another door',
      { 'src/storage/planted.ts': `import Database from 'better-sqlite3';` },
      'src/storage/planted.ts imports better-sqlite3, whose doorkeeper is src/sqlite/',
    ],
    [
      'a dependency without a doorkeeper',
      { 'src/core/planted.ts': `import lodash from 'lodash';` },
      'src/core/planted.ts imports lodash, which has no doorkeeper',
    ],
    [
      'a circle, also of types alone',
      {
        'src/core/one.ts': `import type { B } from './other.js';`,
        'src/core/other.ts': `import type { A } from './one.js';`,
      },
      'a circle of imports: src/core/one.ts -> src/core/other.ts -> src/core/one.ts',
    ],
    ['a file in no room', { 'src/attic/planted.ts': '' }, 'src/attic/planted.ts is in no room of the table'],
    [
      'an import of nothing',
      { 'src/core/planted.ts': `import { x } from './gone.js';` },
      'src/core/planted.ts imports src/core/gone.ts, which is not there',
    ],
  ])('%s', (_what, files, expected) => {
    expect(planted(files)).toEqual([expected]);
  });
});

describe('a pure room', () => {
  const impure =
    /\b(?:Date\.now|Math\.random|performance\.now|process\.\w+|setTimeout|setInterval|setImmediate)\s*\(|\bnew Date\(\)/;
  const isPure = (file: string) => rooms[roomOf(file) ?? '']?.touchesNode !== true;

  it('reads no clock, no randomness and no process of its own, and sets no timers', () => {
    const found = [...sources].filter(([file, text]) => isPure(file) && impure.test(withoutComments(text)));
    expect(found.map(([file]) => file)).toEqual([]);
  });

  it('is told from an impure one by this check', () => {
    for (const text of [
      'Date.now()',
      'x = Math.random() * 2',
      'setTimeout(f, 5)',
      'process.exit(1)',
      'new Date()',
    ]) {
      expect(impure.test(text)).toBe(true);
    }
    expect(impure.test('clock.now(), new Date(ms), this.setTimeouts')).toBe(false);
  });
});

describe('the library', () => {
  it('prints nothing to the console', () => {
    const talks = /\bconsole\s*\.|process\.(?:stdout|stderr)/;
    const found = [...sources].filter(([, text]) => talks.test(withoutComments(text)));
    expect(found.map(([file]) => file)).toEqual([]);
    expect(talks.test('console.log(1)')).toBe(true);
  });

  it('exports names one by one, never a whole module', () => {
    const found = [...sources].filter(([, text]) => /^\s*export\s*\*/m.test(text));
    expect(found.map(([file]) => file)).toEqual([]);
  });

  it('begins every file that is longer than 40 lines with what it owns or does', () => {
    const long = [...sources].filter(([, text]) => text.split('\n').length > 40);
    const headless = long.filter(([, text]) => !/^(\/\*\*|import[\s\S]*?\n\n\/\*\*)/.test(text));
    expect(headless.map(([file]) => file)).toEqual([]);
  });
});

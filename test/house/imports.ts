/** The check behind `import-table.ts`: pure over source texts, so that a test can plant a violation. */

import { posix } from 'node:path';
import { doorkeepers, type RoomRule, rooms } from './import-table.js';

/** Source texts by their path from the project's root. */
export type Sources = ReadonlyMap<string, string>;

/** One import as it is written. */
export interface Import {
  readonly from: string;
  readonly specifier: string;
  /** The file that it names, when it names one of ours. */
  readonly to: string | undefined;
  readonly isTypeOnly: boolean;
}

const statement = /^[ \t]*(?:import|export)\b([^'"`;]*?)\bfrom\s*['"]([^'"]+)['"]/gm;
const sideEffect = /^[ \t]*import\s*['"]([^'"]+)['"]/gm;
const dynamic = /\bimport\(\s*['"]([^'"]+)['"]\s*\)/g;

/** Every import of the sources, also dynamic ones with a literal. */
export function importsOf(sources: Sources): Import[] {
  return [...sources].flatMap(([from, text]) => {
    const found = (specifier: string, isTypeOnly: boolean): Import => ({
      from,
      specifier,
      to: specifier.startsWith('.')
        ? posix.join(posix.dirname(from), specifier).replace(/\.js$/, '.ts')
        : undefined,
      isTypeOnly,
    });
    return [
      ...[...text.matchAll(statement)].map(([, names = '', specifier = '']) =>
        found(specifier, namesTypes(names)),
      ),
      ...[...text.matchAll(sideEffect)].map(([, specifier = '']) => found(specifier, false)),
      ...[...text.matchAll(dynamic)].map(([, specifier = '']) => found(specifier, false)),
    ];
  });
}

/** `import type { A }` or `import { type A, type B }`. */
function namesTypes(names: string): boolean {
  if (/^\s*type\b/.test(names)) return true;
  const braces = /^\s*\{([^}]*)\}\s*$/.exec(names)?.[1];
  const parts =
    braces
      ?.split(',')
      .map((part) => part.trim())
      .filter((part) => part !== '') ?? [];
  return parts.length > 0 && parts.every((part) => part.startsWith('type '));
}

/** The room of a file: the deepest folder that the table names, or undefined. */
export function roomOf(file: string): string | undefined {
  if (file === 'src/index.ts') return 'index';
  if (file.startsWith('workers/')) return 'workers';
  const folders = file.split('/').slice(1, -1);
  for (let depth = folders.length; depth > 0; depth--) {
    const room = folders.slice(0, depth).join('/');
    if (Object.hasOwn(rooms, room)) return room;
  }
  return undefined;
}

/** What breaks the table, one sentence each. */
export function violations(sources: Sources): string[] {
  const imports = importsOf(sources);
  return [
    ...[...sources.keys()]
      .filter((file) => ruleOf(file) === undefined)
      .map((file) => `${file} is in no room of the table`),
    ...imports.flatMap((one) => [
      ...forbiddenRoom(one),
      ...forbiddenPackage(one),
      ...(one.to !== undefined && !sources.has(one.to)
        ? [`${one.from} imports ${one.to}, which is not there`]
        : []),
    ]),
    ...cyclesOf(imports),
  ];
}

function ruleOf(file: string): RoomRule | undefined {
  const room = roomOf(file);
  return room === undefined ? undefined : rooms[room];
}

function forbiddenRoom({ from, to, isTypeOnly }: Import): string[] {
  const [home, room] = [roomOf(from), to === undefined ? undefined : roomOf(to)];
  const rule = ruleOf(from);
  if (room === undefined || home === room || rule === undefined) return [];
  if (rule.uses.includes(room)) return [];
  if (rule.knows?.includes(room) === true && isTypeOnly) return [];
  const how = rule.knows?.includes(room) === true ? 'may know only types of' : 'may not import';
  return [`${from}: ${home} ${how} ${room} (${to})`];
}

function forbiddenPackage({ from, specifier, to }: Import): string[] {
  if (to !== undefined) return [];
  if (specifier.startsWith('node:')) {
    return ruleOf(from)?.touchesNode === true
      ? []
      : [`${from}: ${roomOf(from)} is pure and may not import ${specifier}`];
  }
  const door = doorkeepers[specifier];
  if (door === undefined) return [`${from} imports ${specifier}, which has no doorkeeper`];
  return from.startsWith(door) ? [] : [`${from} imports ${specifier}, whose doorkeeper is ${door}`];
}

/** Circles of imports, types included: each as the way round. */
export function cyclesOf(imports: readonly Import[]): string[] {
  const next = new Map<string, string[]>();
  for (const { from, to } of imports) if (to !== undefined) next.set(from, [...(next.get(from) ?? []), to]);
  const done = new Set<string>();
  const cycles: string[] = [];
  const visit = (file: string, way: readonly string[]): void => {
    if (way.includes(file)) {
      cycles.push(`a circle of imports: ${[...way.slice(way.indexOf(file)), file].join(' -> ')}`);
      return;
    }
    if (done.has(file)) return;
    for (const target of next.get(file) ?? []) visit(target, [...way, file]);
    done.add(file);
  };
  for (const file of next.keys()) visit(file, []);
  return cycles;
}

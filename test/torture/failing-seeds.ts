/**
 * Seeds that have failed once, kept in `failing-seeds.json` and run before all others, for ever. The file is committed: a
 * seed that found a bug is a regression test that cost a lot, and belongs to everybody. A run adds to it only when a row
 * has failed, so a tree in which all is well stays as it is.
 */

import { readFileSync, writeFileSync } from 'node:fs';
import { sourceFile } from './places.js';

const file = sourceFile('failing-seeds.json');
/** More would make every later run long; the oldest stay. */
const seedsMax = 50;

type Seeds = Readonly<Record<string, readonly number[]>>;

function readAll(): Seeds {
  return JSON.parse(readFileSync(file, 'utf8')) as Seeds;
}

/** The seeds at which this row has failed. */
export function failingSeeds(row: string): readonly number[] {
  return readAll()[row] ?? [];
}

/** Keeps these seeds for this row. */
export function keepFailingSeeds(row: string, seeds: Iterable<number>): void {
  // What is below 0 belongs to no trial.
  const known = [...seeds].filter((seed) => seed >= 0);
  const kept = [...new Set([...failingSeeds(row), ...known])].slice(0, seedsMax);
  writeFileSync(file, `${JSON.stringify({ ...readAll(), [row]: kept }, null, 2)}\n`);
}

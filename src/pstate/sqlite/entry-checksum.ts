/**
 * The checksum of an entry: crc32 over its place and its value, so that a value that got to another key, view, build or space is
 * noticed as well as one that was changed. It does not tell an older value of the same key from the newest.
 */

import { crc32 } from 'node:zlib';
import type { ViewBuild } from '../port.js';

/** What the entries of one build have in common. */
export function buildSeed(spaceId: number, { name, version, build }: ViewBuild): number {
  return crc32(`${spaceId}\0${name}\0${version}\0${build}\0`);
}

/** The checksum of the entry at `key`. */
export function entryChecksum(seed: number, key: string, value: Uint8Array): number {
  return crc32(value, crc32(`${key}\0`, seed));
}

/** What entries had up to version 2 of the format: the value alone. */
export function valueChecksum(value: Uint8Array): number {
  return crc32(value);
}

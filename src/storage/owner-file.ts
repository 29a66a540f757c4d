/**
 * `owner.json`: who owns a data directory, for people and for the error that they get. It decides nothing: the lock
 * does. A stale one, left by a process that was killed, is overwritten by the next owner.
 */

import { readFile, rename, rm, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';

/** The owner of a data directory. */
export interface Owner {
  readonly pid: number;
  readonly host: string;
  /** Milliseconds since the Unix epoch. */
  readonly startedAt: number;
}

/** This process as the owner. */
export function thisOwner(startedAt: number): Owner {
  return { pid: process.pid, host: hostname(), startedAt };
}

/** Replaces the file in one step, so that a reader sees the old or the new owner. */
export async function writeOwner(file: string, owner: Owner): Promise<void> {
  const draft = `${file}.${process.pid}.tmp`;
  try {
    await writeFile(draft, `${JSON.stringify(owner)}\n`);
    await rename(draft, file);
  } catch (error) {
    await rm(draft, { force: true }).catch(() => {});
    throw error;
  }
}

/** The owner in the file, or undefined when there is none or it cannot be read. */
export async function readOwner(file: string): Promise<Owner | undefined> {
  try {
    const owner: unknown = JSON.parse(await readFile(file, 'utf8'));
    return isOwner(owner) ? owner : undefined;
  } catch {
    return undefined;
  }
}

/** Removes the file, where that can be done: one that stays behind is overwritten by the next owner. */
export async function removeOwner(file: string): Promise<void> {
  await rm(file, { force: true }).catch(() => {});
}

function isOwner(owner: unknown): owner is Owner {
  if (typeof owner !== 'object' || owner === null) return false;
  const { pid, host, startedAt } = owner as Record<string, unknown>;
  const isTime = typeof startedAt === 'number' && !Number.isNaN(new Date(startedAt).getTime());
  return Number.isSafeInteger(pid) && typeof host === 'string' && isTime;
}

/**
 * A file with one JSON line per acknowledged command: what somebody outside was promised. Written with a plain
 * synchronous write right after the acknowledgement, so that it survives the kill of this process, and read by
 * `verify-log.ts`, which holds it against the data.
 */

import { closeSync, fstatSync, openSync, readSync, writeSync } from 'node:fs';
import { TextFile } from '../demo/text-file.js';

/** One acknowledged command that made one event. */
export interface Acknowledgement {
  readonly space: string;
  readonly contactId: string;
  readonly commandId: string;
  readonly spaceSequence: number;
  readonly eventId: number;
}

/** The file, open for appending. */
export class AcknowledgedLog {
  readonly #file: number;

  /** Opens or creates the file. */
  constructor(path: string) {
    this.#file = openSync(path, 'a+');
    if (!this.#endsWithLine()) writeSync(this.#file, '\n');
  }

  append(acknowledgement: Acknowledgement): void {
    writeSync(this.#file, `${JSON.stringify(acknowledgement)}\n`);
  }

  close(): void {
    closeSync(this.#file);
  }

  /** A killed run may have left half a line; the next one must not be glued to it. */
  #endsWithLine(): boolean {
    const { size } = fstatSync(this.#file);
    if (size === 0) return true;
    const last = Buffer.alloc(1);
    readSync(this.#file, last, 0, 1, size - 1);
    return last[0] === 0x0a;
  }
}

/** What a file of acknowledgements says. */
export interface ReadAcknowledgements {
  readonly bySpace: ReadonlyMap<string, readonly Acknowledgement[]>;
  /** Lines that are no acknowledgement: at most the one that a kill cut short, per killed run. */
  readonly unreadableLines: number;
}

/** Reads the file that an `AcknowledgedLog` has written. */
export async function readAcknowledgements(path: string): Promise<ReadAcknowledgements> {
  const bySpace = new Map<string, Acknowledgement[]>();
  let unreadableLines = 0;
  for await (const { text } of (await TextFile.open(path)).lines()) {
    const acknowledgement = acknowledgementOf(text);
    if (acknowledgement === undefined) {
      unreadableLines++;
      continue;
    }
    const ofSpace = bySpace.get(acknowledgement.space);
    if (ofSpace === undefined) bySpace.set(acknowledgement.space, [acknowledgement]);
    else ofSpace.push(acknowledgement);
  }
  return { bySpace, unreadableLines };
}

function acknowledgementOf(text: string): Acknowledgement | undefined {
  try {
    const read = JSON.parse(text) as Partial<Acknowledgement> | null;
    const isWhole =
      typeof read?.space === 'string' &&
      typeof read.contactId === 'string' &&
      typeof read.commandId === 'string' &&
      typeof read.spaceSequence === 'number' &&
      typeof read.eventId === 'number';
    return isWhole ? (read as Acknowledgement) : undefined;
  } catch {
    return undefined;
  }
}

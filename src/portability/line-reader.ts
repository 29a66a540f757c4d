/**
 * Lines out of chunks of bytes that somebody else gives, at their own pace.
 *
 * Invariants: it holds one line and one chunk at most; a line is bounded; a source that gives nothing for too long is given up;
 * whatever ends the reading, the source is told.
 */

import type { Clock } from '../core/clock.js';
import { invalidInput, RamaxError } from '../core/errors.js';

const lineFeed = 0x0a;

/** How to read. */
export interface LineReaderOptions {
  readonly source: AsyncIterable<Uint8Array>;
  readonly clock: Clock;
  readonly lineBytesMax: number;
  /** How long the source may take for a chunk. */
  readonly chunkTimeoutMs: number;
}

/** A line without its line feed. */
export interface Line {
  /** From 1. */
  readonly number: number;
  readonly bytes: Uint8Array;
}

/**
 * The lines of a source. The last one, too, ends with a line feed.
 *
 * @throws {RamaxError} `invalid_input` for chunks that are no bytes, `timeout`, `corrupt` for a line without an end, and what the
 *   source throws
 */
export async function* linesOf(options: LineReaderOptions): AsyncGenerator<Line, void, void> {
  const { source, lineBytesMax } = options;
  const iterator = source[Symbol.asyncIterator]();
  let number = 1;
  let isExhausted = false;
  let held: Uint8Array[] = [];
  let heldBytes = 0;
  try {
    for (;;) {
      const next = await inTime(iterator.next(), options);
      if (next.done === true) break;
      const chunk: unknown = next.value;
      if (!(chunk instanceof Uint8Array)) throw invalidInput('source', 'chunks of bytes (Uint8Array)', chunk);
      let start = 0;
      for (let end = chunk.indexOf(lineFeed); end !== -1; end = chunk.indexOf(lineFeed, start)) {
        const bytes = joined([...held, chunk.subarray(start, end)], heldBytes + end - start);
        if (bytes.length > lineBytesMax) throw tooLong(number, lineBytesMax);
        held = [];
        heldBytes = 0;
        yield { number, bytes };
        number += 1;
        start = end + 1;
      }
      if (start === chunk.length) continue;
      // A copy: the source may use its buffer again.
      held.push(new Uint8Array(chunk.subarray(start)));
      heldBytes += chunk.length - start;
      if (heldBytes > lineBytesMax) throw tooLong(number, lineBytesMax);
    }
    isExhausted = true;
    if (heldBytes > 0) throw damaged(number, 'it has no end: the file was cut off');
  } finally {
    // Not waited for: a source that hangs would hang this as well.
    if (!isExhausted) void Promise.resolve(iterator.return?.()).catch(() => {});
  }
}

/** `corrupt`, with the line. */
export function damaged(line: number, why: string): RamaxError {
  return new RamaxError('corrupt', `line ${line} of the file: ${why}`, { details: { line } });
}

function tooLong(line: number, bytesMax: number): RamaxError {
  return damaged(line, `it is longer than ${bytesMax} bytes`);
}

function joined(parts: readonly Uint8Array[], length: number): Uint8Array {
  const [only] = parts;
  if (parts.length === 1 && only !== undefined) return only;
  const bytes = new Uint8Array(length);
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}

function inTime<Result>(answer: Promise<Result>, options: LineReaderOptions): Promise<Result> {
  const { clock, chunkTimeoutMs } = options;
  return new Promise((resolve, reject) => {
    const timer = clock.after(chunkTimeoutMs, () => {
      reject(new RamaxError('timeout', `the source has given nothing for ${chunkTimeoutMs} ms`));
    });
    answer.then(resolve, reject).finally(() => timer.cancel());
  });
}

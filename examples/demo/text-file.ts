/**
 * The lines of a text file, plain or gzipped, as a stream: memory holds one chunk and one line, however long the
 * file is. Called by the readers of logs.
 */

import { createReadStream } from 'node:fs';
import { open, stat } from 'node:fs/promises';
import { pipeline, type Readable } from 'node:stream';
import { createGunzip } from 'node:zlib';

/** One line without its end, numbered from 1 as an editor would. */
export interface TextLine {
  readonly number: number;
  readonly text: string;
}

/** Longer lines are cut off here, so that a file without line ends does not fill the memory. */
export const lineCharsMax = 64 * 1024;

/** A text file that is read once, with its progress. */
export class TextFile {
  readonly bytes: number;
  readonly #path: string;
  readonly #isGzipped: boolean;
  #bytesRead = 0;

  private constructor(path: string, bytes: number, isGzipped: boolean) {
    this.#path = path;
    this.bytes = bytes;
    this.#isGzipped = isGzipped;
  }

  /** Looks at the file's first bytes: gzip is known by them, whatever the file is called. */
  static async open(path: string): Promise<TextFile> {
    const { size } = await stat(path);
    const file = await open(path);
    try {
      const { bytesRead, buffer } = await file.read(Buffer.alloc(2), 0, 2, 0);
      const isGzipped = bytesRead === 2 && buffer[0] === 0x1f && buffer[1] === 0x8b;
      return new TextFile(path, size, isGzipped);
    } finally {
      await file.close();
    }
  }

  /** Bytes of the file (compressed ones, if it is) that have been read so far. */
  get bytesRead(): number {
    return this.#bytesRead;
  }

  /** The lines, in order. Throws what reading or unpacking throws, such as the error of a file that is cut short. */
  async *lines(): AsyncGenerator<TextLine> {
    let number = 0;
    let rest = '';
    for await (const chunk of this.#chunks()) {
      const pieces = (rest + chunk).split('\n');
      rest = (pieces.pop() ?? '').slice(0, lineCharsMax + 1);
      for (const piece of pieces) yield { number: ++number, text: withoutReturn(piece) };
    }
    if (rest !== '') yield { number: ++number, text: withoutReturn(rest) };
  }

  #chunks(): AsyncIterable<string> {
    const file = createReadStream(this.#path);
    file.on('data', (chunk) => {
      this.#bytesRead += chunk.length;
    });
    // The callback is there only to be there: `pipeline` destroys the last stream with the error, which the loop throws.
    const bytes: Readable = this.#isGzipped ? pipeline(file, createGunzip(), () => {}) : file;
    return bytes.setEncoding('utf8');
  }
}

function withoutReturn(line: string): string {
  const end = line.endsWith('\r') ? line.length - 1 : line.length;
  return line.slice(0, Math.min(end, lineCharsMax + 1));
}

/** What a process holds while it runs long: memory, file handles and the write-ahead log, which must stay flat. */

import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';

const sampleMs = 2_000;
/** The first part of a run warms up: caches fill, pools start. */
const warmUpShare = 0.25;
const growthMax = 1.5;
/** The bound of the write-ahead log under load, and room for one transaction more. */
const walBytesMax = 160 * 1024 * 1024;
const handlesMoreMax = 24;

interface Sample {
  readonly rssMb: number;
  readonly handles: number;
  readonly walBytes: number;
}

/** See the head of this file. */
export class Meter {
  readonly #directory: string;
  readonly #samples: Sample[] = [];
  readonly #timer: NodeJS.Timeout;

  constructor(directory: string) {
    this.#directory = directory;
    this.#timer = setInterval(() => this.#sample(), sampleMs);
  }

  /** Ends, and says what has grown. */
  stop(say: (what: string) => void): void {
    clearInterval(this.#timer);
    const warm = this.#samples.slice(Math.floor(this.#samples.length * warmUpShare));
    const half = Math.floor(warm.length / 2);
    const [early, late] = [warm.slice(0, half), warm.slice(half)];
    if (early.length === 0) return;
    const medianOf = (samples: readonly Sample[], of: keyof Sample): number =>
      samples.map((sample) => sample[of]).sort((left, right) => left - right)[
        Math.floor(samples.length / 2)
      ] ?? 0;
    const [rssBefore, rssAfter] = [medianOf(early, 'rssMb'), medianOf(late, 'rssMb')];
    if (rssAfter > rssBefore * growthMax) say(`memory grew from ${rssBefore} to ${rssAfter} MiB`);
    const [before, after] = [medianOf(early, 'handles'), medianOf(late, 'handles')];
    if (after > before + handlesMoreMax) say(`file handles grew from ${before} to ${after}`);
    const wal = Math.max(...this.#samples.map(({ walBytes }) => walBytes));
    if (wal > walBytesMax) say(`the write-ahead log grew to ${wal} bytes`);
  }

  /** The largest of everything. */
  get figures(): Sample {
    const most = (of: keyof Sample): number => Math.max(0, ...this.#samples.map((sample) => sample[of]));
    return { rssMb: most('rssMb'), handles: most('handles'), walBytes: most('walBytes') };
  }

  #sample(): void {
    this.#samples.push({
      rssMb: Math.round(process.memoryUsage.rss() / 2 ** 20),
      handles: countOf('/proc/self/fd'),
      walBytes: sizeOf(join(this.#directory, 'ramax.db-wal')),
    });
  }
}

function countOf(folder: string): number {
  try {
    return readdirSync(folder).length;
  } catch {
    return 0;
  }
}

function sizeOf(file: string): number {
  try {
    return statSync(file).size;
  } catch {
    return 0;
  }
}

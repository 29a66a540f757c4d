/**
 * How long a death is felt: `node dist/bench/gaps/main.js`.
 *
 * Clients with one command in flight each, on the spaces of two shards. A shard is ended now and then in the middle of a command,
 * or the writer in the middle of a commit. For each death and each client: the longest time between two of its answers around it.
 * Beside it the same without a death.
 *
 * Not measured: threads that hang (they are noticed after `hangTimeoutMs`, the rest is the same), spaces with a long history
 * behind their checkpoint, other machines, other disks.
 */

import { writeFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import Table from 'cli-table3';
import { Ramax, type SpaceHandle } from 'ramax';
import { mortalStorage } from './mortal-storage.js';
import type app from './tally.app.js';

const { values } = parseArgs({
  options: {
    deaths: { type: 'string', default: '20' },
    spaces: { type: 'string', default: '8' },
    apart: { type: 'string', default: '1500' },
  },
});
const deaths = Number(values.deaths);
const spaces = Number(values.spaces);
/** Between two deaths, so that each finds all threads at work. */
const apartMs = Number(values.apart);
/** Between two calls of a client: the machine shall not be the bound. */
const pauseMs = 2;

/** A client: when its answers came. */
class Client {
  readonly #space: SpaceHandle<typeof app>;
  #answers: number[] = [];
  #isRunning = true;
  readonly ended: Promise<void>;

  constructor(space: SpaceHandle<typeof app>) {
    this.#space = space;
    this.ended = this.#run();
  }

  get shard(): number {
    return this.#space.spaceId % 2;
  }

  /** The longest time between two answers since it was asked last. */
  takeGap(): number {
    const answers = this.#answers;
    this.#answers = answers.slice(-1);
    return Math.max(...answers.slice(1).map((at, index) => at - (answers[index] ?? at)));
  }

  /** Resolves after its next answer. */
  async answered(): Promise<void> {
    const before = this.#answers.at(-1);
    while (this.#answers.at(-1) === before) await sleep(pauseMs);
  }

  stop(): Promise<void> {
    this.#isRunning = false;
    return this.ended;
  }

  async #run(): Promise<void> {
    for (let n = 0; this.#isRunning; n++) {
      await this.#space.execute('count', n);
      this.#answers.push(performance.now());
      await sleep(pauseMs);
    }
  }
}

const directory = await mkdtemp(resolve('.', '.ramax-bench-'));
try {
  await measure();
} finally {
  await rm(directory, { recursive: true, force: true });
}

async function measure(): Promise<void> {
  const trigger = join(directory, 'end-the-writer');
  const ramax = await Ramax.start<typeof app>({
    app: new URL('./tally.app.js', import.meta.url),
    storage: mortalStorage(directory, trigger),
    shards: 2,
    limits: { restartsMax: 1_000_000, restartWindowMs: Math.max(1, Math.floor(apartMs / 2)) },
  });
  const handles = await Promise.all(
    Array.from({ length: spaces }, (_, index) => ramax.spaces.getOrCreate(`space ${index}`)),
  );
  const fatal = await ramax.spaces.getOrCreate('fatal');
  const dying = fatal.spaceId % 2;
  const clients = handles.map((handle) => new Client(handle));
  const gaps = { none: [] as number[], others: [] as number[], own: [] as number[], writer: [] as number[] };
  const around = async (end: () => void): Promise<void> => {
    for (const client of clients) client.takeGap();
    await sleep(apartMs / 3);
    end();
    await sleep((apartMs * 2) / 3);
    // However long it takes: a gap is taken when it is over.
    await Promise.all(clients.map((client) => client.answered()));
  };
  await sleep(apartMs);
  for (let death = 0; death < deaths; death++) {
    process.stderr.write(`death ${death + 1} of ${deaths}\n`);
    await around(() => {});
    for (const client of clients) gaps.none.push(client.takeGap());
    await around(() => {
      const file = join(directory, 'end-the-shard');
      writeFileSync(file, '');
      void fatal.execute('end', file);
    });
    for (const client of clients) (client.shard === dying ? gaps.own : gaps.others).push(client.takeGap());
    await around(() => writeFileSync(trigger, ''));
    for (const client of clients) gaps.writer.push(client.takeGap());
  }
  await Promise.all(clients.map((client) => client.stop()));
  const { restarts } = await ramax.stats();
  await ramax.close();
  report(gaps, restarts);
}

function report(
  gaps: Readonly<Record<'none' | 'others' | 'own' | 'writer', number[]>>,
  restarts: { readonly writer: number; readonly shards: readonly number[] },
): void {
  const table = new Table({ head: ['longest time between two answers, ms', 'p50', 'p99', 'max'] });
  const rows = [
    ['nobody dies', gaps.none],
    ['a shard dies: spaces of the other shard', gaps.others],
    ['a shard dies: its spaces', gaps.own],
    ['the writer dies: all spaces', gaps.writer],
  ] as const;
  for (const [name, values] of rows) {
    const sorted = [...values].sort((left, right) => left - right);
    const at = (share: number): string =>
      (sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0).toFixed(1);
    table.push([name, at(0.5), at(0.99), at(1)]);
  }
  process.stdout.write(`${table.toString()}\n`);
  const { writer, shards } = restarts;
  process.stdout.write(`${deaths} of each; restarts: writer ${writer}, shards ${shards.join(' and ')}\n`);
}

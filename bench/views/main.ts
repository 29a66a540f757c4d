/**
 * What views cost while they are made anew: `node dist/bench/views/main.js`.
 *
 *   raise    the version of a view is raised on a stopped database: how soon is the first command answered, how soon
 *            is every space's view of the new version, and what do commands notice meanwhile
 *   rebuild  one space with a long history is rebuilt while commands go on: what do they notice
 *
 * Not measured: several processes, disks that are slower than the machine's own, views with heavy projections.
 */

import { mkdtemp, rm } from 'node:fs/promises';
import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import Table from 'cli-table3';
import { build, type Histogram } from 'hdr-histogram-js';
import { Ramax, type SpaceHandle } from 'ramax';
import { sqlite } from 'ramax/storage/sqlite';
import { spreadOf } from '../spread.js';
import type app from './directory.app.js';

type Directory = SpaceHandle<typeof app>;
type Runtime = Ramax<typeof app>;

const { values } = parseArgs({
  options: {
    spaces: { type: 'string', default: '100' },
    events: { type: 'string', default: '1000' },
    history: { type: 'string', default: '10000' },
    rounds: { type: 'string', default: '5' },
    shards: { type: 'string', default: '2' },
  },
});
const spaces = Number(values.spaces);
const events = Number(values.events);
const history = Number(values.history);
const rounds = Number(values.rounds);
const shards = Number(values.shards);

/** Figures of one trial by name, milliseconds. */
type Figures = ReadonlyMap<string, number>;

const raises: Figures[] = [];
const mainRaises: Figures[] = [];
const rebuilds: Figures[] = [];
for (let round = 0; round < rounds; round++) {
  process.stderr.write(`round ${round + 1} of ${rounds}\n`);
  const directory = await mkdtemp(resolve('.', '.ramax-bench-'));
  try {
    await fill(directory);
    raises.push(await raise(directory, 'byEmail=2'));
    mainRaises.push(await raise(directory, 'byEmail=2&main=2'));
    rebuilds.push(await rebuild(directory));
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}
report(`the version of a further view raised: ${spaces} spaces of ${events} events`, raises);
report(`the version of the main view raised: ${spaces} spaces of ${events} events`, mainRaises);
report(`one space of ${history} events rebuilt under load`, rebuilds);

function start(directory: string, versions: string): Promise<Runtime> {
  const url = new URL(`./directory.app.js?${versions}`, import.meta.url);
  return Ramax.start<typeof app>({ app: url, storage: sqlite({ directory }), shards, overload: 'wait' });
}

async function fill(directory: string): Promise<void> {
  await using ramax = await start(directory, 'byEmail=1');
  for (let index = 0; index < spaces; index++) await put(await space(ramax, index), events);
  await put(await ramax.spaces.getOrCreate('long'), history);
}

function space(ramax: Runtime, index: number): Promise<Directory> {
  return ramax.spaces.getOrCreate(`space-${index}`);
}

async function put(target: Directory, count: number): Promise<void> {
  const answers: Promise<unknown>[] = [];
  for (let n = 0; n < count; n++) answers.push(putOne(target, n));
  await Promise.all(answers);
}

function putOne(target: Directory, n: number): Promise<unknown> {
  const id = `c${n % 500}`;
  return target.execute('putContact', { id, name: `Grace Hopper ${n}`, email: `${id}@acme.example` });
}

async function raise(directory: string, versions: string): Promise<Figures> {
  const figures = new Map<string, number>();
  const began = performance.now();
  const passed = (name: string): unknown => figures.set(name, performance.now() - began);
  await using ramax = await start(directory, versions);
  passed('start');
  const first = await space(ramax, 0);
  await putOne(first, 1);
  passed('first command answered');
  await first.query('idOf', 'c1@acme.example');
  passed('first query of the raised view answered');
  const during = newHistogram();
  const load = closedLoop(ramax, during);
  while (!(await isDone(ramax))) await new Promise((wake) => setTimeout(wake, 20));
  passed('every view of the new version');
  await load.stop();
  const after = newHistogram();
  const calm = closedLoop(ramax, after);
  await new Promise((wake) =>
    setTimeout(wake, Math.max(500, figures.get('every view of the new version') ?? 0)),
  );
  await calm.stop();
  addLatencies(figures, 'while they are filled', during);
  addLatencies(figures, 'afterwards', after);
  return figures;
}

/** Every space has been opened by its filling, and none is being filled. */
async function isDone(ramax: Runtime): Promise<boolean> {
  const stats = await ramax.stats();
  let live = 0;
  for (const { views } of stats.shards) live += views.find(({ view }) => view === 'byEmail')?.live ?? 0;
  return live > spaces;
}

async function rebuild(directory: string): Promise<Figures> {
  const figures = new Map<string, number>();
  await using ramax = await start(directory, 'byEmail=2&main=2');
  const long = await ramax.spaces.getOrCreate('long');
  await long.fetch('contact:c1');
  const [during, calm] = [newHistogram(), newHistogram()];
  const before = closedLoop(ramax, calm, long);
  await new Promise((wake) => setTimeout(wake, 500));
  await before.stop();
  const load = closedLoop(ramax, during, long);
  const began = performance.now();
  const { eventsApplied } = await long.rebuild();
  figures.set('rebuild', performance.now() - began);
  figures.set('events applied', eventsApplied);
  await load.stop();
  addLatencies(figures, 'during it', during);
  addLatencies(figures, 'before it', calm);
  return figures;
}

/** One command in flight, of one space or of all in turn. */
function closedLoop(ramax: Runtime, latencies: Histogram, only?: Directory): { stop(): Promise<void> } {
  let goesOn = true;
  const run = async (): Promise<void> => {
    for (let n = 0; goesOn; n++) {
      const target = only ?? (await space(ramax, n % spaces));
      const sent = performance.now();
      await putOne(target, n);
      latencies.recordValue(Math.round((performance.now() - sent) * 1_000));
    }
  };
  const done = run();
  return {
    stop() {
      goesOn = false;
      return done;
    },
  };
}

function newHistogram(): Histogram {
  return build({ lowestDiscernibleValue: 1, highestTrackableValue: 600_000_000 });
}

function addLatencies(figures: Map<string, number>, when: string, latencies: Histogram): void {
  figures.set(`command p50 ${when}`, latencies.getValueAtPercentile(50) / 1_000);
  figures.set(`command p99 ${when}`, latencies.getValueAtPercentile(99) / 1_000);
  figures.set(`command max ${when}`, latencies.maxValue / 1_000);
}

function report(title: string, trials: readonly Figures[]): void {
  const table = new Table({ head: [title, 'median ms', 'min', 'max'], style: { head: [] } });
  for (const name of trials[0]?.keys() ?? []) {
    const { median, min, max } = spreadOf(trials.flatMap((trial) => trial.get(name) ?? []));
    table.push([name, median.toFixed(1), min.toFixed(1), max.toFixed(1)]);
  }
  process.stdout.write(`${table.toString()}\n`);
}

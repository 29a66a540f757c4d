/**
 * What telemetry costs: `node dist/bench/telemetry/main.js`. Commands of one runtime, 1,024 in flight over several spaces, in four
 * ways that alternate in one run; the ratio is that of each way to the first in the same round.
 *
 *   absent    no telemetry is given and no channel has a subscriber
 *   silent    telemetry is given whose hooks want nothing: every command passes the observation
 *   metrics   OpenTelemetry's metrics
 *   traces    OpenTelemetry's traces, 1 % sampled
 *
 * Not measured: exporters that send, several processes, other samplers. Code before there was telemetry is another checkout: run
 * `absent` there.
 */

import { mkdtemp, rm } from 'node:fs/promises';
import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { MeterProvider } from '@opentelemetry/sdk-metrics';
import { BasicTracerProvider, TraceIdRatioBasedSampler } from '@opentelemetry/sdk-trace-base';
import Table from 'cli-table3';
import { Ramax, type RamaxFigures, type Telemetry } from 'ramax';
import { sqlite } from 'ramax/storage/sqlite';
import { openTelemetry } from 'ramax/telemetry';
import { spreadOf } from '../spread.js';
import type app from '../views/directory.app.js';

const { values } = parseArgs({
  options: {
    commands: { type: 'string', default: '100000' },
    inFlight: { type: 'string', default: '1024' },
    spaces: { type: 'string', default: '100' },
    rounds: { type: 'string', default: '7' },
    shards: { type: 'string', default: '1' },
  },
});
const commands = Number(values.commands);
const inFlight = Number(values.inFlight);
const spaces = Number(values.spaces);

const silent: Telemetry<RamaxFigures> = {
  start: () => ({ observes: { turns: false, commits: false, spans: false } }),
};
const ways = new Map<string, () => Telemetry<RamaxFigures> | undefined>([
  ['absent', () => undefined],
  ['silent', () => silent],
  ['metrics', () => openTelemetry({ meterProvider: new MeterProvider(), tracerProvider: false })],
  ['traces', () => openTelemetry({ meterProvider: false, tracerProvider: sampled(0.01) })],
]);

function sampled(ratio: number): BasicTracerProvider {
  return new BasicTracerProvider({ sampler: new TraceIdRatioBasedSampler(ratio) });
}

const rounds: Map<string, number>[] = [];
for (let round = 0; round < Number(values.rounds); round++) {
  process.stderr.write(`round ${round + 1} of ${values.rounds}\n`);
  const figures = new Map<string, number>();
  for (const [way, telemetry] of ways) figures.set(way, await commandsPerSecond(telemetry()));
  rounds.push(figures);
}
report();

async function commandsPerSecond(telemetry: Telemetry<RamaxFigures> | undefined): Promise<number> {
  const directory = await mkdtemp(resolve('.', '.ramax-bench-'));
  try {
    const ramax = await Ramax.start<typeof app>({
      app: new URL('../views/directory.app.js?byEmail=1', import.meta.url),
      storage: sqlite({ directory }),
      shards: Number(values.shards),
      ...(telemetry === undefined ? {} : { telemetry }),
    });
    try {
      return await measure(ramax);
    } finally {
      await ramax.close();
    }
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

async function measure(ramax: Ramax<typeof app>): Promise<number> {
  const targets = await Promise.all(
    Array.from({ length: spaces }, (_, index) => ramax.spaces.getOrCreate(`space-${index}`)),
  );
  let next = 0;
  const worker = async (): Promise<void> => {
    for (let n = next++; n < commands; n = next++) {
      const id = `c${n % 500}`;
      const contact = { id, name: `Grace Hopper ${n}`, email: `${id}@acme.example` };
      await targets[n % spaces]?.execute('putContact', contact);
    }
  };
  const began = performance.now();
  await Promise.all(Array.from({ length: inFlight }, worker));
  return (commands * 1_000) / (performance.now() - began);
}

function report(): void {
  const head = ['telemetry', 'commands/s', 'min', 'max', 'to absent', 'min', 'max'];
  const table = new Table({ head, style: { head: [] } });
  for (const way of ways.keys()) {
    const speed = spreadOf(rounds.map((round) => round.get(way) ?? 0));
    const ratio = spreadOf(rounds.map((round) => (round.get(way) ?? 0) / (round.get('absent') ?? 1)));
    table.push([
      way,
      ...[speed.median, speed.min, speed.max].map((figure) => figure.toFixed(0)),
      ...[ratio.median, ratio.min, ratio.max].map((figure) => figure.toFixed(3)),
    ]);
  }
  process.stdout.write(`${table.toString()}\n`);
}

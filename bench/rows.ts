/** Every row of the report, group by group. The trials of a run follow from its rows. Pure. */

import type { CommandConfiguration, Configuration, ReadConfiguration } from './configuration.js';
import { besides, peerNames } from './configuration.js';
import { peers } from './peers.js';
import { coreGroups, type GroupName, groupNames, type Row, type Source } from './row.js';
import { seedRows } from './seed-rows.js';
import type { Sizes } from './sizes.js';
import type { FigureName } from './trial-spec.js';
import { inFlightSteps } from './workloads.js';

export { coreGroups, groupNames };

/** The rows of some groups, in the order of the report. */
export function rowsOf(groups: readonly GroupName[], sizes: Sizes): readonly Row[] {
  return groupNames.filter((group) => groups.includes(group)).flatMap((group) => makers[group](sizes));
}

const makers: Readonly<Record<GroupName, (sizes: Sizes) => readonly Row[]>> = {
  w1: walkRows,
  w2: hotSpaceRows,
  w3: readRows,
  w4: rebuildRows,
  w5: streamRows,
  seed: seedRows,
  w6: longLogRows,
  w7: coldStartRows,
  memory: memoryRows,
  fairness: fairnessRows,
  peers: peerRows,
};

const whole = new Intl.NumberFormat('en-US');

type CommandChoice = Pick<CommandConfiguration, 'workload' | 'subject' | 'inFlight'> &
  Partial<Pick<CommandConfiguration, 'withIds' | 'history'>>;

function commands(choice: CommandChoice, figure: FigureName = 'perSecond'): Source {
  return { configuration: { kind: 'commands', withIds: false, history: 0, ...choice }, figure };
}

function walkRows(): readonly Row[] {
  const busiest = { workload: 'w1', inFlight: 1_024 } as const;
  const ramax = commands({ ...busiest, subject: 'ramax' });
  const beside = (id: string, name: string, source: Source): Row => ({
    id,
    group: 'w1',
    title: 'W1, 1,024 in flight',
    unit: 'per second',
    ramax,
    yardstick: { name, ...source },
  });
  return [
    ...walksBesideByHand('w1', false),
    beside('w1-1024-naive', 'naive', commands({ workload: 'w1', inFlight: 1, subject: 'naive' })),
    beside('w1-1024-raw', 'raw', raw('raw')),
    beside('w1-1024-raw-log', 'raw log', raw('raw log')),
    ...walksBesideByHand('w1', true),
    {
      id: 'w1-1-p50',
      group: 'w1',
      title: 'W1, 1 in flight, p50',
      unit: 'µs',
      ramax: commands({ workload: 'w1', inFlight: 1, subject: 'ramax' }, 'p50Micros'),
      yardstick: { name: 'p50 of a raw commit', ...raw('raw commit', 'p50Micros') },
    },
    {
      id: 'w1-64-p99',
      group: 'w1',
      title: 'W1, 64 in flight, p99',
      unit: 'µs',
      ramax: commands({ workload: 'w1', inFlight: 64, subject: 'ramax' }, 'p99Micros'),
      yardstick: {
        name: 'its own p50',
        ...commands({ workload: 'w1', inFlight: 64, subject: 'ramax' }, 'p50Micros'),
      },
    },
    {
      id: 'w1-1024-cpu',
      group: 'w1',
      title: 'W1, 1,024 in flight, CPU of all threads per command',
      unit: 'µs',
      ramax: commands({ ...busiest, subject: 'ramax' }, 'cpuMicros'),
      yardstick: { name: 'by hand', ...commands({ ...busiest, subject: 'by hand' }, 'cpuMicros') },
    },
  ];
}

function raw(subject: 'raw' | 'raw log' | 'raw commit', figure: FigureName = 'perSecond'): Source {
  return { configuration: { kind: 'raw', subject }, figure };
}

function walksBesideByHand(workload: 'w1' | 'w2', withIds: boolean): readonly Row[] {
  return inFlightSteps.map((inFlight) => ({
    id: `${workload}-${inFlight}${withIds ? '-ids' : ''}`,
    group: workload,
    title: `${workload.toUpperCase()}, ${whole.format(inFlight)} in flight${withIds ? ', with commandId' : ''}`,
    unit: 'per second',
    ramax: commands({ workload, inFlight, withIds, subject: 'ramax' }),
    yardstick: { name: 'by hand', ...commands({ workload, inFlight, withIds, subject: 'by hand' }) },
  }));
}

function hotSpaceRows(): readonly Row[] {
  return [...walksBesideByHand('w2', false), ...walksBesideByHand('w2', true)];
}

function readRows({ historyEvents: history }: Sizes): readonly Row[] {
  const reads = (subject: ReadConfiguration['subject'], inFlight: number): Source => ({
    configuration: { kind: 'reads', subject, inFlight, history },
    figure: 'perSecond',
  });
  const yardstick = { name: 'prepared get', ...reads('prepared get', 1) };
  return (['fetch', 'query'] as const).flatMap((subject) =>
    [64, 1_024].map((inFlight) => ({
      id: `w3-${subject}-${inFlight}`,
      group: 'w3' as const,
      title: `W3, ${subject} of warm state, ${whole.format(inFlight)} in flight`,
      unit: 'per second' as const,
      ramax: reads(subject, inFlight),
      yardstick,
    })),
  );
}

function rebuildRows({ historyEvents, rebuildEvents }: Sizes): readonly Row[] {
  const rebuild = (
    subject: 'ramax' | 'by hand',
    workload: 'tenSpaces' | 'oneSpace',
    history: number,
    figure: FigureName = 'perSecond',
  ): Source => ({ configuration: { kind: 'rebuild', subject, workload, history }, figure });
  const logs = [
    ['tenSpaces', historyEvents, historyEvents / 10],
    ['oneSpace', rebuildEvents, rebuildEvents],
    ['tenSpaces', rebuildEvents, rebuildEvents / 10],
  ] as const;
  const throughputs = logs.map(
    ([workload, history, own]): Row => ({
      id: `w4-${workload}-${own === rebuildEvents ? 'long' : 'short'}`,
      group: 'w4',
      title: `W4, rebuild ${whole.format(own)} of ${whole.format(history)} events`,
      unit: 'per second',
      ramax: rebuild('ramax', workload, history),
      yardstick: { name: 'by hand', ...rebuild('by hand', workload, history) },
    }),
  );
  return [
    ...throughputs,
    {
      id: 'w4-independence',
      group: 'w4',
      title: `W4, rebuild ${whole.format(rebuildEvents)} of ${whole.format(historyEvents)} events`,
      unit: 'ms',
      ramax: rebuild('ramax', 'tenSpaces', historyEvents, 'elapsedMs'),
      yardstick: {
        name: `of ${whole.format(rebuildEvents)}`,
        ...rebuild('ramax', 'oneSpace', rebuildEvents, 'elapsedMs'),
      },
    },
  ];
}

function streamRows({ historyEvents: history }: Sizes): readonly Row[] {
  const stream = (subject: 'ramax' | 'by hand'): Source => ({
    configuration: { kind: 'stream', subject, history },
    figure: 'perSecond',
  });
  return [
    {
      id: 'w5',
      group: 'w5',
      title: `W5, stream all ${whole.format(history)} events`,
      unit: 'per second',
      ramax: stream('ramax'),
      yardstick: { name: 'raw iteration', ...stream('by hand') },
    },
  ];
}

function longLogRows({ historyEvents, longHistories }: Sizes): readonly Row[] {
  const steps = [1_024, 64];
  const walk = (subject: 'ramax' | 'by hand', inFlight: number, history: number): Source =>
    commands({ workload: 'w1', subject, inFlight, history });
  const row = (name: string, inFlight: number, history: number, yardstick: Source): Row => ({
    id: `w6-${longHistories.indexOf(history) + 1}-${inFlight}-${name.startsWith('itself') ? 'itself' : 'by-hand'}`,
    group: 'w6',
    title: `W6, W1 behind ${whole.format(history)} events, ${whole.format(inFlight)} in flight`,
    unit: 'per second',
    ramax: walk('ramax', inFlight, history),
    yardstick: { name, ...yardstick },
  });
  return longHistories.flatMap((history) =>
    steps.flatMap((inFlight) => [
      row(
        `itself behind ${whole.format(historyEvents)}`,
        inFlight,
        history,
        walk('ramax', inFlight, historyEvents),
      ),
      row('by hand', inFlight, history, walk('by hand', inFlight, history)),
    ]),
  );
}

function single(kind: 'cold start' | 'idle spaces' | 'long run' | 'overload', figure: FigureName): Source {
  return { configuration: { kind, subject: 'ramax' } satisfies Configuration, figure };
}

function coldStartRows({ coldSpaces, coldEvents, coldSamples }: Sizes): readonly Row[] {
  const where = `${whole.format(coldSpaces)} spaces, ${whole.format(coldEvents)} events`;
  const row = (id: string, what: string, figure: FigureName): Row => ({
    id,
    group: 'w7',
    title: `W7, ${where}: ${what}`,
    unit: 'ms',
    ramax: single('cold start', figure),
  });
  return [
    row('w7-ready', 'ready', 'readyMs'),
    row('w7-first', 'first answer since the start', 'firstAnswerMs'),
    row('w7-cold-p50', `first answer of a cold space, p50 of ${coldSamples}`, 'coldP50Ms'),
    row('w7-cold-p99', `the same, p99 of ${coldSamples}`, 'coldP99Ms'),
    row('w7-cold-max', `the same, the slowest of ${coldSamples}`, 'coldMaxMs'),
  ];
}

function memoryRows({ idleSpaces: [first, second], longRunCommands }: Sizes): readonly Row[] {
  const longRun = `W1, ${whole.format(longRunCommands)} commands, 1,024 in flight`;
  return [
    {
      id: 'memory-idle',
      group: 'memory',
      title: `Resident size of an idle, evicted space (${whole.format(second - first)} of them)`,
      unit: 'bytes',
      ramax: single('idle spaces', 'bytesPerSpace'),
    },
    {
      id: 'memory-flat',
      group: 'memory',
      title: `${longRun}: resident size of the last quarter`,
      unit: 'MiB',
      ramax: single('long run', 'lastQuarterBytes'),
      yardstick: { name: 'of the second', ...single('long run', 'secondQuarterBytes') },
    },
    {
      id: 'memory-long-run',
      group: 'memory',
      title: longRun,
      unit: 'per second',
      ramax: single('long run', 'perSecond'),
      // What is written behind the commits shows only in minutes.
      yardstick: {
        name: 'itself in a short trial',
        ...commands({ workload: 'w1', inFlight: 1_024, subject: 'ramax' }),
      },
    },
  ];
}

function fairnessRows(): readonly Row[] {
  const quiet = (beside: (typeof besides)[number], figure: FigureName): Source => ({
    configuration: { kind: 'fairness', subject: 'ramax', beside },
    figure,
  });
  const overload = (id: string, title: string, unit: Row['unit'], figure: FigureName): Row => ({
    id: `overload-${id}`,
    group: 'fairness',
    title: `Ten times what can be taken is offered: ${title}`,
    unit,
    ramax: single('overload', figure),
  });
  const quietRows = besides
    .filter((beside) => beside !== 'nobody')
    .flatMap((beside) =>
      (['p50Micros', 'p99Micros'] as const).map((figure) => ({
        id: `fairness-${beside
          .replaceAll(/^a | the|commands/g, '')
          .trim()
          .replaceAll(' ', '-')}-${figure.slice(0, 3)}`,
        group: 'fairness' as const,
        title: `Quiet spaces beside ${beside}, ${figure.slice(0, 3)}`,
        unit: 'µs' as const,
        ramax: quiet(beside, figure),
        yardstick: { name: 'beside nobody', ...quiet('nobody', figure) },
      })),
    );
  return [
    ...quietRows,
    {
      ...overload('accepted', 'accepted', 'per second', 'perSecond'),
      yardstick: { name: 'offered', ...single('overload', 'offeredPerSecond') },
    },
    {
      ...overload('quiet', 'quiet spaces, p99', 'µs', 'p99Micros'),
      yardstick: { name: 'their p50', ...single('overload', 'p50Micros') },
    },
    {
      ...overload('memory', 'resident size of the last quarter', 'MiB', 'lastQuarterBytes'),
      yardstick: { name: 'of the second', ...single('overload', 'secondQuarterBytes') },
    },
  ];
}

function peerRows(): readonly Row[] {
  return peerNames.flatMap((peer) =>
    (['w1', 'w2'] as const).flatMap((workload) =>
      inFlightSteps.map(
        (inFlight): Row => ({
          id: `peer-${peer}-${workload}-${inFlight}`,
          group: 'peers',
          title: `${workload.toUpperCase()}, ${whole.format(inFlight)} in flight`,
          unit: 'per second',
          ramax: commands({ workload, inFlight, subject: 'ramax' }),
          yardstick: { name: peers[peer].title, ...commands({ workload, inFlight, subject: peer }) },
          remark: peers[peer].remark,
        }),
      ),
    ),
  );
}

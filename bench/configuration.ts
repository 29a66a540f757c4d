/** What one trial measures: one subject under one workload. Plain data, and the name by which everything finds it. Pure. */

import type { Sizes } from './sizes.js';
import type { WorkloadName } from './workloads.js';

/** Who else can be measured, from `bench/peers`. */
export const peerNames = [
  'emmett-sqlite',
  'emmett-postgresql',
  'act-sqlite',
  'castore-memory',
  'postgres-group',
  'postgres-each',
] as const;

export type PeerName = (typeof peerNames)[number];

/** Who executes commands. */
export type CommandSubject = 'ramax' | 'by hand' | 'naive' | PeerName;

/** Whoever keeps a log that a trial can begin with. */
export type HistorySubject = 'ramax' | 'by hand';

/** A closed loop of commands. */
export interface CommandConfiguration {
  readonly kind: 'commands';
  readonly subject: CommandSubject;
  readonly workload: 'w1' | 'w2';
  readonly inFlight: number;
  readonly withIds: boolean;
  /** Events in the log before. */
  readonly history: number;
}

/** Events without anybody who waits (`raw`, `raw log`), or one commit after the other (`raw commit`). */
export interface RawConfiguration {
  readonly kind: 'raw';
  readonly subject: 'raw' | 'raw log' | 'raw commit';
}

/** A closed loop of reads of warm state. `prepared get` has nobody in flight: it is a function call. */
export interface ReadConfiguration {
  readonly kind: 'reads';
  readonly subject: 'fetch' | 'query' | 'prepared get';
  readonly inFlight: number;
  readonly history: number;
}

/** One space is rebuilt again and again, in a log of ten spaces or of one. */
export interface RebuildConfiguration {
  readonly kind: 'rebuild';
  readonly subject: HistorySubject;
  readonly workload: 'tenSpaces' | 'oneSpace';
  readonly history: number;
}

/** The whole log is read again and again. */
export interface StreamConfiguration {
  readonly kind: 'stream';
  readonly subject: HistorySubject;
  readonly history: number;
}

/** Who is loud while quiet spaces send their few commands. */
export const besides = [
  'nobody',
  'a flood on the same shard',
  'a flood on the other shard',
  'slow commands',
] as const;

/** The latency of quiet spaces beside a loud one. */
export interface FairnessConfiguration {
  readonly kind: 'fairness';
  readonly subject: 'ramax';
  readonly beside: (typeof besides)[number];
}

/** What is measured once in its own way, with Ramax alone. */
export interface SingleConfiguration {
  readonly kind: 'cold start' | 'idle spaces' | 'long run' | 'nouns' | 'overload';
  readonly subject: 'ramax';
}

export type Configuration =
  | CommandConfiguration
  | RawConfiguration
  | ReadConfiguration
  | RebuildConfiguration
  | StreamConfiguration
  | FairnessConfiguration
  | SingleConfiguration;

/** A log that trials begin with; made once in a run and copied for each. */
export interface History {
  readonly subject: HistorySubject;
  readonly workload: WorkloadName;
  readonly events: number;
}

/** The name of a configuration: the same for the same one, different for different ones. */
export function nameOf(configuration: Configuration): string {
  switch (configuration.kind) {
    case 'commands': {
      const { workload, subject, inFlight, withIds, history } = configuration;
      const behind = history === 0 ? '' : `, behind ${history} events`;
      return `${workload} ${subject}, ${inFlight} in flight${withIds ? ', with ids' : ''}${behind}`;
    }
    case 'raw':
      return configuration.subject;
    case 'reads':
      return `${configuration.subject}, ${configuration.inFlight} in flight`;
    case 'rebuild':
      return `rebuild ${configuration.subject}, ${configuration.workload} of ${configuration.history}`;
    case 'stream':
      return `stream ${configuration.subject}`;
    case 'fairness':
      return `quiet spaces beside ${configuration.beside}`;
    default:
      return configuration.kind;
  }
}

/** The log that a trial begins with, or undefined for an empty directory. */
export function historyOf(configuration: Configuration, { coldEvents }: Sizes): History | undefined {
  switch (configuration.kind) {
    case 'commands': {
      const { subject, workload, history } = configuration;
      if (history === 0) return undefined;
      if (subject !== 'ramax' && subject !== 'by hand') throw new Error(`${subject} begins with nothing`);
      return { subject, workload, events: history };
    }
    case 'reads': {
      const { subject, history } = configuration;
      return { subject: subject === 'prepared get' ? 'by hand' : 'ramax', workload: 'w1', events: history };
    }
    case 'rebuild':
      return {
        subject: configuration.subject,
        workload: configuration.workload,
        events: configuration.history,
      };
    case 'stream':
      return { subject: configuration.subject, workload: 'tenSpaces', events: configuration.history };
    case 'cold start':
      return { subject: 'ramax', workload: 'manySpaces', events: coldEvents };
    default:
      return undefined;
  }
}

/** The name of a history. */
export function historyNameOf({ subject, workload, events }: History): string {
  return `${subject} ${workload} ${events}`;
}

/**
 * The channels of `node:diagnostics_channel` on which a runtime publishes, and their messages. What they are in Node is in
 * `platform/diagnostic-channels.ts`; without them nobody ever listens.
 *
 * Invariant: whoever publishes asks `hasSubscribers` before it makes a message.
 */

import type { ErrorData } from '../core/errors.js';
import type { CommitFigures } from './measurements.js';
import type { ObservedCommand, ObservedUpkeep } from './telemetry.js';

/** `ramax:commit`: a transaction of the writer is on disk. Comes in batches, some 200 ms behind it. */
export type CommitMessage = CommitFigures;

/** `ramax:restart`: a thread has ended and is started again. */
export interface RestartMessage {
  /** `writer`, `shard 0` … */
  readonly thread: string;
  /** How often it was started again, this time included. */
  readonly restarts: number;
  /** What it died of. */
  readonly error: ErrorData;
}

/** `ramax:rebuild:progress`: a rebuild has come so far. */
export interface RebuildProgressMessage {
  readonly spaceId: number;
  readonly spaceName: string;
  readonly view: string | undefined;
  readonly eventsApplied: number;
  readonly lastSpaceSequence: number;
}

/** The context of the tracing channel `ramax:command`; Node adds `result` or `error` to it. */
export type CommandMessage = ObservedCommand;

/** The context of the tracing channels `ramax:rebuild` and `ramax:migration`; Node adds `result` or `error` to it. */
export type UpkeepMessage = Omit<ObservedUpkeep, 'kind'>;

/** A channel of messages. */
export interface Channel<Message> {
  readonly hasSubscribers: boolean;
  publish(message: Message): void;
}

/** A tracing channel: publishes the beginning and the end of what it runs. */
export interface TracedChannel<Message> {
  readonly hasSubscribers: boolean;
  trace<Result>(message: Message, run: () => Promise<Result>): Promise<Result>;
}

/** All channels of a runtime. */
export interface Channels {
  readonly command: TracedChannel<CommandMessage>;
  readonly rebuild: TracedChannel<UpkeepMessage>;
  readonly migration: TracedChannel<UpkeepMessage>;
  readonly rebuildProgress: Channel<RebuildProgressMessage>;
  readonly commit: Channel<CommitMessage>;
  readonly restart: Channel<RestartMessage>;
}

const silent = { hasSubscribers: false, publish() {} };
const untraced = { hasSubscribers: false, trace: <Result>(_message: unknown, run: () => Result) => run() };

/** Channels that nobody can listen to. */
export const noChannels: Channels = {
  command: untraced,
  rebuild: untraced,
  migration: untraced,
  rebuildProgress: silent,
  commit: silent,
  restart: silent,
};

/** Shards at the other end of a link, which answer what the test says and die when it says. */

import type { WatchTarget } from '../../src/content-store/changes.js';
import type { Accepted, Invocation } from '../../src/content-store/turn.js';
import { RamaxError } from '../../src/core/errors.js';
import { Caller, type Handlers, later, serve } from '../../src/protocol/link.js';
import { type ShardCalls, shardLink } from '../../src/protocol/links.js';
import type { ShardHealth } from '../../src/protocol/stats.js';
import { type HousePort, houseChannel } from '../../src/testing/house-port.js';
import { type Scheduler, schedulerClock } from '../../src/testing/scheduler.js';

/** A command as the shard sees it. */
export interface SeenCommand {
  readonly invocation: Invocation;
  readonly callId: number;
  readonly accept: (accepted: Accepted) => void;
  readonly fail: (error: unknown) => void;
  isCancelled: boolean;
}

/** A watcher as the shard sees it. */
export interface SeenWatch {
  readonly target: WatchTarget;
  readonly known: string | null;
  readonly show: (watched: ShardCalls['watch']['reply']) => void;
  readonly fail: (error: unknown) => void;
  isCancelled: boolean;
}

/** Nothing is wrong. */
export const inGoodHealth: ShardHealth = {
  problems: [],
  stopped: 0,
  changed: 0,
  building: 0,
  repairs: { views: 0, files: 0 },
  reactors: [],
};

/** See the head of this file. */
export class FakeShard {
  readonly #port: HousePort;
  /** Main's end of the link. */
  readonly caller: Caller<ShardCalls>;
  /** Everything that came, in order: the names of commands, and of other calls. */
  readonly seen: string[] = [];
  readonly commands = new Map<string, SeenCommand>();
  readonly watches: SeenWatch[] = [];
  /** What it answers when it is asked how it is. */
  health: ShardHealth | Promise<ShardHealth> = inGoodHealth;

  constructor(scheduler: Scheduler) {
    const clock = schedulerClock(scheduler, () => true);
    const [mine, main] = houseChannel(scheduler);
    this.#port = mine;
    serve(shardLink, mine, this.#handlers(), clock);
    this.caller = new Caller(shardLink, main, clock);
  }

  /** The shard dies: what it has sent arrives, and nothing more. */
  die(): void {
    this.#port.close();
  }

  #handlers(): Handlers<ShardCalls> {
    const note =
      <Reply>(name: string, reply: Reply) =>
      () => {
        this.seen.push(name);
        return reply;
      };
    const progress = { eventsApplied: 1, lastSpaceSequence: 1 };
    return {
      observe: note('observe', null),
      ready: note('ready', {
        name: 'app',
        commands: [],
        queries: [],
        views: [],
        reactors: [],
        viewVersions: {},
      }),
      execute: ({ invocation }, serving) =>
        new Promise((accept, fail) => {
          this.seen.push(invocation.command);
          const command: SeenCommand = {
            invocation,
            callId: serving.callId,
            accept,
            fail,
            isCancelled: false,
          };
          serving.onCancel(() => {
            command.isCancelled = true;
          });
          this.commands.set(invocation.command, command);
        }),
      fetch: ({ key }) => {
        this.seen.push(`fetch ${key}`);
        return { value: key };
      },
      getResolved: note('getResolved', {}),
      query: note('query', {}),
      writerDown: note('writerDown', null),
      watch: ({ target, known }, serving) =>
        new Promise((show, fail) => {
          this.seen.push(`watch ${target.kind} knowing ${known}`);
          const watching: SeenWatch = { target, known, show, fail, isCancelled: false };
          serving.onCancel(() => {
            watching.isCancelled = true;
            fail(new RamaxError('aborted', 'the watcher has gone'));
          });
          this.watches.push(watching);
        }),
      rebuild: (_address, serving) => {
        this.seen.push('rebuild');
        serving.report(progress);
        return progress;
      },
      migrateAll: note('migrateAll', { entriesRead: 0, entriesMigrated: 0, failures: [], failed: 0 }),
      fillViews: note('fillViews', null),
      views: note('views', []),
      skipEvent: note('skipEvent', null),
      unlockSpace: ({ spaceId, key }) => {
        this.seen.push(`unlock ${spaceId} ${key}`);
        return null;
      },
      lockSpace: ({ spaceId }) => {
        this.seen.push(`lock ${spaceId}`);
        return null;
      },
      health: () => {
        this.seen.push('health');
        return this.health;
      },
      checkpoint: note('checkpoint', { lastEventId: 0, lastSpaceSequence: 0 }),
      dropSpace: note('dropSpace', { traces: null }),
      connectWriter: note('connectWriter', null),
      stats: note('stats', undefined as never),
      serveReactions: () => later,
      reacted: note('reacted', null),
      react: note('react', { needsKey: false }),
      restReactors: note('restReactors', null),
      retryParked: note('retryParked', null),
      stoppedReactors: () => [],
      resumeReactor: () => null,
      stopReactors: note('stopReactors', null),
      drain: note('drain', null),
    };
  }
}

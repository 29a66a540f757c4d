/** A shard behind its link to main. */

import { fetchTurn, queryTurn, resolvedTurn } from '../content-store/reads.js';
import { type Accepted, CommandTurn, type Invocation, type ReadTurn } from '../content-store/turn.js';
import type { Answerable } from '../core/answerable.js';
import { assert } from '../core/assert.js';
import type { Clock } from '../core/clock.js';
import { asRamaxError, RamaxError } from '../core/errors.js';
import { describeApp } from '../core/loaded-app.js';
import { isReserved } from '../core/reserved.js';
import type { Value } from '../core/values.js';
import type { Moment, ReadReply, SpaceAddress } from '../protocol/bodies.js';
import { type Handlers, later, type Serving, serve } from '../protocol/link.js';
import { type ShardCalls, shardLink } from '../protocol/links.js';
import type { Port } from '../protocol/port.js';
import type { Recorder } from '../telemetry/recorder.js';
import type { ResidentSpace } from './resident-space.js';
import type { Shard } from './shard.js';
import type { WriterConnection } from './writer-connection.js';

/** What serving needs besides the shard. */
export interface ServeShardOptions {
  readonly shard: Shard;
  readonly writer: WriterConnection;
  readonly main: Port;
  readonly clock: Clock;
  /** What turns record. */
  readonly recorder: Recorder;
  /** The shard has drained: its thread may end. */
  readonly onDrained: () => void;
}

/** Serves main until it drains. */
export function serveShard(options: ServeShardOptions): void {
  const { shard, writer, main, clock, recorder, onDrained } = options;
  const handlers: Handlers<ShardCalls> = {
    ready: () => describeApp(shard.app),
    execute(command, serving) {
      const space = shard.space(command);
      if (isReserved(command.invocation.command)) return executeBuiltIn(space, command.invocation, serving);
      const turn = new CommandTurn(space.kept(command.invocation), serving);
      turn.callId = serving.callId;
      if (command.invocation.traceparent !== undefined) turn.postedAt = recorder.now();
      serving.onCancel(() => turn.cancel());
      space.post(turn);
      return later;
    },
    fetch: (key, serving) => read(shard, key, fetchTurn(key.key, key.view, new ReadAnswer(serving)), serving),
    getResolved: (key, serving) =>
      read(shard, key, resolvedTurn(key.key, key.view, key.depth, new ReadAnswer(serving)), serving),
    query: (query, serving) =>
      read(
        shard,
        query,
        queryTurn(query.query, query.params, shard.limits, new ReadAnswer(serving)),
        serving,
      ),
    watch: ({ target, known, ...address }, serving) =>
      shard.space(address).watch(target, known ?? undefined, signalOf(serving), serving.callId),
    rebuild: ({ views = viewNames(shard), ...address }, serving) =>
      shard.space(address).rebuild(views, (progress) => serving.report(progress), signalOf(serving)),
    migrateAll: ({ views = viewNames(shard), ...address }, serving) =>
      shard.space(address).migrateAll(views, (progress) => serving.report(progress), signalOf(serving)),
    async fillViews(address) {
      await shard.fillViews(address);
      return null;
    },
    views: (address) => shard.space(address).viewStatuses(),
    async skipEvent({ view, spaceSequence, ...address }) {
      await shard.space(address).skip(view, spaceSequence);
      return null;
    },
    checkpoint: (address) => shard.space(address).checkpoint(),
    async dropSpace({ rewriteBytesMax, ...address }) {
      const traces = await shard.dropSpace(address, rewriteBytesMax);
      return { traces: traces?.toData() ?? null };
    },
    unlockSpace({ spaceId, key }) {
      shard.unlock(spaceId, Buffer.from(key, 'hex'));
      return null;
    },
    async lockSpace({ spaceId }) {
      await shard.lock(spaceId);
      return null;
    },
    serveReactions(_body, serving) {
      shard.reactors?.desk.connect((request) => serving.report(request));
      return later;
    },
    reacted(answer) {
      shard.reactors?.desk.answered(answer);
      return null;
    },
    react: (address) => shard.reactors?.react(address) ?? { needsKey: false },
    async restReactors({ spaceId }) {
      await shard.reactors?.suspend(spaceId);
      return null;
    },
    async retryParked({ spaceName, ...place }) {
      await shard.reactors?.retry({ spaceId: place.spaceId, spaceName }, place);
      return null;
    },
    stoppedReactors: ({ spaceId }) => shard.reactors?.stoppedIn(spaceId) ?? [],
    async resumeReactor(request) {
      await shard.reactors?.resume(request);
      return null;
    },
    async stopReactors() {
      await shard.reactors?.stop();
      return null;
    },
    connectWriter(_body, { ports: [port] }) {
      assert(port !== undefined, 'connectWriter comes with a port');
      writer.connect(port);
      return null;
    },
    writerDown(error) {
      writer.down(RamaxError.fromData(error));
      return null;
    },
    stats: () => shard.stats,
    health: () => shard.health,
    observe(wants, serving) {
      recorder.observe(wants, serving);
      return later;
    },
    async drain() {
      try {
        await shard.drain();
        await writer.close();
      } finally {
        // Whatever the disk says: what could not be persisted is in the log.
        clock.soon(() => clock.soon(onDrained));
      }
      return null;
    },
  };
  const served = serve(shardLink, main, handlers, clock);
  shard.sendNow = () => {
    writer.flush();
    served.flush();
  };
}

/** A call of the runtime by itself. Whoever goes meanwhile is told by the turn, as always. */
function executeBuiltIn(
  space: ResidentSpace,
  invocation: Invocation,
  serving: Serving<never, Accepted>,
): typeof later {
  let turn = new CommandTurn(invocation, serving);
  turn.callId = serving.callId;
  serving.onCancel(() => turn.cancel());
  space.completed(invocation).then(
    (completed) => {
      if (turn.state === 'settled') return;
      turn = new CommandTurn(completed, serving);
      turn.callId = serving.callId;
      try {
        space.post(turn);
      } catch (error) {
        turn.refuse(asRamaxError(error, 'storage', 'the space cannot be used'));
      }
    },
    (error: unknown) => turn.refuse(asRamaxError(error, 'storage', 'the timer cannot be read')),
  );
  return later;
}

/** Brings what a read gives to the link. */
class ReadAnswer implements Answerable<Value | undefined> {
  readonly #serving: Answerable<ReadReply>;

  constructor(serving: Answerable<ReadReply>) {
    this.#serving = serving;
  }

  answered(value: Value | undefined): void {
    this.#serving.answered({ value });
  }

  failed(error: RamaxError): void {
    this.#serving.failed(error);
  }
}

function read(
  shard: Shard,
  where: SpaceAddress & Moment,
  turn: ReadTurn,
  serving: Serving<never, ReadReply>,
): typeof later {
  turn.callId = serving.callId;
  serving.onCancel(() => turn.cancel());
  const space = shard.space(where);
  if (where.at === undefined) space.post(turn);
  else readAt(space, where.at, turn);
  return later;
}

/** The answer comes through the turn, also where the caller has gone before the state is folded. */
function readAt(space: ResidentSpace, at: number, turn: ReadTurn): void {
  space.readAt(at, turn).then(
    (value) => turn.settle(value),
    (error: unknown) => turn.refuse(asRamaxError(error, 'storage', 'the state cannot be read')),
  );
}

function signalOf<Progress>(serving: Serving<Progress>): AbortSignal {
  const abort = new AbortController();
  serving.onCancel(() => abort.abort());
  return abort.signal;
}

function viewNames(shard: Shard): readonly string[] {
  return shard.app.views.map(({ name }) => name);
}

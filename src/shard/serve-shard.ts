/** A shard behind its link to main. */

import { fetchTurn, queryTurn } from '../content-store/reads.js';
import { CommandTurn, type ReadTurn } from '../content-store/turn.js';
import { assert } from '../core/assert.js';
import type { Clock } from '../core/clock.js';
import { describeApp } from '../core/loaded-app.js';
import type { Value } from '../core/values.js';
import { type Handlers, type Serving, serve } from '../protocol/link.js';
import { type ShardCalls, type SpaceAddress, shardLink } from '../protocol/links.js';
import type { Port } from '../protocol/port.js';
import type { Shard } from './shard.js';
import type { WriterConnection } from './writer-connection.js';

/** What serving needs besides the shard. */
export interface ServeShardOptions {
  readonly shard: Shard;
  readonly writer: WriterConnection;
  readonly main: Port;
  readonly clock: Clock;
  /** The shard has drained: its thread may end. */
  readonly onDrained: () => void;
}

/** Serves main until it drains. */
export function serveShard({ shard, writer, main, clock, onDrained }: ServeShardOptions): void {
  const handlers: Handlers<ShardCalls> = {
    ready: () => describeApp(shard.app),
    execute({ invocation, ...address }, serving) {
      const turn = new CommandTurn(invocation);
      serving.onCancel(() => turn.cancel());
      shard.space(address).post(turn);
      return turn.answer;
    },
    fetch: ({ key, ...address }, serving) => read(shard, address, fetchTurn(key), serving),
    query: ({ query, params, ...address }, serving) =>
      read(shard, address, queryTurn(query, params, shard.limits), serving),
    rebuild(address, serving) {
      const abort = new AbortController();
      serving.onCancel(() => abort.abort());
      return shard.space(address).rebuild((progress) => serving.report(progress), abort.signal);
    },
    checkpoint: (address) => shard.space(address).checkpoint(),
    async dropSpace(address) {
      await shard.dropSpace(address);
      return null;
    },
    connectWriter(_body, { ports: [port] }) {
      assert(port !== undefined, 'connectWriter comes with a port');
      writer.connect(port);
      return null;
    },
    stats: () => shard.stats,
    async drain() {
      await shard.drain();
      await writer.close();
      clock.soon(() => clock.soon(onDrained));
      return null;
    },
  };
  serve(shardLink, main, handlers, clock);
}

async function read(
  shard: Shard,
  address: SpaceAddress,
  turn: ReadTurn,
  serving: Serving<never>,
): Promise<{ readonly value?: Value | undefined }> {
  serving.onCancel(() => turn.cancel());
  shard.space(address).post(turn);
  return { value: await turn.answer };
}

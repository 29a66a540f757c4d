/** A shard's thread: assembles the shard and serves until it has drained or lost its files. */

import type { MessagePort } from 'node:worker_threads';
import { asRamaxError, type ErrorData } from '../src/core/errors.js';
import { loadAdapter, loadAppModule } from '../src/platform/load-module.js';
import { nodePlatform } from '../src/platform/node-platform.js';
import { NodePort } from '../src/platform/node-port.js';
import { serveShard } from '../src/shard/serve-shard.js';
import { Shard } from '../src/shard/shard.js';
import { WriterConnection } from '../src/shard/writer-connection.js';
import type { ShardThreadConfig } from '../src/supervisor/thread-host.js';

/** What the thread is started with. */
interface ShardTask {
  readonly config: ShardThreadConfig;
  readonly port: MessagePort;
}

/** Resolves when the shard has drained, or with the error that ended it: an error that is thrown loses its code. */
export default async function runShard(task: ShardTask): Promise<ErrorData | undefined> {
  try {
    await serveUntilDrained(task);
    return undefined;
  } catch (error) {
    return asRamaxError(error, 'unavailable', 'the shard failed').toData();
  }
}

async function serveUntilDrained(task: ShardTask): Promise<void> {
  const { storage, limits, logId, fence } = task.config;
  const app = await loadAppModule(task.config.app);
  const adapter = await loadAdapter(storage);
  const { clock } = nodePlatform;
  const writer = new WriterConnection(clock, await adapter.openLogReader(storage));
  await new Promise<void>((onDrained, onFatal) => {
    const shard = new Shard({
      app,
      log: writer,
      openPartition: (partition) => adapter.openPStateStore(storage, { partition, logId, fence }),
      platform: nodePlatform,
      limits,
      onFatal,
    });
    serveShard({ shard, writer, main: new NodePort(task.port), clock, onDrained });
  });
}

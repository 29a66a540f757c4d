/** A shard's thread: assembles the shard and serves until it has drained or lost its files. */

import type { MessagePort } from 'node:worker_threads';
import { asRamaxError, type ErrorData } from '../src/core/errors.js';
import { keepBeating, Vitals, type VitalsMemory } from '../src/core/vitals.js';
import { endOfRejections } from '../src/platform/end-of-rejections.js';
import { loadAdapter, loadAppModule } from '../src/platform/load-module.js';
import { type LoadedFlag, setLoaded } from '../src/platform/loading.js';
import { nodePlatform } from '../src/platform/node-platform.js';
import { NodePort } from '../src/platform/node-port.js';
import { runShard } from '../src/shard/run-shard.js';
import type { ShardThreadConfig } from '../src/supervisor/thread-host.js';

/** What the thread is started with. */
interface ShardTask {
  readonly config: ShardThreadConfig;
  readonly port: MessagePort;
  readonly loaded: LoadedFlag;
  readonly vitals: VitalsMemory;
}

/** Resolves when the shard has drained, or with the error that ended it: an error that is thrown loses its code. */
export default async function shardThread({
  config,
  port,
  loaded,
  vitals: memory,
}: ShardTask): Promise<ErrorData | undefined> {
  setLoaded(loaded);
  endOfRejections();
  const { storage, limits, logId, fence, poisonedEvents, verdicts } = config;
  const vitals = new Vitals(memory);
  keepBeating(vitals, nodePlatform.clock, limits.hangTimeoutMs);
  try {
    const app = await loadAppModule(config.app);
    const adapter = await loadAdapter(storage);
    await runShard({
      app,
      logReader: await adapter.openLogReader(storage, nodePlatform),
      openPartition: (partition) => adapter.openPStateStore(storage, { partition, logId, fence }),
      limits,
      platform: nodePlatform,
      main: new NodePort(port),
      vitals,
      poisonedEvents,
      verdicts,
    });
    return undefined;
  } catch (error) {
    return asRamaxError(error, 'unavailable', 'the shard failed').toData();
  }
}

/** The writer's thread: assembles the writer and serves until it has drained or failed. */

import type { MessagePort } from 'node:worker_threads';
import { asRamaxError, type ErrorData } from '../src/core/errors.js';
import { keepBeating, Vitals, type VitalsMemory } from '../src/core/vitals.js';
import { endOfRejections } from '../src/platform/end-of-rejections.js';
import { loadAdapter } from '../src/platform/load-module.js';
import { type LoadedFlag, setLoaded } from '../src/platform/loading.js';
import { nodePlatform } from '../src/platform/node-platform.js';
import { NodePort } from '../src/platform/node-port.js';
import type { WriterThreadConfig } from '../src/supervisor/thread-host.js';
import { runWriter } from '../src/writer/run-writer.js';

/** What the thread is started with. */
interface WriterTask {
  readonly config: WriterThreadConfig;
  readonly port: MessagePort;
  readonly loaded: LoadedFlag;
  readonly vitals: VitalsMemory;
}

/** Resolves when the writer has drained, or with the error that ended it: an error that is thrown loses its code. */
export default async function writerThread({
  config,
  port,
  loaded,
  vitals: memory,
}: WriterTask): Promise<ErrorData | undefined> {
  setLoaded(loaded);
  endOfRejections();
  const { storage, limits } = config;
  const vitals = new Vitals(memory);
  keepBeating(vitals, nodePlatform.clock, limits.hangTimeoutMs);
  try {
    const adapter = await loadAdapter(storage);
    const log = await adapter.openLog(storage, nodePlatform);
    await runWriter({ log, limits, clock: nodePlatform.clock, main: new NodePort(port), vitals });
    return undefined;
  } catch (error) {
    return asRamaxError(error, 'unavailable', 'the writer failed').toData();
  }
}

/** The thread of verification: one space per task, over connections that are closed with the task. */

import { yieldToPorts } from '../src/core/clock.js';
import { asRamaxError } from '../src/core/errors.js';
import { loadAdapter, loadAppModule } from '../src/platform/load-module.js';
import { nodePlatform } from '../src/platform/node-platform.js';
import { type VerifierAnswer, type VerifierTask, verifierSignals } from '../src/platform/verifier-task.js';
import type { VerifyReport } from '../src/reader/report.js';
import type { VerificationControl } from '../src/reader/verification.js';
import { verifyRegistry, verifySpace } from '../src/reader/verify-space.js';
import type { StorageInspector } from '../src/storage/adapter.js';

/** Verifies one space, or what is of no one space. */
export default async function runVerification(task: VerifierTask): Promise<VerifierAnswer> {
  try {
    const inspector = await (await loadAdapter(task.storage)).openInspector?.(task.storage, nodePlatform);
    if (inspector === undefined)
      throw new TypeError('only storage that can be inspected is verified in a thread');
    try {
      return { report: await verify(task, inspector) };
    } finally {
      await inspector.close();
    }
  } catch (error) {
    return { error: asRamaxError(error, 'storage', 'the verification failed').toData() };
  }
}

async function verify(task: VerifierTask, inspector: StorageInspector): Promise<VerifyReport> {
  const { request, limits } = task;
  const { log, reader } = inspector;
  if (request.space === undefined) return verifyRegistry(log, request);
  const pstates = request.views ? inspector.pstates(request.space.spaceId) : undefined;
  const app = pstates && (await loadAppModule(task.app));
  const views = pstates && app && { app, log: reader, pstates, platform: nodePlatform, limits };
  return verifySpace(request.space, { log, platform: nodePlatform, limits, views }, controlOf(task));
}

function controlOf({ signals }: VerifierTask): VerificationControl {
  const shared = new Int32Array(signals);
  return {
    advanced: (items) => void Atomics.add(shared, verifierSignals.items, items),
    get isCancelled() {
      return Atomics.load(shared, verifierSignals.cancelled) !== 0;
    },
    rest: () => yieldToPorts(nodePlatform.clock),
  };
}

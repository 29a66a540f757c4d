/** Sends a generated load to the tenants, as fast as the answers come, and counts what came of it. */

import { randomUUID } from 'node:crypto';
import { formatCount, formatRate } from '../demo/format.js';
import { showProgress } from '../demo/progress.js';
import type { RunContext } from '../demo/run-context.js';
import { Tally } from '../demo/tally.js';
import { type Receipt, Traffic } from '../demo/traffic.js';
import { AcknowledgedLog } from './acknowledged-log.js';
import { ContactLoad, type LoadCommand } from './contact-load.js';
import type { Tenant } from './start-crm.js';

/** A load that was sent and answered. */
export interface SentLoad {
  readonly tally: Tally;
  /** How the commands should have ended. */
  readonly planned: ReadonlyMap<string, number>;
  /** The first error that was no decision; it ends the load. */
  readonly failure: unknown;
  readonly elapsedMs: number;
}

/** Sends until the load is sent, a command fails or the run is stopped; resolves with the last answer. */
export async function sendLoad(
  { options, signal }: RunContext,
  tenants: readonly Tenant[],
): Promise<SentLoad> {
  const load = new ContactLoad({ ...options, runId: randomUUID().slice(0, 8) });
  const tally = new Tally();
  const traffic = new Traffic(tally, options.inFlightMax);
  const path = options.acknowledgedLog;
  const log = path === undefined ? undefined : new AcknowledgedLog(path);
  const startedMs = performance.now();
  const elapsedMs = () => performance.now() - startedMs;
  const progress = showProgress(() => sampleOf(tally, options.commands, elapsedMs()), options);
  for (let sent = 0; sent < options.commands; sent++) {
    if (traffic.isFull) await traffic.room();
    if (signal.aborted || traffic.failure !== undefined) break;
    const next = load.next();
    const tenant = tenants[next.tenant];
    if (tenant === undefined) continue;
    traffic.send(() => execute(tenant, next), log && ((receipt) => acknowledge(log, tenant, next, receipt)));
  }
  await traffic.drained();
  progress.stop();
  log?.close();
  return { tally, planned: load.planned, failure: traffic.failure, elapsedMs: elapsedMs() };
}

/** The command's id goes along twice: once so that it is run once, and once so that its event can be told by it. */
function execute(tenant: Tenant, { commandId, command }: LoadCommand): Promise<Receipt> {
  const options = { commandId, correlationId: commandId, overload: 'wait' } as const;
  switch (command.name) {
    case 'addContact':
      return tenant.execute(command.name, command.params, options);
    case 'updateEmail':
      return tenant.execute(command.name, command.params, options);
    case 'renameContact':
      return tenant.execute(command.name, command.params, options);
    case 'removeContact':
      return tenant.execute(command.name, command.params, options);
  }
}

function acknowledge(log: AcknowledgedLog, tenant: Tenant, next: LoadCommand, receipt: Receipt): void {
  const [eventId] = receipt.eventIds;
  if (eventId === undefined) return;
  log.append({
    space: tenant.spaceName,
    contactId: next.command.params.id,
    commandId: next.commandId,
    spaceSequence: receipt.spaceSequence,
    eventId,
  });
}

function sampleOf(tally: Tally, total: number, elapsedMs: number) {
  const rate = formatRate(tally.answered, elapsedMs);
  const note = `${formatCount(tally.answered)} of ${formatCount(total)} commands, ${rate}`;
  return { done: tally.answered, total, note: `${note}, ${formatCount(tally.rejected)} rejected` };
}

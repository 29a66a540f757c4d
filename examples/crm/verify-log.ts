/**
 * Holds a file of acknowledged commands against a data directory: every promise that somebody outside was given is
 * kept, once and at its place. Run after a kill; says its verdict in one line of JSON.
 */

import { isDeepStrictEqual } from 'node:util';
import type { StartOptions } from '../demo/run-context.js';
import { type Acknowledgement, readAcknowledgements } from './acknowledged-log.js';
import { readTenant, startCrm, type Tenant } from './start-crm.js';

/** What of an event is compared. */
export interface LoggedEvent {
  readonly eventId: number;
  readonly spaceSequence: number;
  readonly entityId: string;
  /** The command's id: the load sends it as the correlation id, which every event carries. */
  readonly correlationId: string;
}

/** What is wrong with one space, or with all together. All zero is what a healthy directory gives. */
export interface Faults {
  /** Acknowledged commands without an event. */
  readonly missing: number;
  /** Acknowledged commands whose event is elsewhere, or about something else. */
  readonly misplaced: number;
  /** Commands, acknowledged or not, that have more than one event, or two acknowledgements. */
  readonly duplicated: number;
  /** Spaces whose sequences are not 1, 2, 3 … */
  readonly notDense: number;
  /** Spaces whose state is not the fold of their log. */
  readonly notFolded: number;
}

/** The one line. */
export interface Verdict extends Faults {
  readonly ok: boolean;
  readonly acknowledged: number;
  readonly unreadableLines: number;
  readonly spaces: number;
  readonly events: number;
}

const noFaults: Faults = { missing: 0, misplaced: 0, duplicated: 0, notDense: 0, notFolded: 0 };

/** Holds the events of one space against its acknowledgements. */
export async function compareSpace(
  acknowledgements: readonly Acknowledgement[],
  events: AsyncIterable<LoggedEvent>,
): Promise<Faults & { readonly events: number }> {
  const promised = new Map(
    acknowledgements.map((acknowledgement) => [acknowledgement.commandId, acknowledgement]),
  );
  const found = new Set<string>();
  let count = 0;
  let misplaced = 0;
  let duplicated = acknowledgements.length - promised.size;
  let isDense = true;
  for await (const event of events) {
    count++;
    if (event.spaceSequence !== count) isDense = false;
    const acknowledgement = promised.get(event.correlationId);
    if (found.has(event.correlationId)) duplicated++;
    else if (acknowledgement !== undefined && !isAt(acknowledgement, event)) misplaced++;
    found.add(event.correlationId);
  }
  const missing = [...promised.keys()].filter((commandId) => !found.has(commandId)).length;
  return { ...noFaults, missing, misplaced, duplicated, notDense: isDense ? 0 : 1, events: count };
}

function isAt({ contactId, spaceSequence, eventId }: Acknowledgement, event: LoggedEvent): boolean {
  return (
    event.entityId === `contact:${contactId}` &&
    event.spaceSequence === spaceSequence &&
    event.eventId === eventId
  );
}

/** Starts the CRM on the directory and holds it against the file, space by space. */
export async function verifyLog(file: string, options: StartOptions): Promise<Verdict> {
  const { bySpace, unreadableLines } = await readAcknowledgements(file);
  await using crm = await startCrm(options);
  const names = new Set((await crm.spaces.list()).map(({ spaceName }) => spaceName));
  for (const space of bySpace.keys()) names.add(space);
  let events = 0;
  let faults = noFaults;
  for (const name of names) {
    const acknowledgements = bySpace.get(name) ?? [];
    const tenant = await crm.spaces.findByName(name);
    const found = tenant && (await compareSpace(acknowledgements, tenant.streamEvents({ from: 0 })));
    events += found?.events ?? 0;
    faults = sumOf(faults, found ?? { ...noFaults, missing: acknowledgements.length });
    if (tenant && !(await isFold(tenant))) faults = { ...faults, notFolded: faults.notFolded + 1 };
  }
  const acknowledged = [...bySpace.values()].reduce((sum, { length }) => sum + length, 0);
  const ok = Object.values(faults).every((count) => count === 0);
  return { ok, acknowledged, unreadableLines, spaces: names.size, events, ...faults };
}

async function isFold(tenant: Tenant): Promise<boolean> {
  const live = await readTenant(tenant);
  await tenant.rebuild();
  return isDeepStrictEqual(await readTenant(tenant), live);
}

function sumOf(left: Faults, right: Faults): Faults {
  return {
    missing: left.missing + right.missing,
    misplaced: left.misplaced + right.misplaced,
    duplicated: left.duplicated + right.duplicated,
    notDense: left.notDense + right.notDense,
    notFolded: left.notFolded + right.notFolded,
  };
}

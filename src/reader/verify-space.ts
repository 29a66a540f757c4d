/** Verification in the order in which it is done: what is of no one space first, then space by space. */

import type { Platform } from '../core/clock.js';
import { asRamaxError, isRamaxError } from '../core/errors.js';
import type { Limits } from '../core/limits.js';
import { checkSpaceName } from '../core/names.js';
import type { LogInspector } from '../event-store/inspector.js';
import { ReportDraft, type VerifyReport } from './report.js';
import { SpaceVerification, type VerificationControl } from './verification.js';
import { verifyCommands, verifyEvents } from './verify-log.js';
import { type ViewSources, verifyViews } from './verify-views.js';

const spacesAtOnce = 1_000;
const missingCommandsMax = 100;

/** What one space is verified with. */
export interface SpaceSources {
  readonly log: LogInspector;
  readonly platform: Platform;
  readonly limits: Limits;
  /** Undefined where there are no stored projections, or nothing can be said of them. */
  readonly views?: ViewSources | undefined;
}

/** Verifies one space. What a space that is deleted meanwhile seems to lack is no problem. */
export async function verifySpace(
  space: { readonly spaceId: number; readonly spaceName: string },
  { log, platform, limits, views }: SpaceSources,
  control: VerificationControl,
): Promise<VerifyReport> {
  const draft = new ReportDraft();
  const verification = new SpaceVerification(space, draft, platform.chainDigest, control);
  draft.spaces = 1;
  try {
    await verifyEvents(verification, log, { limit: limits.readEventsMax, bytesMax: limits.readBytesMax });
    await verifyCommands(verification, log);
    if (views !== undefined) await verifyViews(verification, views);
  } catch (error) {
    if (!isRamaxError(error, 'corrupt')) throw error;
    verification.problem({ kind: 'file_damaged', message: error.message });
  }
  return (await log.isLive(space.spaceId)) ? draft.report : new ReportDraft().report;
}

/** Verifies the registry, and what is of no space. */
export async function verifyRegistry(
  log: LogInspector,
  options: { readonly pages: boolean },
): Promise<VerifyReport> {
  const draft = new ReportDraft();
  try {
    await verifySpaceRows(draft, log);
    await verifyStrays(draft, log);
    for (const number of await log.missingCommandNumbers(missingCommandsMax))
      draft.problem({ kind: 'command_missing', message: `the record with the number ${number} is missing` });
    if (options.pages)
      for (const message of await log.structure()) draft.problem({ kind: 'file_damaged', message });
  } catch (error) {
    if (!isRamaxError(error, 'corrupt')) throw error;
    draft.problem({ kind: 'file_damaged', message: error.message });
  }
  return draft.report;
}

async function verifySpaceRows(draft: ReportDraft, log: LogInspector): Promise<void> {
  const names = new Set<string>();
  for (let after = 0; ; ) {
    const spaces = await log.spaces(after, spacesAtOnce);
    const last = spaces.at(-1);
    if (last === undefined) return;
    after = last.spaceId;
    for (const { spaceId, spaceName, metadata, isDeleted } of spaces) {
      const wrong = (message: string): void =>
        draft.problem({ kind: 'space_wrong', spaceId, spaceName, message });
      if (isDeleted) continue;
      if (names.has(spaceName)) wrong('another live space has the same name');
      names.add(spaceName);
      try {
        checkSpaceName(spaceName);
        const parsed: unknown = JSON.parse(metadata);
        if (typeof parsed !== 'object' || parsed === null || Array.isArray(parsed))
          wrong('its metadata is no object');
      } catch (error) {
        wrong(asRamaxError(error, 'corrupt', 'its metadata cannot be read').message);
      }
    }
  }
}

/** Events of spaces that are not registered. One that is purged meanwhile is gone when it is looked at again. */
async function verifyStrays(draft: ReportDraft, log: LogInspector): Promise<void> {
  for (
    let spaceId = await log.nextSpaceWithEvents(0);
    spaceId !== undefined;
    spaceId = await log.nextSpaceWithEvents(spaceId)
  ) {
    const [row] = await log.spaces(spaceId - 1, 1);
    if (row?.spaceId === spaceId) continue;
    const [event] = await log.events(spaceId, 0, { limit: 1, bytesMax: 1 });
    if (event === undefined) continue;
    draft.problem({
      kind: 'event_astray',
      spaceId,
      spaceSequence: event.place,
      eventId: event.eventId,
      message: 'there are events of a space that is not registered',
    });
  }
}

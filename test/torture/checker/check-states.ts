/** Holds stored projections, and states that queries have told, against the fold of the log. */

import type { LedgerLine } from '../ledger.js';
import { bySpace } from './check-log.js';
import { type Folded, foldEvent, nothingFolded, textOf } from './fold.js';
import type { LogContents, LogEvent, StoredView } from './log-file.js';

/** What the views of a space are after some of its events. */
function foldUpTo(events: readonly LogEvent[], sequence: number): Folded {
  const folded = nothingFolded();
  for (const event of events) if (event.sequence <= sequence) foldEvent(folded, event);
  return folded;
}

/** Stored projections: each speaks for the log up to its checkpoint, so with the tail on top it is the fold. */
export function checkStoredViews(log: LogContents, views: readonly StoredView[]): string[] {
  const broken: string[] = [];
  const spaces = bySpace(log.events);
  for (const view of views) {
    if (view.state === 'retired' || !log.spaces.has(view.spaceId)) continue;
    const where = `space ${view.spaceId}, stored view ${view.view} (${view.state}, at ${view.lastSequence})`;
    const events = spaces.get(view.spaceId) ?? [];
    const head = events.at(-1)?.sequence ?? 0;
    if (view.lastSequence > head) {
      broken.push(`${where}: it is ahead of the log, which ends at ${head}`);
      continue;
    }
    if (view.lastSequence > 0 && events[view.lastSequence - 1]?.eventId !== view.lastEventId) {
      broken.push(`${where}: its checkpoint names event ${view.lastEventId}, which is not there`);
    }
    const place = `${view.spaceId}\0${view.view}\0${view.version}\0${view.build}\0`;
    for (const [key, { bytes, checksum }] of view.entries) {
      if (crc32(Buffer.concat([Buffer.from(`${place}${key}\0`), bytes])) !== checksum)
        broken.push(`${where}: ${key} does not have its checksum`);
    }
    const folded = foldUpTo(events, view.lastSequence);
    const expected = view.view === 'main' ? folded.main : folded.amounts;
    const actual = [...view.entries].map(([key, { value }]) => [key, value] as const);
    if (textOf(expected) !== textOf(actual)) broken.push(`${where}: it is not the fold of the log`);
  }
  return broken;
}

/** States that queries have told: each is the fold up to the sequence that it shows. */
export function checkTold(log: LogContents | undefined, lines: readonly LedgerLine[]): string[] {
  const broken: string[] = [];
  const spaces = bySpace(log?.events ?? []);
  const ids = new Map([...(log?.spaces ?? [])].map(([spaceId, name]) => [name, spaceId]));
  for (const line of lines) {
    if (line.k !== 'state') continue;
    const state = line.state as { main: [string, unknown][]; amounts: [string, unknown][] };
    const last = Number(new Map(state.main).get('last') ?? 0);
    const folded = foldUpTo(spaces.get(ids.get(line.space) ?? 0) ?? [], last);
    for (const view of ['main', 'amounts'] as const) {
      if (textOf(folded[view]) !== textOf(state[view])) {
        broken.push(`${line.space}, ${line.when}: view ${view} at ${last} is not the fold of the log`);
      }
    }
  }
  return broken;
}

const crcTable = Uint32Array.from({ length: 256 }, (_, byte) => {
  let crc = byte;
  for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0xedb88320 : crc >>> 1;
  return crc >>> 0;
});

function crc32(bytes: Buffer): number {
  let crc = 0xffffffff;
  for (const byte of bytes) crc = (crc >>> 8) ^ (crcTable[(crc ^ byte) & 0xff] ?? 0);
  return (crc ^ 0xffffffff) >>> 0;
}

/** What must hold of a log by itself: dense sequences, ids in commit order, whole commands, and the chain. */

import { createHash } from 'node:crypto';
import type { LogContents, LogEvent } from './log-file.js';

/** What to expect of a log. */
export interface LogExpectations {
  /** Records of commands came with a copy, in the order of their ids and not of their commits. Default: false. */
  readonly isCopied?: boolean;
}

/** Every promise that the log breaks by itself, in words. */
export function checkLog(log: LogContents, { isCopied = false }: LogExpectations = {}): string[] {
  const broken: string[] = [];
  if (log.integrity !== 'ok') broken.push(`integrity_check of the log says ${log.integrity}`);
  if (log.orphans > 0) broken.push(`${log.orphans} events are in spaces that there are not`);
  for (const [spaceId, events] of bySpace(log.events)) checkSpace(spaceId, events, broken);
  checkInvocations(log.events, broken);
  checkCommands(log, isCopied, broken);
  return broken;
}

/** The events of each space in the order of their sequences. */
export function bySpace(events: readonly LogEvent[]): ReadonlyMap<number, LogEvent[]> {
  const spaces = new Map<number, LogEvent[]>();
  for (const event of events) {
    const ofSpace = spaces.get(event.spaceId);
    if (ofSpace === undefined) spaces.set(event.spaceId, [event]);
    else ofSpace.push(event);
  }
  for (const ofSpace of spaces.values()) ofSpace.sort((left, right) => left.sequence - right.sequence);
  return spaces;
}

function checkSpace(spaceId: number, events: readonly LogEvent[], broken: string[]): void {
  let previousHash: Buffer = Buffer.alloc(16);
  let previousId = 0;
  for (const [index, event] of events.entries()) {
    const where = `space ${spaceId}, event ${event.eventId}`;
    if (event.sequence !== index + 1) {
      broken.push(`${where}: sequence ${event.sequence} stands at place ${index + 1}`);
      return;
    }
    if (event.eventId <= previousId)
      broken.push(`${where}: its id does not follow ${previousId}, the order of commits`);
    if (event.payload === undefined) broken.push(`${where}: its payload does not decode`);
    if (!chainHash(previousHash, event).equals(event.hash)) {
      broken.push(`${where}: its hash is not that of the chain`);
      return;
    }
    [previousHash, previousId] = [event.hash, event.eventId];
  }
}

/** The chain, after `docs/format.md`. */
function chainHash(previous: Buffer, event: LogEvent): Buffer {
  const header = JSON.stringify([
    event.sequence,
    event.entityId,
    event.type,
    event.version,
    event.timestamp,
    uuidOf(event.invocation),
    event.causationId,
    event.correlationId,
    event.tags,
    event.metadata,
    event.payloadBytes.length,
  ]);
  return createHash('sha256')
    .update(previous)
    .update(header, 'utf8')
    .update(event.payloadBytes)
    .digest()
    .subarray(0, 16);
}

function uuidOf(bytes: Buffer): string {
  const hex = bytes.toString('hex');
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-');
}

/** The events of one call stand together, in one space. */
function checkInvocations(events: readonly LogEvent[], broken: string[]): void {
  const ended = new Set<string>();
  let [current, space, lastId] = ['', 0, 0];
  for (const event of events) {
    const invocation = event.invocation.toString('hex');
    if (invocation !== current) {
      if (ended.has(invocation))
        broken.push(`event ${event.eventId}: its command is torn apart by another one`);
      ended.add(current);
      current = invocation;
    } else if (event.spaceId !== space || event.eventId !== lastId + 1) {
      broken.push(`event ${event.eventId}: its command is torn apart`);
    }
    [space, lastId] = [event.spaceId, event.eventId];
  }
}

/** Every record of a command speaks of the events that its call made. */
function checkCommands({ events, commands }: LogContents, isCopied: boolean, broken: string[]): void {
  const byId = new Map(events.map((event) => [event.eventId, event]));
  const known = new Set<string>();
  let lastFirstEventId = 0;
  for (const command of commands) {
    const { spaceId, commandId, firstEventId, eventCount, sequence } = command;
    const where = `space ${spaceId}, command ${commandId}`;
    const key = `${spaceId} ${commandId}`;
    if (known.has(key)) broken.push(`${where}: it is recorded twice`);
    known.add(key);
    if (eventCount === 0) continue;
    if (!isCopied && firstEventId <= lastFirstEventId)
      broken.push(`${where}: records are not in the order of commits`);
    lastFirstEventId = firstEventId;
    for (let part = 0; part < eventCount; part++) {
      const event = byId.get(firstEventId + part);
      const isIts =
        event?.spaceId === spaceId &&
        event.invocation.equals(command.invocation) &&
        event.sequence === sequence - eventCount + 1 + part;
      if (!isIts)
        broken.push(`${where}: its record names event ${firstEventId + part}, which is not its own`);
    }
  }
}

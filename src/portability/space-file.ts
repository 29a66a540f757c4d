/**
 * The export file of one space, line by line: JSON, one object each, in UTF-8, every line ended by a line feed.
 *
 *   the header    what the file is, and the space
 *   the events    in the order of their sequences, with the bytes of the payload as they are stored
 *   the commands  the records of accepted commands, in the order of their ids' code points
 *   the end       how many lines of each, the last hash of the chain, SHA-256 of every byte before this line
 *
 * Invariant: there is one way to write a line. What is read is written again and compared, so that a file that is accepted is, byte
 * for byte, the one that an export of the imported space gives.
 */

import { compareCodePoints } from '../core/names.js';
import type { Value } from '../core/values.js';
import type { DraftCommand, DraftEvent } from '../event-store/port.js';

/** What the header says that the file is. */
export const spaceFileFormat = 'ramax-space';
/** The version that is written, and the newest one that is read. */
export const spaceFileVersion = 1;

/** The first line. */
export interface SpaceFileHeader {
  readonly spaceName: string;
  readonly metadata: Readonly<Record<string, Value>>;
  readonly settings: Readonly<Record<string, Value>>;
  /** How many events follow. */
  readonly lastSpaceSequence: number;
}

/** The last line. */
export interface SpaceFileEnd {
  readonly events: number;
  readonly commands: number;
  /** Hexadecimal. */
  readonly lastHash: string;
  /** Hexadecimal. */
  readonly sha256: string;
}

/** An event of the file. */
export interface FileEvent extends DraftEvent {
  readonly spaceSequence: number;
}

/** One line, by what it holds. */
export type SpaceFileLine =
  | { readonly kind: 'event'; readonly event: FileEvent }
  | { readonly kind: 'command'; readonly command: DraftCommand }
  | { readonly kind: 'end'; readonly end: SpaceFileEnd };

/** The text of the first line, with its line feed. */
export function headerLine(header: SpaceFileHeader): string {
  const { spaceName, metadata, settings, lastSpaceSequence } = header;
  const facts = { spaceName, metadata, settings, lastSpaceSequence };
  return `${JSON.stringify({ format: spaceFileFormat, version: spaceFileVersion, ...facts })}\n`;
}

/** The text of an event's line. Facts that are absent are left out. */
export function eventLine(event: FileEvent): string {
  const { spaceSequence, entityId, type, version, timestamp, invocationId } = event;
  const { causationId, correlationId, tags, metadata } = event;
  const line = {
    event: spaceSequence,
    entityId,
    type,
    version,
    timestamp,
    invocationId,
    ...(causationId === null ? undefined : { causationId }),
    ...(correlationId === null ? undefined : { correlationId }),
    ...(tags === null ? undefined : { tags }),
    ...(metadata === null ? undefined : { metadata }),
    hash: hexOf(event.hash),
    payload: textOf(event.payload, 'base64'),
  };
  return `${JSON.stringify(line)}\n`;
}

/** The text of the line of a command's record. */
export function commandLine(record: DraftCommand): string {
  const { commandId, commandName, paramsHash, invocationId, eventCount, spaceSequence, acceptedAt } = record;
  const line = {
    command: commandId,
    commandName,
    paramsHash,
    invocationId,
    eventCount,
    spaceSequence,
    acceptedAt,
  };
  return `${JSON.stringify(line)}\n`;
}

/** The text of the last line. */
export function endLine({ events, commands, lastHash, sha256 }: SpaceFileEnd): string {
  return `${JSON.stringify({ end: { events, commands, lastHash, sha256 } })}\n`;
}

/** What a line behind the first one holds, or undefined when it is none of these. The values are not checked yet. */
export function readLine(text: string): SpaceFileLine | undefined {
  const line = objectIn(text);
  if (line === undefined) return undefined;
  const read = Object.hasOwn(line, 'event')
    ? readEvent(line)
    : Object.hasOwn(line, 'command')
      ? readCommand(line)
      : readEnd(line);
  return read !== undefined && `${text}\n` === textOfLine(read) ? read : undefined;
}

/** The object in a line, or undefined when it is none. */
export function objectIn(text: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    const isObject = typeof value === 'object' && value !== null && !Array.isArray(value);
    return isObject ? (value as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}

/** Records come in this order. */
export function areInOrder(before: DraftCommand, after: DraftCommand): boolean {
  return compareCodePoints(before.commandId, after.commandId) < 0;
}

/** Bytes as hexadecimal digits. */
export function hexOf(bytes: Uint8Array): string {
  return textOf(bytes, 'hex');
}

function textOfLine(line: SpaceFileLine): string {
  if (line.kind === 'event') return eventLine(line.event);
  return line.kind === 'command' ? commandLine(line.command) : endLine(line.end);
}

function readEvent(line: Readonly<Record<string, unknown>>): SpaceFileLine | undefined {
  const { event: spaceSequence, hash, payload, causationId, correlationId, tags, metadata } = line;
  if (typeof hash !== 'string' || typeof payload !== 'string') return undefined;
  const texts = [line['entityId'], line['type'], line['invocationId']];
  const others = [causationId, correlationId, tags, metadata];
  const numbers = [spaceSequence, line['version'], line['timestamp']];
  if (!texts.every(isText) || !others.every(isTextOrAbsent) || !numbers.every(Number.isSafeInteger)) {
    return undefined;
  }
  const event = {
    spaceSequence,
    entityId: line['entityId'],
    type: line['type'],
    version: line['version'],
    timestamp: line['timestamp'],
    invocationId: line['invocationId'],
    causationId: causationId ?? null,
    correlationId: correlationId ?? null,
    tags: tags ?? null,
    metadata: metadata ?? null,
    hash: bytesIn(hash, 'hex'),
    payload: bytesIn(payload, 'base64'),
  };
  return { kind: 'event', event: event as FileEvent };
}

function readCommand(line: Readonly<Record<string, unknown>>): SpaceFileLine | undefined {
  const { command: commandId, commandName, paramsHash, invocationId } = line;
  const { eventCount, spaceSequence, acceptedAt } = line;
  if (![commandId, commandName, paramsHash, invocationId].every(isText)) return undefined;
  if (![eventCount, spaceSequence, acceptedAt].every(Number.isSafeInteger)) return undefined;
  const texts = { commandId, commandName, paramsHash, invocationId };
  const record = { ...texts, eventCount, spaceSequence, acceptedAt };
  return { kind: 'command', command: record as DraftCommand };
}

function readEnd({ end }: Readonly<Record<string, unknown>>): SpaceFileLine | undefined {
  if (typeof end !== 'object' || end === null) return undefined;
  return { kind: 'end', end: end as SpaceFileEnd };
}

function isText(value: unknown): value is string {
  return typeof value === 'string';
}

function isTextOrAbsent(value: unknown): boolean {
  return value === undefined || typeof value === 'string';
}

function textOf(bytes: Uint8Array, encoding: 'hex' | 'base64'): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString(encoding);
}

/** Bytes of their own: what is in a pool would keep the pool. */
function bytesIn(text: string, encoding: 'hex' | 'base64'): Uint8Array {
  return new Uint8Array(Buffer.from(text, encoding));
}

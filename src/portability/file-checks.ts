/**
 * What a file must be besides well-formed: an import is a door like any other, and a file whose checksums are right may have been
 * made by anybody. Every error names the line.
 */

import { decodeValue } from '../codec/value-codec.js';
import { isSealed } from '../core/cipher.js';
import { invalidInput, isRamaxError, RamaxError } from '../core/errors.js';
import type { Limits } from '../core/limits.js';
import { checkId, checkInteger, checkSpaceName } from '../core/names.js';
import { freezeValue, type Value } from '../core/values.js';
import type { DraftCommand } from '../event-store/port.js';
import { checkMetadata } from '../event-store/seal.js';
import { damaged } from './line-reader.js';
import {
  type FileEvent,
  headerLine,
  objectIn,
  type SpaceFileHeader,
  spaceFileFormat,
  spaceFileVersion,
} from './space-file.js';

const uuidForm = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;
const paramsHashBytesMax = 64;

/**
 * The header in the first line.
 *
 * @throws {RamaxError} `invalid_input` for what is no such file, `format_newer`, `corrupt`
 */
export function readHeader(text: string, limits: Limits): SpaceFileHeader {
  const header = objectIn(text);
  if (header?.['format'] !== spaceFileFormat) {
    throw new RamaxError('invalid_input', 'line 1 of the file: it is no export of a space', {
      details: { line: 1, field: 'source' },
    });
  }
  const { version } = header;
  if (typeof version === 'number' && version > spaceFileVersion) {
    const message = `line 1 of the file: it has version ${version}; this Ramax reads up to ${spaceFileVersion}`;
    const details = { line: 1, found: version, known: spaceFileVersion };
    throw new RamaxError('format_newer', message, { details });
  }
  const { spaceName, lastSpaceSequence } = header;
  return atLine(1, () => {
    checkSpaceName(spaceName);
    checkInteger(lastSpaceSequence, 'lastSpaceSequence', 0);
    const metadata = checkMetadata(header['metadata'], 'metadata', limits);
    const settings = checkMetadata(header['settings'], 'settings', limits);
    checkSettings(settings);
    const read = { spaceName, metadata, settings, lastSpaceSequence };
    if (headerLine(read) !== `${text}\n`) throw damaged(1, 'it has been changed');
    return read;
  });
}

/** @throws {RamaxError} `invalid_input` with the line */
export function checkEvent(event: FileEvent, line: number, limits: Limits, isEncrypted: boolean): void {
  atLine(line, () => {
    const { idBytesMax } = limits;
    checkId(event.entityId, 'entityId', idBytesMax);
    checkId(event.type, 'type', idBytesMax);
    checkInteger(event.version, 'version', 1);
    checkUuid(event.invocationId);
    if (event.causationId !== null) checkId(event.causationId, 'causationId', idBytesMax);
    if (event.correlationId !== null) checkId(event.correlationId, 'correlationId', idBytesMax);
    if (event.tags !== null) checkTags(event.tags, limits);
    if (event.metadata !== null) {
      checkCanonical(checkMetadata(parsed(event.metadata), 'metadata', limits), event.metadata, 'metadata');
    }
    // What is sealed is looked at where its key is: when it is opened.
    if (isEncrypted && isSealed(event.payload)) return;
    freezeValue(decodeValue(event.payload), 'payload', limits);
  });
}

/** @throws {RamaxError} `invalid_input` with the line */
export function checkCommand(
  command: DraftCommand,
  line: number,
  limits: Limits,
  lastSequence: number,
): void {
  atLine(line, () => {
    checkId(command.commandId, 'commandId', limits.idBytesMax);
    checkId(command.commandName, 'commandName', limits.idBytesMax);
    checkId(command.paramsHash, 'paramsHash', paramsHashBytesMax);
    checkUuid(command.invocationId);
    checkInteger(command.spaceSequence, 'spaceSequence', 0);
    checkInteger(command.eventCount, 'eventCount', 0, command.spaceSequence);
    checkInteger(command.acceptedAt, 'acceptedAt', 0);
  });
  if (command.spaceSequence <= lastSequence) return;
  throw damaged(line, `its event ${command.spaceSequence} is missing`);
}

/** As long as any id may be by default. */
const keyIdBytesMax = 512;

/** Fields that this version does not know are kept as they are. */
function checkSettings({ suspended, limits, encryption }: Readonly<Record<string, Value>>): void {
  if (encryption !== undefined) {
    const { keyId, check } = objectOf(encryption, 'settings.encryption');
    checkId(keyId, 'settings.encryption.keyId', keyIdBytesMax);
    if (typeof check !== 'string') throw invalidInput('settings.encryption.check', 'a string', check);
  }
  if (suspended !== undefined) {
    const { at, reason, reads } = objectOf(suspended, 'settings.suspended');
    checkInteger(at, 'settings.suspended.at', 0);
    if (reason !== undefined && typeof reason !== 'string') {
      throw invalidInput('settings.suspended.reason', 'a string', reason);
    }
    if (reads !== undefined && reads !== 'allow' && reads !== 'refuse') {
      throw invalidInput('settings.suspended.reads', "'allow' or 'refuse'", reads);
    }
  }
  if (limits === undefined) return;
  for (const [name, limit] of Object.entries(objectOf(limits, 'settings.limits'))) {
    checkInteger(limit, `settings.limits.${name}`, 1);
  }
}

function objectOf(value: Value, field: string): Readonly<Record<string, Value>> {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) {
    return value as Readonly<Record<string, Value>>;
  }
  throw invalidInput(field, 'an object', value);
}

function checkTags(text: string, limits: Limits): void {
  const tags = parsed(text);
  if (!Array.isArray(tags) || tags.length > limits.tagsPerEventMax) {
    throw invalidInput('tags', `an array of at most ${limits.tagsPerEventMax} strings`, tags);
  }
  for (const tag of tags) checkId(tag, 'tags', limits.idBytesMax);
  checkCanonical(tags, text, 'tags');
}

function checkCanonical(value: unknown, text: string, field: string): void {
  if (JSON.stringify(value) !== text) throw invalidInput(field, 'JSON as an export writes it', text);
}

function checkUuid(text: string): void {
  if (!uuidForm.test(text)) throw invalidInput('invocationId', 'a lower-case UUID', text);
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}

function atLine<Result>(line: number, check: () => Result): Result {
  try {
    return check();
  } catch (error) {
    if (!isRamaxError(error) || error.details['line'] !== undefined) throw error;
    throw new RamaxError(error.code, `line ${line} of the file: ${error.message}`, {
      details: { ...error.details, line },
      cause: error,
    });
  }
}

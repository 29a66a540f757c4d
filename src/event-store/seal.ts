/**
 * Sealing: from what a command returned to what the log stores, and back.
 *
 * Format v1 of the chain: `hash = digest(previous hash, header, payload)`, where the header is the JSON array of the
 * event's other facts in a fixed order (see `headerOf`) with the payload's length, so that no two different events
 * have the same input. `eventId` and `spaceId` are left out: a space that is exported, cloned or imported keeps its
 * chain.
 */

import { decodeValue, encodeValue } from '../codec/value-codec.js';
import { assert } from '../core/assert.js';
import type { ChainDigest } from '../core/clock.js';
import { invalidInput, RamaxError } from '../core/errors.js';
import type { EventSpec, RecordedEvent, SpaceEvent } from '../core/event.js';
import type { Limits } from '../core/limits.js';
import { checkId, checkInteger } from '../core/names.js';
import { deepFreeze, freezeValue, utf8Bytes, type Value } from '../core/values.js';
import type { SealedEvent, StoredEvent } from './port.js';

/** The hash before the first event of a space. */
export const genesisHash: Uint8Array = new Uint8Array(16);

/** What the events of one command have in common. */
export interface SealContext {
  readonly invocationId: string;
  readonly timestamp: number;
  readonly causationId: string | undefined;
  readonly correlationId: string | undefined;
  readonly digest: ChainDigest;
  readonly limits: Limits;
}

/** One event on its way: what projections receive, and what the log stores. */
export interface DraftEvent {
  readonly event: SpaceEvent;
  readonly sealed: SealedEvent;
}

/**
 * Checks, freezes, encodes and chains the events of one command.
 *
 * @param previous where the space ends before them
 * @throws {RamaxError} `invalid_input` naming the field of the event that is wrong
 */
export function sealEvents(
  specs: readonly EventSpec[],
  previous: { readonly sequence: number; readonly hash: Uint8Array },
  context: SealContext,
): readonly DraftEvent[] {
  if (specs.length > context.limits.eventsPerCommandMax) {
    throw invalidInput('events', `at most ${context.limits.eventsPerCommandMax} events`, specs);
  }
  const drafts: DraftEvent[] = [];
  let bytes = 0;
  let hash = previous.hash;
  for (const [index, spec] of specs.entries()) {
    const draft = seal(spec, `events[${index}]`, previous.sequence + 1 + index, hash, context);
    hash = draft.sealed.hash;
    bytes += draft.sealed.payload.length;
    if (bytes > context.limits.commandBytesMax) {
      throw invalidInput(
        'events',
        `at most ${context.limits.commandBytesMax} bytes of payload together`,
        specs,
      );
    }
    drafts.push(draft);
  }
  return drafts;
}

function seal(
  spec: EventSpec,
  field: string,
  spaceSequence: number,
  previousHash: Uint8Array,
  context: SealContext,
): DraftEvent {
  const event = checkEvent(spec, field, spaceSequence, context);
  const payload = encodeValue(event.payload);
  const facts = {
    entityId: event.entityId,
    type: event.type,
    version: event.version,
    payload,
    timestamp: event.timestamp,
    causationId: event.causationId === context.invocationId ? null : event.causationId,
    correlationId: event.correlationId === context.invocationId ? null : event.correlationId,
    tags: event.tags.length === 0 ? null : JSON.stringify(event.tags),
    metadata: Object.keys(event.metadata).length === 0 ? null : JSON.stringify(event.metadata),
  };
  const header = headerOf({ ...facts, spaceSequence, invocationId: context.invocationId });
  return { event, sealed: { ...facts, hash: context.digest(previousHash, header, payload) } };
}

function checkEvent(spec: unknown, field: string, spaceSequence: number, context: SealContext): SpaceEvent {
  if (typeof spec !== 'object' || spec === null) throw invalidInput(field, 'an event object', spec);
  const { idBytesMax } = context.limits;
  const { entityId, type, payload, version = 1, causationId, correlationId } = spec as EventSpec;
  checkId(entityId, `${field}.entityId`, idBytesMax);
  checkId(type, `${field}.type`, idBytesMax);
  checkInteger(version, `${field}.version`, 1);
  if (causationId !== undefined) checkId(causationId, `${field}.causationId`, idBytesMax);
  if (correlationId !== undefined) checkId(correlationId, `${field}.correlationId`, idBytesMax);
  return Object.freeze({
    spaceSequence,
    entityId,
    type,
    version,
    payload: freezeValue(payload ?? null, `${field}.payload`, context.limits),
    timestamp: context.timestamp,
    causationId: causationId ?? context.causationId ?? context.invocationId,
    correlationId: correlationId ?? context.correlationId ?? context.invocationId,
    tags: checkTags((spec as EventSpec).tags, `${field}.tags`, context.limits),
    metadata: checkMetadata((spec as EventSpec).metadata, `${field}.metadata`, context.limits),
  });
}

const noTags: readonly string[] = Object.freeze([]);
const noMetadata: Readonly<Record<string, Value>> = Object.freeze({});

function checkTags(tags: unknown, field: string, limits: Limits): readonly string[] {
  if (tags === undefined) return noTags;
  if (!Array.isArray(tags) || tags.length > limits.tagsPerEventMax) {
    throw invalidInput(field, `an array of at most ${limits.tagsPerEventMax} strings`, tags);
  }
  return Object.freeze(
    tags.map((tag: unknown, index) => {
      checkId(tag, `${field}[${index}]`, limits.idBytesMax);
      return tag;
    }),
  );
}

/**
 * Frozen metadata: a JSON object within its bound.
 *
 * @throws {RamaxError} `invalid_input`
 */
export function checkMetadata(
  metadata: unknown,
  field: string,
  limits: Pick<Limits, 'metadataBytesMax' | 'valueBytesMax' | 'valueDepthMax'>,
): Readonly<Record<string, Value>> {
  if (metadata === undefined) return noMetadata;
  if (typeof metadata !== 'object' || metadata === null || Array.isArray(metadata)) {
    throw invalidInput(field, 'a plain object', metadata);
  }
  const frozen = freezeValue(metadata, field, limits);
  if (utf8Bytes(JSON.stringify(frozen)) > limits.metadataBytesMax) {
    throw invalidInput(field, `at most ${limits.metadataBytesMax} bytes as JSON`, metadata);
  }
  return frozen as Readonly<Record<string, Value>>;
}

/** The facts of an event that the chain covers besides its payload. */
export function headerOf(event: Omit<StoredEvent, 'eventId' | 'spaceId' | 'hash'>): string {
  return JSON.stringify([
    event.spaceSequence,
    event.entityId,
    event.type,
    event.version,
    event.timestamp,
    event.invocationId,
    event.causationId,
    event.correlationId,
    event.tags,
    event.metadata,
    event.payload.length,
  ]);
}

/** What projections receive of a stored event. */
export function openForProjection(stored: StoredEvent): SpaceEvent {
  return Object.freeze(openFacts(stored));
}

/** What readers get of a stored event. */
export function openForReader(stored: StoredEvent): RecordedEvent {
  assert(stored.eventId > 0, 'a stored event has an event id');
  return Object.freeze({ eventId: stored.eventId, spaceId: stored.spaceId, ...openFacts(stored) });
}

function openFacts(stored: StoredEvent): SpaceEvent {
  return {
    spaceSequence: stored.spaceSequence,
    entityId: stored.entityId,
    type: stored.type,
    version: stored.version,
    payload: decodeValue(stored.payload),
    timestamp: stored.timestamp,
    causationId: stored.causationId ?? stored.invocationId,
    correlationId: stored.correlationId ?? stored.invocationId,
    tags: stored.tags === null ? noTags : (frozenJson(stored.tags) as readonly string[]),
    metadata:
      stored.metadata === null
        ? noMetadata
        : (frozenJson(stored.metadata) as Readonly<Record<string, Value>>),
  };
}

/** Frozen like what was sealed: what a projection may do to an event does not depend on where it comes from. */
function frozenJson(text: string): Value {
  let value: Value;
  try {
    value = JSON.parse(text) as Value;
  } catch (cause) {
    throw new RamaxError('corrupt', 'stored text cannot be decoded', { cause });
  }
  deepFreeze(value);
  return value;
}

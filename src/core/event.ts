/**
 * The event in its three states: as a command returns it (`EventSpec`), as a projection receives it (`SpaceEvent`),
 * and as a reader gets it (`RecordedEvent`).
 *
 * A projection runs ahead of the commit, so what it receives has no `eventId`; nor has it a `spaceId`, so that a copy
 * of a space folds to the same state. Live and rebuilt state are then equal by construction.
 */

import type { ErrorData } from './errors.js';
import type { Value } from './values.js';

/** Any string, spelt so that a literal keeps its type when it is inferred. */
export type LiteralString = '' | (string & {});

/** An event as a command returns it. */
export interface EventSpec<Type extends string = LiteralString, Payload = unknown> {
  /** The entity that the event is about: 1 to 512 bytes of text. */
  readonly entityId: string;
  /** The event's type, such as `contact.added`. */
  readonly type: Type;
  /** A JSON value; absent means null. */
  readonly payload?: Payload;
  /** The version of the payload's shape: an integer from 1. Default, and in an app with `upcasters` the only one allowed: the present one. */
  readonly version?: number;
  /** Labels to find the event by; at most 16. */
  readonly tags?: readonly string[];
  /** Facts about the event rather than of the domain: a JSON object of at most 16 KiB. */
  readonly metadata?: Readonly<Record<string, unknown>>;
  /** What caused it. Default: the command's `causationId`, or the command's own id. */
  readonly causationId?: string;
  /** What it belongs to. Default: the command's `correlationId`, or the command's own id. */
  readonly correlationId?: string;
}

/** An event as a projection receives it: deeply frozen. */
export interface SpaceEvent<Type extends string = string, Payload = Value> {
  /** Its place in its space: 1, 2, 3 … without holes. */
  readonly spaceSequence: number;
  readonly entityId: string;
  readonly type: Type;
  readonly version: number;
  readonly payload: Payload;
  /** When the shard began to decide: milliseconds since the Unix epoch. Not an order. */
  readonly timestamp: number;
  readonly causationId: string;
  readonly correlationId: string;
  readonly tags: readonly string[];
  readonly metadata: Readonly<Record<string, Value>>;
  /** Where an upcaster has made several events of one: which of them this is, from 0. Absent: it is the only one. */
  readonly part?: number;
  /** How many they are; there when `part` is. */
  readonly parts?: number;
}

/** An event as a reader gets it: committed, with its global place. */
export interface RecordedEvent<Type extends string = string, Payload = Value>
  extends SpaceEvent<Type, Payload> {
  /** Its place in the whole log: strictly increasing in commit order over all spaces. */
  readonly eventId: number;
  readonly spaceId: number;
  /** The space is encrypted and its key is gone: `payload` is null. Only in streams over all spaces; others fail with `key_missing`. */
  readonly keyMissing?: true;
  /** It cannot be brought to its present shape: `payload` is null. Only in streams over all spaces; others fail with this error. */
  readonly upcastError?: ErrorData;
}

/** How far a projection has come. */
export interface Checkpoint {
  /** The last event applied, in the log of all spaces; 0 before the first. */
  readonly lastEventId: number;
  /** The last event applied, in its space; 0 before the first. */
  readonly lastSpaceSequence: number;
}

/** The checkpoint of a space without events. */
export const originCheckpoint: Checkpoint = Object.freeze({ lastEventId: 0, lastSpaceSequence: 0 });

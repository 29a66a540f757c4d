/**
 * Upcasters: how events of older shapes become events of the present one when they are read. Pure; what is stored never changes.
 *
 * The upcaster of version n makes version n + 1, or events of other types, or none. The present version of a type is one more than
 * that of its last upcaster; 1 where it has none. An app that says nothing of upcasters, not even that there are none (`{}`), looks
 * after versions itself: then every event is as it was written.
 *
 * Called by: what folds events (in a shard, a state of the past, a verification), the thread of upcasters (`platform/`), and the
 * nouns that are used alone. Never by main.
 *
 * Invariants:
 *   - Every event comes out in the present version of its type, or as an error; in between nobody sees it.
 *   - Every chain ends: a step that leads back to a type and version that it came from is refused.
 *   - The parts of one event are known all at once or not at all.
 */

import { asRamaxError, describeValue, RamaxError } from './errors.js';
import type { SpaceEvent } from './event.js';
import { isThenable } from './thenable.js';
import { freezeValue, type Value, type ValueLimits } from './values.js';

/** An event of an older shape, as an upcaster receives it: deeply frozen. `Payload` is for the author to say. */
export interface PastEvent<Payload = unknown> extends SpaceEvent<string, Payload> {}

/** What an upcaster makes of an event, when it makes more than another payload. */
export interface UpcastEvent {
  readonly type: string;
  /** A JSON value. */
  readonly payload: unknown;
  /** The version that this is. Default: the next one where the type stays, else 1: the chain of that type goes on from there. */
  readonly version?: number;
}

/**
 * Makes of an event of one version what it is in the next: the new payload; or `{ type, payload }`, which may have another type; or an
 * array of such: several events in place of one, or none. It is pure and synchronous. (A payload that is an array, or that has the
 * keys `type` and `payload` alone, is returned as `{ type, payload }`.)
 */
// A method, so that an author may say what the payload was: parameters of methods are compared both ways.
export type Upcaster = { upcast(event: PastEvent): unknown }['upcast'];

/** Upcasters by event type and the version that they take. */
export type Upcasters = Readonly<Record<string, Readonly<Record<number, Upcaster>>>>;

/** One event of the present shape that upcasters made. */
export interface UpcastPart {
  readonly type: string;
  readonly version: number;
  readonly payload: Value;
}

/** Versions, as plain data: the types that have upcasters, with their present versions. */
export type EventVersions = readonly (readonly [type: string, version: number])[];

/** Events that one event may become: over it a chain of several one-to-many steps would not end within memory. */
const partsMax = 1_000;
/** What was stored had its bounds; its other shapes are stored nowhere. The depth is what recursion stands. */
const shapeLimits: ValueLimits = { valueBytesMax: Number.MAX_SAFE_INTEGER, valueDepthMax: 1_000 };

/** The upcasters of an app, checked. */
export class EventShapes {
  /** Whether versions mean something here. */
  readonly isStrict: boolean;
  readonly #upcasters: ReadonlyMap<string, ReadonlyMap<number, Upcaster>>;
  readonly #versions: ReadonlyMap<string, number>;

  /** @param upcasters of types by version; undefined: the app looks after versions itself */
  constructor(upcasters?: ReadonlyMap<string, ReadonlyMap<number, Upcaster>>) {
    this.isStrict = upcasters !== undefined;
    this.#upcasters = upcasters ?? new Map();
    this.#versions = new Map(
      [...this.#upcasters].map(([type, steps]) => [type, Math.max(0, ...steps.keys()) + 1] as const),
    );
  }

  /** The present version of a type. */
  versionOf(type: string): number {
    return this.#versions.get(type) ?? 1;
  }

  /** Whether events of this type have had other shapes: in those they may have been what other types are now. */
  hasUpcasters(type: string): boolean {
    return this.#versions.has(type);
  }

  /** The types that have upcasters, with their present versions. */
  get versions(): EventVersions {
    return [...this.#versions];
  }

  /** The upcasters as they are written; an empty text where there are none. */
  get source(): string {
    if (this.#upcasters.size === 0) return '';
    const rows = [...this.#upcasters].map(([type, steps]) => [
      type,
      [...steps].sort(([one], [other]) => one - other).map(([version, step]) => [version, String(step)]),
    ]);
    return JSON.stringify(rows.sort(([one], [other]) => (String(one) < String(other) ? -1 : 1)));
  }

  /** Whether an event is of the present version of its type, as nearly all are. */
  isPresent({ type, version }: Pick<SpaceEvent, 'type' | 'version'>): boolean {
    return !this.isStrict || version === (this.#versions.get(type) ?? 1);
  }

  /**
   * What an event is in the present: its parts, in order.
   *
   * @throws {RamaxError} `upcast_failed` when an upcaster throws or makes what is no event; `event_newer` when the app has no
   *   upcaster for its version
   */
  partsOf(event: SpaceEvent): readonly UpcastPart[] {
    const parts: UpcastPart[] = [];
    this.#unfold(event, event, [], parts);
    return parts;
  }

  /** The same as events: `part` says which of several one is. */
  upcast(event: SpaceEvent): readonly SpaceEvent[] {
    return eventsOfParts(event, this.partsOf(event));
  }

  /** @param path the types and versions that led here */
  #unfold(
    stored: SpaceEvent,
    { type, version, payload }: UpcastPart,
    path: readonly string[],
    parts: UpcastPart[],
  ): void {
    const present = this.versionOf(type);
    if (version === present) {
      if (parts.length >= partsMax)
        throw failed(stored, type, version, `it makes more than ${partsMax} events`);
      parts.push({ type, version, payload });
      return;
    }
    const step = this.#upcasters.get(type)?.get(version);
    if (step === undefined) throw noUpcaster(stored, type, version, present);
    const place = `${version} ${type}`;
    if (path.includes(place)) throw failed(stored, type, version, 'it leads back to where it came from');
    const further = [...path, place];
    for (const part of stepped(stored, step, { type, version, payload }))
      this.#unfold(stored, part, further, parts);
  }
}

/** The shapes of an app that looks after versions itself. */
export const plainShapes = new EventShapes();

/** Events made of one: what they are not given by their part, they have of it. */
export function eventsOfParts<Event extends SpaceEvent>(
  event: Event,
  parts: readonly UpcastPart[],
): readonly Event[] {
  if (parts.length === 1) return [Object.freeze({ ...event, ...parts[0] })];
  return parts.map((made, part) => Object.freeze({ ...event, ...made, part, parts: parts.length }));
}

/**
 * An event of the log that is not of the present shape, as it is given to views: what it is in the present is made when the first of them
 * asks, and once.
 */
export class EarlierEvent {
  readonly stored: SpaceEvent;
  readonly #shapes: EventShapes;
  #events: readonly SpaceEvent[] | undefined;
  #failure: RamaxError | undefined;

  constructor(stored: SpaceEvent, shapes: EventShapes) {
    this.stored = stored;
    this.#shapes = shapes;
  }

  get spaceSequence(): number {
    return this.stored.spaceSequence;
  }

  /** @throws {RamaxError} `upcast_failed`, `event_newer` */
  get events(): readonly SpaceEvent[] {
    if (this.#failure !== undefined) throw this.#failure;
    try {
      this.#events ??= this.#shapes.upcast(this.stored);
      return this.#events;
    } catch (error) {
      this.#failure = asRamaxError(error, 'upcast_failed', 'an upcaster threw');
      throw this.#failure;
    }
  }
}

/** What views are given of an event of the log: itself, as nearly always, or what makes it present. */
export type FoldedEvent = SpaceEvent | EarlierEvent;

/** An event as views are given it. */
export function foldedEvent(event: SpaceEvent, shapes: EventShapes): FoldedEvent {
  return shapes.isPresent(event) ? event : new EarlierEvent(event, shapes);
}

/** Runs one upcaster. */
function stepped(stored: SpaceEvent, step: Upcaster, from: UpcastPart): readonly UpcastPart[] {
  const { type, version } = from;
  let made: unknown;
  try {
    made = step(Object.freeze({ ...stored, ...from }));
  } catch (cause) {
    throw failed(stored, type, version, asRamaxError(cause, 'upcast_failed', 'it threw').message, cause);
  }
  if (made === undefined || isThenable(made)) {
    throw failed(
      stored,
      type,
      version,
      `it must return at once what it makes, but gave ${describeValue(made)}`,
    );
  }
  if (Array.isArray(made)) return made.map((part: unknown) => wholePart(stored, from, part));
  return [isWhole(made) ? wholePart(stored, from, made) : nextPart(stored, from, made)];
}

function nextPart(stored: SpaceEvent, { type, version }: UpcastPart, payload: unknown): UpcastPart {
  return { type, version: version + 1, payload: frozenPayload(stored, type, version, payload) };
}

function wholePart(stored: SpaceEvent, from: UpcastPart, part: unknown): UpcastPart {
  const { type, version } = from;
  if (!isWhole(part) || part.type === '') {
    const text = `it must make events { type, payload }, but made ${describeValue(part)}`;
    throw failed(stored, type, version, text);
  }
  const { version: given = part.type === type ? version + 1 : 1 } = part;
  if (!Number.isSafeInteger(given) || given < 1) {
    throw failed(stored, type, version, `it must make versions from 1, but made ${describeValue(given)}`);
  }
  return {
    type: part.type,
    version: given,
    payload: frozenPayload(stored, type, version, part.payload),
  };
}

const wholeKeys: ReadonlySet<string> = new Set(['type', 'payload', 'version']);

/** Has a type and a payload, and nothing that is of no event. */
function isWhole(made: unknown): made is UpcastEvent {
  if (typeof made !== 'object' || made === null || Array.isArray(made)) return false;
  const keys = Object.keys(made);
  return (
    keys.includes('payload') &&
    keys.every((key) => wholeKeys.has(key)) &&
    typeof (made as Partial<UpcastEvent>).type === 'string'
  );
}

function frozenPayload(stored: SpaceEvent, type: string, version: number, payload: unknown): Value {
  try {
    return freezeValue(payload, 'payload', shapeLimits);
  } catch (cause) {
    throw failed(stored, type, version, asRamaxError(cause, 'upcast_failed', 'no JSON').message, cause);
  }
}

function failed(stored: SpaceEvent, type: string, version: number, why: string, cause?: unknown): RamaxError {
  return new RamaxError(
    'upcast_failed',
    `the upcaster of '${type}' version ${version} failed at sequence ${stored.spaceSequence}: ${why}`,
    { details: placeOf(stored, type, version), ...(cause === undefined ? {} : { cause }) },
  );
}

function noUpcaster(stored: SpaceEvent, type: string, version: number, present: number): RamaxError {
  const why =
    version > present
      ? `the app has version ${present} of it`
      : `the app has no upcaster for it, and version ${present} is the present one`;
  return new RamaxError(
    version > present ? 'event_newer' : 'upcast_failed',
    `the event '${type}' at sequence ${stored.spaceSequence} is of version ${version}: ${why}`,
    { details: { ...placeOf(stored, type, version), presentVersion: present } },
  );
}

function placeOf({ spaceSequence, entityId }: SpaceEvent, type: string, eventVersion: number) {
  return { type, eventVersion, entityId, spaceSequence };
}

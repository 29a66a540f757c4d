/**
 * Stored events of older shapes for readers: what crosses between the one who reads them and the one who has the app's upcasters, and
 * what readers get.
 *
 * What is made of one event is known all at once, so that a page ends between events and never between the parts of one.
 */

import { asRamaxError, type ErrorData, RamaxError } from '../core/errors.js';
import type { RecordedEvent } from '../core/event.js';
import { type EventShapes, eventsOfParts, type UpcastPart } from '../core/upcasters.js';
import { deepFreeze } from '../core/values.js';
import type { StoredEvent } from './port.js';
import { openForProjection, openForReader, openWherePossible } from './seal.js';

/** What upcasters make of one event, or why they make nothing. */
export type Upcasted = { readonly parts: readonly UpcastPart[] } | { readonly error: ErrorData };

/** Has the app's upcasters, in whatever thread: brings open events to their present shapes. */
export interface EventUpcaster {
  upcast(events: readonly StoredEvent[]): Promise<readonly Upcasted[]>;
  close(): Promise<void>;
}

/** A stored event, or one of an older shape with what was made of it. */
export type ReadableEvent = StoredEvent | EarlierStored;

/** See `ReadableEvent`. */
export class EarlierStored {
  readonly stored: StoredEvent;
  readonly #made: Upcasted;

  constructor(stored: StoredEvent, made: Upcasted) {
    this.stored = stored;
    this.#made = made;
  }

  /**
   * What readers get of it: one event, several, or none.
   *
   * @throws {RamaxError} `upcast_failed`, `event_newer`
   */
  get events(): readonly RecordedEvent[] {
    if ('error' in this.#made) throw RamaxError.fromData(this.#made.error);
    const { parts } = this.#made;
    // What has crossed threads is not frozen any more.
    for (const { payload } of parts) deepFreeze(payload);
    return eventsOfParts(openForReader(this.stored), parts);
  }

  /** The same; what cannot be made comes without its payload, and says why. */
  get eventsWherePossible(): readonly RecordedEvent[] {
    if (!('error' in this.#made)) return this.events;
    const { payload: _payload, ...facts } = openForReader(this.stored);
    return [Object.freeze({ ...facts, payload: null, upcastError: this.#made.error })];
  }
}

/** The event in the log behind what is read. */
export function storedOf(event: ReadableEvent): StoredEvent {
  return event instanceof EarlierStored ? event.stored : event;
}

/** What readers get of it. */
export function openReadable(event: ReadableEvent): RecordedEvent | readonly RecordedEvent[] {
  return event instanceof EarlierStored ? event.events : openForReader(event);
}

/** The same; what is sealed still, or cannot be brought to its present shape, comes without its payload. */
export function openReadableWherePossible(event: ReadableEvent): RecordedEvent | readonly RecordedEvent[] {
  return event instanceof EarlierStored ? event.eventsWherePossible : openWherePossible(event);
}

/** Upcasts in this thread. */
export function upcasted(stored: StoredEvent, shapes: EventShapes): Upcasted {
  try {
    return { parts: shapes.partsOf(openForProjection(stored)) };
  } catch (error) {
    return { error: asRamaxError(error, 'upcast_failed', 'an upcaster threw').toData() };
  }
}

/** A stored event as it is read in a thread that has the upcasters. */
export function readable(stored: StoredEvent, shapes: EventShapes): ReadableEvent {
  return shapes.isPresent(stored) ? stored : new EarlierStored(stored, upcasted(stored, shapes));
}

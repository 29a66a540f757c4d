/**
 * Queries mean events as readers get them, in their present shapes. What an older release has stored may have another type: so the log is
 * asked for everything of which an upcaster could make what is meant, and what comes is looked at again in its present shape.
 *
 * Called by: streams, and conditions of appends. Subscriptions look at present shapes alone.
 *
 * Invariants:
 *   - Upcasters change type, version and payload: entity, tags, time and place are filtered where the log is read.
 *   - Without upcasters a query is asked as it is.
 */

import type { RecordedEvent } from '../core/event.js';
import { type CheckedEventQuery, matchesQuery } from '../core/event-query.js';
import { type EventShapes, type EventVersions, eventsOfParts } from '../core/upcasters.js';
import type { EventSelection, StoredEvent } from './port.js';
import { openForProjection } from './seal.js';
import { matchesStored } from './select-events.js';

/** What the log is asked for where this query is meant. */
export function storedQuery(query: CheckedEventQuery, versions: EventVersions = []): CheckedEventQuery {
  if (versions.length === 0) return query;
  const earlier = versions.map(([type]) => type);
  const items = query.items.map((item) =>
    item.types === undefined ? item : { ...item, types: [...new Set([...item.types, ...earlier])] },
  );
  return { items };
}

/** Events to ask for where one is wanted that is meant: each may turn out not to be, where upcasters have a say. */
export function askedEventsMax(versions: EventVersions): number {
  return versions.length === 0 ? 1 : 100;
}

/** `storedQuery` of a selection. */
export function storedSelection(selection: EventSelection, versions: EventVersions = []): EventSelection {
  const { query } = selection;
  return query === undefined ? selection : { ...selection, query: storedQuery(query, versions) };
}

/** Of what a stored event has become, what is meant; the last part first where the stream goes backwards. */
export function selectedParts(
  opened: RecordedEvent | readonly RecordedEvent[],
  { query, direction }: EventSelection,
): readonly RecordedEvent[] {
  const meant = [opened].flat().filter((event) => query === undefined || matchesQuery(query, event));
  return direction === 'backwards' ? meant.reverse() : meant;
}

/** Whether a stored event, with its payload open, is meant. One that no upcaster can read may be, so it is. */
export function isMeantNow(query: CheckedEventQuery, stored: StoredEvent, shapes: EventShapes): boolean {
  if (shapes.isPresent(stored)) return matchesStored(query, stored);
  try {
    const event = openForProjection(stored);
    const parts = eventsOfParts(event, shapes.partsOf(event));
    return parts.some((part) => matchesStored(query, { ...stored, type: part.type }));
  } catch {
    return true;
  }
}

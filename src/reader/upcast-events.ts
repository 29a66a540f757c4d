import type { EventShapes } from '../core/upcasters.js';
import type { StoredEvent } from '../event-store/port.js';
import { type Upcasted, upcasted } from '../event-store/upcasting.js';

/** What upcasters make of each of these events. */
export function upcastEvents(events: readonly StoredEvent[], shapes: EventShapes): readonly Upcasted[] {
  return events.map((stored) => upcasted(stored, shapes));
}

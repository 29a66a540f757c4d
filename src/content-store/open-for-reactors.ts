/** Events as handlers of reactors see them: the one place where what is stored becomes what is reacted to. */

import type { Cipher } from '../core/cipher.js';
import type { RecordedEvent } from '../core/event.js';
import type { EventShapes } from '../core/upcasters.js';
import type { StoredEvent } from '../event-store/port.js';
import { unsealed } from '../event-store/seal.js';
import { openReadable, readable } from '../event-store/upcasting.js';

/**
 * The parts of an event in their present shapes, in their order; nearly every event has one.
 *
 * @throws {RamaxError} `key_missing` when it is sealed and there is no cipher; `upcast_failed`, `event_newer`
 */
export function openedForReactors(
  stored: StoredEvent,
  cipher: Cipher | undefined,
  shapes: EventShapes,
): readonly RecordedEvent[] {
  const open = openReadable(readable(cipher === undefined ? stored : unsealed(stored, cipher), shapes));
  return 'eventId' in open ? [open] : open;
}

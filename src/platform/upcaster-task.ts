import type { StoredEvent } from '../event-store/port.js';

/** Some events for the app's upcasters, as they cross to their thread. */
export interface UpcasterTask {
  /** URL of the app module. */
  readonly app: string;
  /** The events, packed: their payloads are views of whole pages, which would be cloned with each of them. */
  readonly events: Uint8Array;
}

/** What is packed in a task. What comes back is a packed answer with an `Upcasted` for each event. */
export type UpcasterEvents = readonly StoredEvent[];

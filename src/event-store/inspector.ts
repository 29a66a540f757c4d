/**
 * The port of verification: a log as it lies there, right or wrong. Unlike `LogReader`, which refuses what is damaged, it gives everything
 * that can be read at all, so that all damage can be named and not only the first.
 *
 * Every call is one bounded look in a snapshot of its own and holds nothing afterwards. It works beside the writer.
 */

import type { CommandRecord, ReadBounds, StoredEvent } from './port.js';

/** What lies at one place of a space. */
export interface InspectedEvent {
  /** The sequence by which it is found. */
  readonly place: number;
  readonly eventId: number;
  /** Undefined: its columns are not of their types. What it says of its space and sequence may be wrong, too. */
  readonly event: StoredEvent | undefined;
}

/** A row of the registry. */
export interface InspectedSpace {
  readonly spaceId: number;
  readonly spaceName: string;
  /** The text of its metadata. */
  readonly metadata: string;
  readonly isDeleted: boolean;
}

/** An event as a command's record names it. */
export interface EventPlace {
  readonly eventId: number;
  readonly invocationId: string;
}

/** See the head of this file. */
export interface LogInspector {
  /** Spaces with `spaceId > after`, those that are being deleted included. */
  spaces(after: number, limit: number): Promise<readonly InspectedSpace[]>;
  /** The next space id after this one of which there are events, registered or not; undefined at the end. */
  nextSpaceWithEvents(after: number): Promise<number | undefined>;
  isLive(spaceId: number): Promise<boolean>;
  /** What lies at the places behind `after`, in order. */
  events(spaceId: number, after: number, bounds: ReadBounds): Promise<readonly InspectedEvent[]>;
  /** The event at a place. */
  eventAt(spaceId: number, spaceSequence: number): Promise<EventPlace | undefined>;
  /** Records of a space with `commandId > after`, by code point. */
  commands(spaceId: number, after: string, limit: number): Promise<readonly CommandRecord[]>;
  /** Numbers of records that are missing although none was forgotten or deleted with its space; `limit` at most. */
  missingCommandNumbers(limit: number): Promise<readonly number[]>;
  /** Those of these events that reads by entity, or by one of their tags, would not find. */
  notInLookups(
    spaceId: number,
    events: readonly Pick<StoredEvent, 'eventId' | 'entityId' | 'tags'>[],
  ): Promise<readonly number[]>;
  /** What is wrong with the pages of the files, in the words of whoever looks at them. */
  structure(): Promise<readonly string[]>;
  close(): Promise<void>;
}

/** Copies of what a caller handed in, so that an append that waits does not change with the caller's objects. */

import { invalidInput } from '../core/errors.js';
import type { EventSpec } from '../core/event.js';
import type { Limits } from '../core/limits.js';
import { freezeValue } from '../core/values.js';
import { checkMetadata } from './seal.js';

/**
 * One event or several, at least one, as an array of copies. What is only text or a number is checked when the events
 * are sealed; what could change meanwhile is checked and frozen here.
 *
 * @throws {RamaxError} `invalid_input`
 */
export function copySpecs(events: EventSpec | readonly EventSpec[], limits: Limits): readonly EventSpec[] {
  const specs: readonly unknown[] = isArray(events) ? events : [events];
  if (specs.length === 0 || specs.length > limits.eventsPerCommandMax) {
    throw invalidInput('events', `1 to ${limits.eventsPerCommandMax} events`, events);
  }
  return specs.map((spec, index) => copySpec(spec, `events[${index}]`, limits));
}

function copySpec(spec: unknown, field: string, limits: Limits): EventSpec {
  if (typeof spec !== 'object' || spec === null) throw invalidInput(field, 'an event object', spec);
  const { payload, tags, metadata, ...facts } = spec as EventSpec;
  return {
    ...facts,
    payload: freezeValue(payload ?? null, `${field}.payload`, limits),
    ...(tags === undefined ? {} : { tags: isArray(tags) ? [...tags] : tags }),
    ...(metadata === undefined ? {} : { metadata: checkMetadata(metadata, `${field}.metadata`, limits) }),
  };
}

function isArray(value: unknown): value is readonly EventSpec[] & readonly string[] {
  return Array.isArray(value);
}

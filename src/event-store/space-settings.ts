/**
 * What operators set for a space, as opposed to the metadata that the app keeps: what every adapter stores as text, so that
 * all give back the same.
 *
 * Invariant: a change names the fields that it is about and leaves the others as they are, also those that this version does
 * not know: two changes that are made at once do not undo one another.
 */

import type { SpaceEncryption } from '../core/cipher.js';
import { RamaxError } from '../core/errors.js';
import { freezeValue, type Value } from '../core/values.js';

/** Why and since when a space takes no commands. Whatever reads, keeps or takes away goes on. */
export interface Suspension {
  /** Milliseconds since the Unix epoch. */
  readonly at: number;
  /** What its callers are told. */
  readonly reason?: string;
}

/** Bounds of one space. Each is an integer from 1. */
export interface SpaceLimits {
  /** Commands that are admitted in a second, on average. Default: no bound. */
  readonly commandsPerSecondMax?: number;
  /** Commands that are admitted at once after a rest. Default: as many as in one second. */
  readonly commandsBurstMax?: number;
  /** Calls under way at once: commands and reads, from call to answer. Default: `limits.spaceInFlightMax`. */
  readonly inFlightMax?: number;
}

/** The settings of a space; a field that is absent was never set. */
export interface SpaceSettings {
  readonly suspended?: Suspension;
  readonly limits?: SpaceLimits;
  /** Set when the space is created, and never changed. */
  readonly encryption?: SpaceEncryption;
}

/** A change of settings: a field that is given replaces, null takes it away, and one that is absent stays as it is. */
export type SettingsChange = { readonly [Name in keyof SpaceSettings]: SpaceSettings[Name] | null };

/** No settings at all. */
export const noSettings: SpaceSettings = Object.freeze({});

/** The settings after a change. */
export function changedSettings(settings: SpaceSettings, change: SettingsChange): SpaceSettings {
  const entries = Object.entries({ ...settings, ...change });
  return Object.fromEntries(entries.filter(([, value]) => value !== null && value !== undefined));
}

/** Settings as JSON text, or null where there are none. */
export function settingsText(settings: SpaceSettings): string | null {
  const text = JSON.stringify(settings);
  return text === '{}' ? null : text;
}

/** Settings were checked when they came in; reading back must not fail on a bound. */
const readLimits = { valueBytesMax: Number.MAX_SAFE_INTEGER, valueDepthMax: 1_024 };

/**
 * The frozen settings in `text`.
 *
 * @throws {RamaxError} `corrupt` when the text is no JSON object
 */
export function parseSettingsText(text: string | null): SpaceSettings {
  if (text === null) return noSettings;
  let settings: Value;
  try {
    settings = freezeValue(JSON.parse(text), 'stored settings', readLimits);
  } catch (cause) {
    throw unreadable(cause);
  }
  // A space whose settings are gone would not be suspended any more.
  if (typeof settings !== 'object' || settings === null || Array.isArray(settings)) throw unreadable();
  return settings as SpaceSettings;
}

function unreadable(cause?: unknown): RamaxError {
  return new RamaxError('corrupt', 'the stored settings of a space cannot be read', { cause });
}

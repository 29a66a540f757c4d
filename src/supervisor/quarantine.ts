/**
 * The quarantine: what ends its shard again and again is refused, by its name, before it does so once more.
 *
 * Owns: the suspects, with the deaths that are put down to each, and what is refused. In memory of main: it is forgotten when the
 * process ends. Told by: the stand-ins of shards (`shard-handle.ts`), who know what ran when a shard died.
 *
 * Invariants:
 *   Z3  Only what was marked as running counts (`core/vitals.ts`), never what was in flight beside it.
 *   Z4  What is refused has written nothing: its mark stands before anything of it is appended.
 *   Z5  Both lists are bounded; over the bound the oldest is forgotten, and has to end its shard anew.
 */

import type { TextDigest } from '../core/clock.js';
import { type ErrorData, RamaxError } from '../core/errors.js';

/** Deaths after which a call, or an event of a view, is refused: one or two may have another reason. */
export const killsMax = 3;
/** Suspects, and what is refused, at most. */
const quarantineMax = 1_000;
/** Longer names are kept as their digests: the parameters of a query are part of its name. */
const keyCharactersMax = 512;

/** A call or an event, as it is named and shown. */
export interface Accused {
  /** The same for what is the same: a command of the same id, a read of the same thing. */
  readonly key: string;
  readonly kind: 'command' | 'query' | 'call' | 'event' | 'reaction';
  /** The command, query or call; of an event, its view; of a reaction, its reactor. */
  readonly name: string;
  readonly spaceId: number;
  readonly spaceName?: string | undefined;
  /** The `commandId`, or the id that Ramax gave the command. */
  readonly commandId?: string | undefined;
  readonly invocationId?: string | undefined;
  /** Of an event. */
  readonly spaceSequence?: number | undefined;
}

/** What is refused because it has ended its shard several times. */
export interface RefusedCall extends Omit<Accused, 'key'> {
  /** How often it has ended its shard. */
  readonly kills: number;
  /** What the thread died of the last time. */
  readonly cause: ErrorData;
}

/** See the head of this file. */
export class Quarantine {
  readonly #digest: TextDigest;
  /** The deaths that are put down to each. */
  readonly #suspects = new Map<string, number>();
  readonly #refused = new Map<string, RefusedCall>();

  constructor(digest: TextDigest) {
    this.#digest = digest;
  }

  /** Nobody is suspected or refused, so that there is nothing to look up. */
  get isEmpty(): boolean {
    return this.#suspects.size === 0 && this.#refused.size === 0;
  }

  /** Everything that is refused, oldest first. */
  get refused(): readonly RefusedCall[] {
    return [...this.#refused.values()];
  }

  isSuspected(key: string): boolean {
    return this.#suspects.has(this.#short(key));
  }

  /** A shard has died of `cause` while this ran. */
  accuse({ key: given, ...accused }: Accused, cause: RamaxError): void {
    const key = this.#short(given);
    const kills = (this.#suspects.get(key) ?? 0) + 1;
    this.#suspects.delete(key);
    if (kills < killsMax) keep(this.#suspects, key, kills);
    else keep(this.#refused, key, { ...accused, kills, cause: cause.toData() });
  }

  /** It has run to its end. */
  acquit(key: string): void {
    this.#suspects.delete(this.#short(key));
  }

  /** Why it is refused, or undefined. */
  verdict(key: string): RamaxError | undefined {
    const refused = this.#refused.get(this.#short(key));
    if (refused === undefined) return undefined;
    const { kills, cause, kind, name } = refused;
    return new RamaxError(
      'poisoned',
      `the ${kind} '${name}' is refused: it has ended its shard ${kills} times (${cause.message})`,
      { details: { ...detailsOf(refused), kills, cause: { code: cause.code, message: cause.message } } },
    );
  }

  #short(key: string): string {
    return key.length <= keyCharactersMax ? key : this.#digest(key);
  }
}

function detailsOf({ kind, name, spaceId, spaceName, commandId, invocationId, spaceSequence }: RefusedCall) {
  const given = { kind, [kind]: name, spaceId, spaceName, commandId, invocationId, spaceSequence };
  return Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined));
}

/** Puts an entry at the end, and forgets the first ones over the bound. */
function keep<Entry>(entries: Map<string, Entry>, key: string, entry: Entry): void {
  entries.set(key, entry);
  for (const oldest of entries.keys()) {
    if (entries.size <= quarantineMax) return;
    entries.delete(oldest);
  }
}

/**
 * A client of a runtime that writes down everything it sends and everything it is answered. Its load is random and seeded:
 * commands of all kinds, several events, copies, short deadlines, wrong expectations, reads.
 */

import { setTimeout as pause } from 'node:timers/promises';
import { type ExecuteOptions, type Ramax, RamaxError, type SpaceHandle } from 'ramax';
import { SeededRandom } from '../../src/testing/random.js';
import type app from './apps/torture.app.js';
import type { Ledger, LedgerCommand } from './ledger.js';

type Torture = typeof app;
type Space = SpaceHandle<Torture>;

const kinds = ['put', 'put', 'put', 'putIfEven', 'remove', 'nothing', 'refuse'] as const;
const keys = 60;
const copiesOneIn = 8;
const readsOneIn = 6;
const hastyOneIn = 15;
const expectingOneIn = 12;
const longOneIn = 40;
const recentMax = 100;

/** What a client stands on. */
export interface ClientOptions {
  readonly ramax: Ramax<Torture>;
  readonly ledger: Ledger;
  readonly seed: number;
  /** Begins every marker: no other run on this ledger has it. */
  readonly prefix: string;
  readonly spaces: readonly Space[];
  /** The sequences that earlier runs have had answers about. */
  readonly floors?: ReadonlyMap<string, number>;
  /** No call gives up early, so that none may end with `timeout` or `outcome_unknown`. Default: false. */
  readonly isPatient?: boolean;
  /** Sends commands again that were acknowledged a moment ago. Default: false. */
  readonly isRepeating?: boolean;
}

/** A command as it is sent. */
export interface Sending {
  readonly space: string;
  readonly command: (typeof kinds)[number];
  readonly marker: string;
  readonly parts: number;
  readonly id?: string;
  readonly params: { readonly marker: string; readonly key: string; readonly amount: number };
}

/** See the head of this file. */
export class Client {
  readonly #random: SeededRandom;
  readonly #ledger: Ledger;
  readonly #prefix: string;
  readonly #spaces: ReadonlyMap<string, Space>;
  readonly #floors: Map<string, number>;
  readonly #isPatient: boolean;
  readonly #isRepeating: boolean;
  /** The last acknowledged commands that have an id. */
  readonly #recent: Sending[] = [];
  #calls = 0;
  #markers = 0;
  #isStopped = false;
  /** Commands with an ok answer. */
  acknowledged = 0;

  constructor(options: ClientOptions) {
    const { ledger, seed, prefix, spaces, floors, isPatient = false, isRepeating = false } = options;
    this.#isPatient = isPatient;
    this.#isRepeating = isRepeating;
    this.#random = new SeededRandom(seed);
    this.#ledger = ledger;
    this.#prefix = prefix;
    this.#spaces = new Map(spaces.map((space) => [space.spaceName, space]));
    this.#floors = new Map(floors);
  }

  /** Keeps so many calls in flight until it has sent enough or is stopped. */
  async run(inFlight: number, callsMax: number): Promise<void> {
    let left = callsMax;
    const lane = async (): Promise<void> => {
      while (left-- > 0 && !this.#isStopped) await this.#call();
    };
    await Promise.all(Array.from({ length: inFlight }, lane));
  }

  /** No more calls; those in flight are answered. */
  stop(): void {
    this.#isStopped = true;
  }

  /** Sends a command once more, under its own id: the answer is definite. */
  async resend(command: LedgerCommand): Promise<void> {
    if (command.id === undefined) return;
    await this.#send(command as unknown as Sending, {});
  }

  /**
   * Puts a value with this ballast, and says `ok` or with which code it failed.
   *
   * @param isOnce `once`: without an id; the ledger does not keep what it takes to send it again
   */
  async fill(space: string, filling: string, isOnce?: 'once'): Promise<string> {
    const marker = `${this.#prefix}-${this.#markers++}`;
    const params = { marker, key: 'filled', amount: 1, filling };
    const sending = { space, command: 'put', marker, parts: 1, params } as const;
    return this.#send(isOnce === 'once' ? sending : { ...sending, id: `id-${marker}` }, {
      timeoutMs: 30_000,
    });
  }

  /** Asks what the last event is that the space's state shows. */
  async look(spaceName: string): Promise<void> {
    const floor = this.#floors.get(spaceName) ?? 0;
    const space = this.#spaces.get(spaceName);
    if (space === undefined) return;
    try {
      const seq = await space.query('last');
      this.#ledger.write({ k: 'seen', space: spaceName, seq, floor });
      this.#reached(spaceName, seq);
    } catch (error) {
      if (!(error instanceof RamaxError)) this.#wrong(`a read was answered ${String(error)}`);
    }
  }

  /** Tells the whole state of a space. */
  async tell(spaceName: string, when: string): Promise<void> {
    const state = await this.#spaces.get(spaceName)?.query('everything');
    this.#ledger.write({ k: 'state', space: spaceName, when, state });
  }

  async #call(): Promise<void> {
    const random = this.#random;
    const spaceName = random.pick([...this.#spaces.keys()]) ?? '';
    if (random.oneIn(readsOneIn)) return this.look(spaceName);
    const repeated = this.#isRepeating && random.oneIn(4) ? random.pick(this.#recent) : undefined;
    if (repeated !== undefined) {
      await this.#send(repeated, {});
      return;
    }
    const sending = this.#newCommand(spaceName);
    const copies = sending.id !== undefined && random.oneIn(copiesOneIn) ? 2 : 1;
    await Promise.all(Array.from({ length: copies }, () => this.#send(sending, this.#options(spaceName))));
  }

  #newCommand(space: string): Sending {
    const random = this.#random;
    const marker = `${this.#prefix}-${this.#markers++}`;
    const command = random.pick(kinds);
    const several = command === 'put' && random.oneIn(4) ? 2 + random.below(4) : 1;
    const parts = command === 'nothing' ? 0 : several;
    const filling = random.oneIn(longOneIn) ? 'x'.repeat(1 + random.below(6_000)) : undefined;
    const entry = { marker, key: `k${random.below(keys)}`, amount: random.below(100) };
    const params = { ...entry, ...(several > 1 ? { parts } : {}), ...(filling && { filling }) };
    const id = random.oneIn(3) ? undefined : `id-${marker}`;
    return { space, command, marker, parts, params, ...(id === undefined ? {} : { id }) };
  }

  #options(spaceName: string): ExecuteOptions {
    const random = this.#random;
    const known = this.#floors.get(spaceName) ?? 0;
    return {
      overload: 'wait',
      ...(!this.#isPatient && random.oneIn(hastyOneIn) ? { timeoutMs: 1 + random.below(20) } : {}),
      ...(random.oneIn(expectingOneIn) ? { expectedSequence: Math.max(0, known - random.below(2)) } : {}),
    };
  }

  async #send(sending: Sending, options: ExecuteOptions): Promise<string> {
    const { space, command, marker, parts, id, params } = sending;
    const n = this.#calls++;
    const handle = this.#spaces.get(space);
    if (handle === undefined) return 'no space';
    // What has no id is never sent again.
    const sent = { space, command, marker, parts, ...(id === undefined ? {} : { id, params }) };
    this.#ledger.write({ k: 'sent', n, ...sent });
    try {
      const choice = id === undefined ? options : { ...options, commandId: id };
      const { eventIds, spaceSequence } = await handle.execute(command, params, choice);
      this.#ledger.write({ k: 'ok', n, eventIds, seq: spaceSequence });
      this.#reached(space, spaceSequence);
      this.acknowledged++;
      if (id !== undefined) this.#recent.splice(0, this.#recent.length < recentMax ? 0 : 1);
      if (id !== undefined) this.#recent.push(sending);
      return 'ok';
    } catch (error) {
      const code = error instanceof RamaxError ? error.code : `untyped ${String(error)}`;
      this.#ledger.write({ k: 'error', n, code });
      // Whoever is turned away does not come back at once.
      if (code === 'unavailable' || code === 'overloaded' || code === 'storage') await pause(20);
      return code;
    }
  }

  #reached(space: string, seq: number): void {
    this.#floors.set(space, Math.max(this.#floors.get(space) ?? 0, seq));
  }

  #wrong(what: string): void {
    this.#ledger.write({ k: 'wrong', what });
  }
}

/** Commands that may or may not have been accepted, and have an id to ask by. */
export function unsettled(commands: Iterable<LedgerCommand>): LedgerCommand[] {
  return [...commands].filter(({ id, calls }) => {
    if (id === undefined) return false;
    const answers = calls.flatMap(({ answer }) => (answer === undefined ? [] : [answer]));
    if (answers.some(({ k }) => k === 'ok')) return false;
    return answers.length < calls.length || answers.some(({ code }) => code === 'outcome_unknown');
  });
}

/** The largest sequences that a ledger has ok answers about. */
export function floorsOf(commands: Iterable<LedgerCommand>): Map<string, number> {
  const floors = new Map<string, number>();
  for (const { space, calls } of commands) {
    for (const { answer } of calls) {
      if (answer?.k === 'ok') floors.set(space, Math.max(floors.get(space) ?? 0, answer.seq ?? 0));
    }
  }
  return floors;
}

/**
 * What the log is asked before commands are decided: whether their ids were accepted before, and whether calls that were
 * sent again after the death of a shard had been committed by it, and whether events match the conditions of commands.
 */

import type { AppendConditions } from './append-conditions.js';
import { acceptedIn, type CommandMemory } from './command-memory.js';
import type { LogLink } from './log-link.js';
import { type Accepted, CommandTurn, type ReadTurn } from './turn.js';

/** Where the answers come from. */
export interface CommandLookupOptions {
  readonly log: Pick<LogLink, 'findCommands' | 'allCommands'>;
  readonly spaceId: number;
  readonly memory: CommandMemory;
  readonly conditions: AppendConditions;
  /** The answers of the commands that were committed behind a sequence, by invocation. */
  readonly writtenSince: (sequence: number) => Promise<ReadonlyMap<string, Accepted>>;
}

/** The questions of one space. */
export class CommandLookup {
  readonly #options: CommandLookupOptions;

  constructor(options: CommandLookupOptions) {
    this.#options = options;
  }

  /** Whether memory does not know enough to decide this turn. */
  mustAsk(turn: CommandTurn | ReadTurn): boolean {
    if (!(turn instanceof CommandTurn) || turn.state !== 'queued') return false;
    const { invocation } = turn;
    if (invocation.resentAfter !== undefined || this.#options.memory.needsLookup(invocation)) return true;
    return this.#mustAskCondition(turn);
  }

  /** Asks what memory does not know about these turns. Says whether it had to. */
  async ask(turns: readonly (CommandTurn | ReadTurn)[]): Promise<boolean> {
    const { log, spaceId, memory, conditions } = this.#options;
    const commands = turns
      .filter((turn) => turn instanceof CommandTurn)
      .filter((turn) => turn.state === 'queued');
    const resent = commands.filter(({ invocation }) => invocation.resentAfter !== undefined);
    if (resent.length > 0) await this.#settleResent(resent);
    const unknown = commands.filter(({ invocation }) => memory.needsLookup(invocation));
    if (unknown.length > 0) {
      const ids = [...new Set(unknown.flatMap(({ invocation }) => invocation.commandId ?? []))];
      await memory.lookUp(log, spaceId, ids);
    }
    const conditional = commands.filter((turn) => this.#mustAskCondition(turn));
    for (const turn of conditional) await conditions.ask(turn);
    return resent.length + unknown.length + conditional.length > 0;
  }

  /** What was accepted before is answered as then, whatever its condition says now. */
  #mustAskCondition(turn: CommandTurn): boolean {
    const { invocation } = turn;
    if (invocation.failIfEventsMatch === undefined || turn.state !== 'queued') return false;
    const { memory, conditions } = this.#options;
    return !memory.has(invocation) && conditions.mustAsk(turn);
  }

  /** The answers of those of these commands that have a record of their own in the log, by invocation. */
  async recorded(turns: readonly CommandTurn[]): Promise<ReadonlyMap<string, Accepted>> {
    const ids = turns.flatMap(({ invocation }) => invocation.commandId ?? []);
    if (ids.length === 0) return new Map();
    const records = await this.#options.log.findCommands(this.#options.spaceId, ids);
    return new Map(records.map((record) => [record.invocationId, acceptedIn(record)]));
  }

  /** What was committed is answered; the rest goes on as if it came now. */
  async #settleResent(turns: readonly CommandTurn[]): Promise<void> {
    const after = Math.min(...turns.map(({ invocation }) => invocation.resentAfter ?? 0));
    const written = await this.#options.writtenSince(after);
    for (const turn of turns) {
      const accepted = written.get(turn.invocation.invocationId);
      if (accepted !== undefined) turn.settle(accepted);
      turn.askedTheLog();
    }
  }
}

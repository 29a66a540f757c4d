/**
 * What a space remembers of commands that came with a `commandId`, so that each is accepted once.
 *
 * Owns: the ids of commands under way, and a bounded memory of ids looked up or accepted lately. The record itself
 * lies in the log, written in the transaction of the command's events.
 *
 * Invariants:
 *   D1  An answer from memory is a committed one, or is held until the first copy is (the output gate): a copy never
 *       learns of an uncommitted command before its commit.
 *   D2  Only accepted commands are remembered; a rejected one is decided anew.
 *   D3  After a recovery nothing is remembered that the log does not have.
 *   D4  While it is complete, memory knows every record of the space: an id that it does not know is new, and the log need
 *       not be asked. It is complete from an opening that found few records until something has to be forgotten.
 */

import { RamaxError } from '../core/errors.js';
import type { CommandRecord } from '../event-store/port.js';
import type { LogLink } from './log-link.js';
import type { Accepted, CommandTurn, Invocation } from './turn.js';

type Known =
  | { readonly kind: 'absent' }
  | { readonly kind: 'pending'; readonly turn: CommandTurn; accepted: Accepted | undefined }
  | {
      readonly kind: 'accepted';
      readonly paramsHash: string;
      readonly command: string;
      readonly accepted: Accepted;
    };

/** Records that are read when a space opens; of a space with more, each id is looked up. */
const loadedMax = 1_024;

const absent: Known = { kind: 'absent' };

/** Ids held in memory: beyond it the oldest settled one is looked up in the log again. */
const rememberedMax = 16_384;

/** What is known of a copy that came before. */
export interface Copy {
  /** The first answer; undefined while it is held. */
  readonly accepted: () => Accepted | undefined;
}

/** The memory of one space. */
export class CommandMemory {
  readonly #known = new Map<string, Known>();
  #isComplete = false;

  /** Takes in all records of the space, where they are few. Nothing is under way. */
  async load(log: Pick<LogLink, 'allCommands'>, spaceId: number): Promise<void> {
    this.clear();
    const records = await log.allCommands(spaceId, loadedMax);
    for (const record of records ?? []) this.#known.set(record.commandId, fromRecord(record));
    this.#isComplete = records !== undefined;
  }

  /** Whether the log must be asked before this command can be decided. */
  needsLookup(invocation: Invocation): boolean {
    const { commandId } = invocation;
    return commandId !== undefined && !this.#isComplete && !this.#known.has(commandId);
  }

  /** Takes in what the log said about `commandIds`. */
  lookedUp(commandIds: readonly string[], records: readonly CommandRecord[]): void {
    const found = new Map(records.map((record) => [record.commandId, record]));
    for (const commandId of commandIds) {
      const record = found.get(commandId);
      this.#remember(commandId, record === undefined ? absent : fromRecord(record));
    }
  }

  /**
   * The first copy of this command, or undefined when it is the first.
   *
   * @throws {RamaxError} `conflict` when the id was used for another command or other parameters
   */
  copyOf(invocation: Invocation): Copy | undefined {
    if (invocation.commandId === undefined) return undefined;
    const known = this.#known.get(invocation.commandId);
    if (known === undefined || known.kind === 'absent') return undefined;
    const first =
      known.kind === 'pending'
        ? { command: known.turn.invocation.command, paramsHash: known.turn.invocation.paramsHash }
        : known;
    if (first.command !== invocation.command || first.paramsHash !== invocation.paramsHash) {
      throw new RamaxError(
        'conflict',
        `the commandId '${invocation.commandId}' was used before for another command or other parameters`,
        {
          details: {
            commandId: invocation.commandId,
            firstCommand: first.command,
            command: invocation.command,
          },
        },
      );
    }
    return { accepted: () => known.accepted };
  }

  /** The command is applied ahead; its commit is under way. */
  pending(turn: CommandTurn): void {
    const { commandId } = turn.invocation;
    if (commandId !== undefined) this.#remember(commandId, { kind: 'pending', turn, accepted: undefined });
  }

  /** The command is committed. */
  accepted(turn: CommandTurn, accepted: Accepted): void {
    const { commandId, paramsHash = '', command } = turn.invocation;
    if (commandId === undefined) return;
    const known = this.#known.get(commandId);
    if (known?.kind === 'pending') known.accepted = accepted;
    this.#remember(commandId, { kind: 'accepted', paramsHash, command, accepted });
  }

  /** Forgets everything: the log speaks again. */
  clear(): void {
    this.#isComplete = false;
    this.#known.clear();
  }

  #remember(commandId: string, known: Known): void {
    this.#known.delete(commandId);
    this.#known.set(commandId, known);
    if (this.#known.size <= rememberedMax) return;
    for (const [oldest, { kind }] of this.#known) {
      if (kind === 'pending') continue;
      this.#known.delete(oldest);
      this.#isComplete = false;
      return;
    }
  }
}

function fromRecord(record: CommandRecord): Known {
  const { commandName, paramsHash } = record;
  return { kind: 'accepted', command: commandName, paramsHash, accepted: acceptedIn(record) };
}

/** The answer that a record stands for. */
export function acceptedIn({ firstEventId, eventCount, spaceSequence }: CommandRecord): Accepted {
  return { firstEventId, eventCount, spaceSequence };
}

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
 *       not be asked. It is so from the first id on, where the space has few records, until something has to be forgotten.
 *   D5  What the log was asked before a recovery is not taken in after it.
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

/** Records that are read at once when the first id comes; of a space with more, each id is looked up. */
const loadedMax = 256;

const absent: Known = { kind: 'absent' };

/** Ids held in memory: beyond it the oldest settled one is looked up in the log again. */
const rememberedMax = 16_384;

/** Where the records are. */
type CommandLog = Pick<LogLink, 'allCommands' | 'findCommands'>;

/** What is known of a copy that came before. */
export interface Copy {
  /** The first answer; undefined while it is held. */
  readonly accepted: () => Accepted | undefined;
}

/** The memory of one space. */
export class CommandMemory {
  readonly #known = new Map<string, Known>();
  /** `unread`: nothing was asked yet. `partial`: of an id that is not known, the log must be asked. */
  #state: 'unread' | 'complete' | 'partial' = 'unread';
  /** Grows when everything is forgotten. */
  #epoch = 0;

  /** Whether the log must be asked before this command can be decided. */
  needsLookup({ commandId }: Invocation): boolean {
    if (commandId === undefined || this.#state === 'complete') return false;
    return this.#state === 'unread' || !this.#known.has(commandId);
  }

  /** Whether a first copy of this command is known. */
  has({ commandId }: Invocation): boolean {
    const known = commandId === undefined ? undefined : this.#known.get(commandId);
    return known !== undefined && known.kind !== 'absent';
  }

  /** Asks the log about these ids: about all, where the space has few records. */
  async lookUp(log: CommandLog, spaceId: number, commandIds: readonly string[]): Promise<void> {
    const epoch = this.#epoch;
    if (this.#state === 'unread') {
      const all = await log.allCommands(spaceId, loadedMax);
      if (epoch !== this.#epoch) return;
      this.#state = all === undefined ? 'partial' : 'complete';
      if (all !== undefined) {
        for (const record of all) this.#learn(record.commandId, fromRecord(record));
        return;
      }
    }
    const records = await log.findCommands(spaceId, commandIds);
    if (epoch !== this.#epoch) return;
    const found = new Map(records.map((record) => [record.commandId, record]));
    for (const commandId of commandIds) {
      const record = found.get(commandId);
      this.#learn(commandId, record === undefined ? absent : fromRecord(record));
    }
  }

  /** What was decided meanwhile is newer than what the log has said. */
  #learn(commandId: string, known: Known): void {
    if (!this.#known.has(commandId)) this.#remember(commandId, known);
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
    this.#epoch++;
    this.#state = 'unread';
    this.#known.clear();
  }

  #remember(commandId: string, known: Known): void {
    this.#known.delete(commandId);
    this.#known.set(commandId, known);
    if (this.#known.size <= rememberedMax) return;
    for (const [oldest, { kind }] of this.#known) {
      if (kind === 'pending') continue;
      this.#known.delete(oldest);
      if (this.#state === 'complete') this.#state = 'partial';
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

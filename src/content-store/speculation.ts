/**
 * The speculation of a space: what it has decided ahead of the log, and what of it is committed. Every decision is appended at
 * once; its answer, and every other that could have seen it, waits here for the commit.
 *
 * Owns: the head and the committed head, the output gate, the memory of command ids, and the generation under which the
 * space may append. Called by: the live space.
 *
 * Invariants:
 *   S1  `committed` never passes the head; they are equal when no write is held.
 *   S2  Nothing leaves the gate before its commit (`output-gate.ts`).
 *   S3  After a failed append nothing is released until the speculation begins anew.
 */

import type { Answerable } from '../core/answerable.js';
import { assert } from '../core/assert.js';
import type { Clock } from '../core/clock.js';
import type { ErrorCode, RamaxError } from '../core/errors.js';
import { type Checkpoint, originCheckpoint } from '../core/event.js';
import type { Limits } from '../core/limits.js';
import type { EventShapes } from '../core/upcasters.js';
import { type DraftEvent, genesisHash } from '../event-store/seal.js';
import { AppendConditions } from './append-conditions.js';
import { CommandLookup } from './command-lookup.js';
import { CommandMemory } from './command-memory.js';
import type { SpaceEnd } from './decide.js';
import type { Interlock } from './interlock.js';
import type { Appended, ChainedAppend, LogLink, OpenedSpace } from './log-link.js';
import { type Held, type HeldBytes, type HeldWrite, OutputGate } from './output-gate.js';
import { settleByLog } from './settle-by-log.js';
import type { Accepted, AnyTurn, CommandTurn, Invocation } from './turn.js';
import { findWritten } from './written-commands.js';

/** What a speculation stands on. */
export interface SpeculationOptions {
  readonly spaceId: number;
  readonly log: LogLink;
  readonly clock: Clock;
  readonly limits: Limits;
  readonly shapes: EventShapes;
  readonly interlock: Interlock;
  /** The answers that are held back in all spaces of the shard. */
  readonly heldBytes: HeldBytes;
  /** The committed head has moved, by one command. */
  readonly onCommitted: () => void;
  /** An append has failed: nothing of what is held may be believed. */
  readonly onFailed: (error: RamaxError) => void;
}

/** See the head of this file. */
export class Speculation {
  readonly #options: SpeculationOptions;
  readonly #gate: OutputGate;
  readonly #commands = new CommandMemory();
  readonly #conditions: AppendConditions;
  readonly #lookup: CommandLookup;
  /** Who waits for a commit, or for the end of the speculation. */
  readonly #commitWaiters: { readonly sequence: number; readonly wake: () => void }[] = [];
  readonly #appendEnds: AppendEnds = {
    committed: () => {
      const { interlock } = this.#options;
      interlock.appendAnswered();
      if (!interlock.recovering) this.release();
    },
    failed: (error) => {
      this.#options.interlock.appendAnswered();
      this.#options.onFailed(error);
    },
  };
  #generation = 0;
  #head: SpaceEnd = { sequence: 0, hash: genesisHash };
  #committed: Checkpoint = originCheckpoint;

  constructor(options: SpeculationOptions) {
    this.#options = options;
    this.#gate = new OutputGate(options.heldBytes);
    this.#conditions = new AppendConditions({
      spaceId: options.spaceId,
      log: options.log,
      limits: options.limits,
      shapes: options.shapes,
      head: () => this.#head.sequence,
      committed: () => this.#committed.lastSpaceSequence,
      whenCommitted: (sequence) => this.#whenCommitted(sequence),
    });
    this.#lookup = new CommandLookup({
      log: options.log,
      spaceId: options.spaceId,
      memory: this.#commands,
      conditions: this.#conditions,
      writtenSince: (sequence) => this.#writtenSince(sequence),
    });
  }

  /** The last event decided. */
  get head(): SpaceEnd {
    return this.#head;
  }

  /** The last event committed. */
  get committed(): Checkpoint {
    return this.#committed;
  }

  /** Turns whose answer is held. */
  get size(): number {
    return this.#gate.size;
  }

  /**
   * Whether one more turn may be decided. A space that holds no answer may always hold one: it waits for its own to leave, never for
   * those of others.
   */
  get hasRoom(): boolean {
    const { bytes, size } = this.#gate;
    const { limits, heldBytes } = this.#options;
    if (size >= limits.speculativeTurnsMax) return false;
    return bytes === 0 || (bytes < limits.heldBytesMax && heldBytes.bytes < limits.shardHeldBytesMax);
  }

  /** Everything is committed, up to the end of an opened space. */
  begin({ generation, head: { lastEventId, lastSpaceSequence, lastHash } }: OpenedSpace): void {
    this.#generation = generation;
    this.#head = { sequence: lastSpaceSequence, hash: lastHash };
    this.#committed = { lastEventId, lastSpaceSequence };
    this.#conditions.begin();
  }

  /** Whether the log must be asked before this turn is decided. */
  mustAsk(turn: AnyTurn): boolean {
    return this.#lookup.mustAsk(turn);
  }

  /** Asks the log what must be known before these turns are decided. Says whether it had to. */
  ask(turns: readonly AnyTurn[]): Promise<boolean> {
    return this.#lookup.ask(turns);
  }

  /** Answers a command of an id that was decided before, behind the first one. Says whether it was. */
  repeats(turn: CommandTurn): boolean {
    const copy = this.#commands.copyOf(turn.invocation);
    if (copy === undefined) return false;
    this.hold(turn, () => {
      const accepted = copy.accepted();
      assert(accepted !== undefined, 'the first copy leaves the gate before the second');
      turn.settle(accepted);
    });
    return true;
  }

  /**
   * Refuses a command whose condition does not hold, as far as anything is decided.
   *
   * @throws {RamaxError} `conflict`
   */
  checkCondition(turn: CommandTurn): void {
    this.#conditions.check(turn);
  }

  /** Holds an answer until everything that it could have seen is committed. */
  hold(turn: AnyTurn, release: () => void, bytes = 0): void {
    this.#gate.hold({ kind: 'answer', turn, sequence: this.#head.sequence, bytes, release });
  }

  /** Appends what a command has decided, and holds its answer. */
  write(turn: CommandTurn, drafts: readonly DraftEvent[]): void {
    const previous = this.#head;
    const last = drafts[drafts.length - 1];
    if (last !== undefined) this.#head = { sequence: last.event.spaceSequence, hash: last.sealed.hash };
    else if (turn.invocation.commandId === undefined) {
      const nothing = { firstEventId: 0, eventCount: 0, spaceSequence: previous.sequence };
      this.hold(turn, () => turn.settle(nothing));
      return;
    }
    this.#append(turn, drafts, previous);
    this.#conditions.decided(drafts);
  }

  /** Lets everything leave that may. */
  release(): void {
    for (;;) {
      const held = this.#gate.next(this.#committed.lastSpaceSequence);
      if (held === undefined) break;
      if (held.kind === 'answer') held.release();
      else if (held.appended !== undefined) this.#settleWrite(held, held.appended);
    }
    if (this.#commitWaiters.length > 0) this.#wakeCommitted(this.#committed.lastSpaceSequence);
    this.#options.interlock.roomMade();
  }

  /** Takes everything that is held, in order: the speculation is over. */
  takeAll(): readonly Held[] {
    this.#wakeCommitted(Number.POSITIVE_INFINITY);
    return this.#gate.takeAll();
  }

  #whenCommitted(sequence: number): Promise<void> {
    // Behind `takeAll` nobody would wake it.
    if (this.#gate.size === 0) return Promise.resolve();
    return new Promise((wake) => this.#commitWaiters.push({ sequence, wake }));
  }

  #wakeCommitted(upTo: number): void {
    const waiters = this.#commitWaiters.splice(0);
    this.#commitWaiters.push(...waiters.filter(({ sequence }) => sequence > upTo));
    for (const { sequence, wake } of waiters) if (sequence <= upTo) wake();
  }

  /** Settles what the log has of these; the others are to be decided again, in their order. */
  async settle(held: readonly Held[], before: number): Promise<readonly AnyTurn[]> {
    const { interlock } = this.#options;
    const written = await this.#writtenOf(held, before);
    interlock.assertNotEnded();
    const turns = settleByLog(held, written, (turn, accepted) => this.#settleAccepted(turn, accepted));
    this.#commands.clear();
    await this.#lookup.ask(turns);
    interlock.assertNotEnded();
    return turns;
  }

  /** Another owner may have accepted commands since. Nothing is held. */
  forgetCommands(): void {
    this.#commands.clear();
  }

  #append(turn: CommandTurn, drafts: readonly DraftEvent[], previous: SpaceEnd): void {
    const { spaceId, log, interlock } = this.#options;
    const { sequence } = this.#head;
    const held = new AppendUnderWay(turn, drafts.length, sequence, this.#appendEnds);
    this.#commands.pending(turn);
    this.#gate.hold(held);
    interlock.appendSent();
    const append: ChainedAppend = {
      kind: 'append',
      spaceId,
      generation: this.#generation,
      previousSequence: previous.sequence,
      previousHash: previous.hash,
      invocationId: turn.invocation.invocationId,
      events: drafts.map(({ sealed }) => sealed),
      command: recordOf(turn.invocation),
      traceparent: turn.invocation.traceparent,
    };
    log.append(append, held);
  }

  #settleWrite(held: HeldWrite, { firstEventId, spaceSequence }: Appended): void {
    assert(spaceSequence === held.sequence, 'the log and the live space agree on the sequence');
    const accepted = { firstEventId, eventCount: held.eventCount, spaceSequence };
    if (held.eventCount > 0) {
      this.#committed = { lastEventId: firstEventId + held.eventCount - 1, lastSpaceSequence: spaceSequence };
      this.#options.onCommitted();
    }
    this.#settleAccepted(held.turn, accepted);
  }

  #settleAccepted(turn: CommandTurn, accepted: Accepted): void {
    this.#commands.accepted(turn, accepted);
    turn.settle(accepted);
  }

  /** What the log has of these commands: by their records, and by their events behind `before`. */
  async #writtenOf(held: readonly Held[], before: number): Promise<ReadonlyMap<string, Accepted>> {
    const recorded = await this.#lookup.recorded(
      held.flatMap(({ kind, turn }) => (kind === 'write' ? turn : [])),
    );
    return new Map([...recorded, ...(await this.#writtenSince(before))]);
  }

  #writtenSince(sequence: number): Promise<ReadonlyMap<string, Accepted>> {
    const { log, clock, limits, spaceId } = this.#options;
    const to = this.#committed.lastSpaceSequence;
    return findWritten({ log, clock, limits, spaceId, from: Math.min(sequence, to), to });
  }
}

/** What follows the end of an append, whichever it is. */
interface AppendEnds {
  readonly committed: () => void;
  readonly failed: (error: RamaxError) => void;
}

/** A held write that is told by the log what became of it. */
class AppendUnderWay implements HeldWrite, Answerable<Appended> {
  readonly kind = 'write';
  readonly turn: CommandTurn;
  readonly eventCount: number;
  readonly sequence: number;
  readonly #ends: AppendEnds;
  appended: Appended | undefined;

  constructor(turn: CommandTurn, eventCount: number, sequence: number, ends: AppendEnds) {
    this.turn = turn;
    this.eventCount = eventCount;
    this.sequence = sequence;
    this.#ends = ends;
  }

  answered(appended: Appended): void {
    this.appended = appended;
    this.#ends.committed();
  }

  failed(error: RamaxError): void {
    // Refused as a whole, it is certainly not written (`LogLink`, G3).
    if (refusals.has(error.code)) this.turn.rolledBack();
    this.#ends.failed(error);
  }
}

/** Of the log for an append that it has not taken. */
const refusals: ReadonlySet<ErrorCode> = new Set(['fenced', 'conflict', 'not_found']);

/** What is recorded of a command that came with an id. */
function recordOf({ commandId, command: commandName, paramsHash = '' }: Invocation) {
  return commandId === undefined ? null : { commandId, commandName, paramsHash };
}

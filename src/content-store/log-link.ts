/**
 * What a content store needs of the log. In the runtime it is a link to the writer's thread and a reader beside it
 * (`shard/`); alone in one thread it is the log itself (`local-log.ts`).
 */

import type { Answerable } from '../core/answerable.js';
import type { SpaceEncryption } from '../core/cipher.js';
import type { RamaxError } from '../core/errors.js';
import type {
  AppendRequest,
  ChainedEvent,
  CommandRecord,
  EventSelection,
  ImportPosition,
  ReadBounds,
  SelectBounds,
  SelectedEvents,
  SpaceHead,
  StoredEvent,
  StoredTimer,
} from '../event-store/port.js';

/** An append by the owner of a space's state. */
export interface FencedAppend extends AppendRequest {
  /** The generation that `openSpace` gave; an older one than the log's is refused with `fenced`. */
  readonly generation: number;
  /** Of a traced command. */
  readonly traceparent?: string | undefined;
}

/** A fenced append as its owner makes it. */
export interface ChainedAppend extends FencedAppend {
  readonly events: readonly ChainedEvent[];
}

/** A committed append. */
export interface Appended {
  /** 0 when there were no events. */
  readonly firstEventId: number;
  readonly spaceSequence: number;
}

/** A space as it was opened: who may write it from now on, and where it ends. */
export interface OpenedSpace {
  readonly generation: number;
  readonly head: SpaceHead;
  /** Absent: the space is not encrypted. */
  readonly encryption?: SpaceEncryption | undefined;
}

/** Nobody can write at present, and it may last: `cause` says why. Stays within a shard. */
export class WriterIsDown extends Error {
  override readonly cause: RamaxError;

  constructor(cause: RamaxError) {
    super(cause.message);
    this.cause = cause;
  }
}

/**
 * Invariants:
 *   G1  Appends of one space are taken in the order of the calls.
 *   G2  `openSpace` answers after every earlier append of the space was committed or can never be, and makes all
 *       earlier generations stale.
 *   G3  An append is answered only when the events are durable, and never before `append` returns. It fails with anything
 *       else than a refusal of the whole (`fenced`, `conflict`, `not_found`) when the outcome is in doubt.
 *   G4  What `append` or `openSpace` has told of is visible to later reads.
 */
export interface LogLink {
  /** Why nobody can write at present, while that may last. */
  readonly trouble?: RamaxError | undefined;
  append(append: ChainedAppend, waiter: Answerable<Appended>): void;
  /**
   * Waits for a writer that is being started again.
   *
   * @param wait `untilUp`: however long that takes
   * @throws {WriterIsDown} while it may take long
   * @throws {RamaxError} `not_found` when the space does not exist or is deleted
   */
  openSpace(spaceId: number, wait?: 'untilUp'): Promise<OpenedSpace>;
  /**
   * The space for those who only read, whoever may write.
   *
   * @throws {RamaxError} `not_found`
   */
  openForReading(spaceId: number): Promise<Omit<OpenedSpace, 'generation'>>;
  readSpace(spaceId: number, after: number, bounds: ReadBounds): Promise<readonly StoredEvent[]>;
  /** See `LogReader.selectEvents`; `not_found` when the space is deleted. */
  selectEvents(selection: EventSelection, bounds: SelectBounds): Promise<SelectedEvents>;
  findCommands(spaceId: number, commandIds: readonly string[]): Promise<readonly CommandRecord[]>;
  /** See `LogReader`. */
  timersOf(spaceId: number, after: string, limit: number): Promise<readonly StoredTimer[]>;
  importsOf(spaceId: number): Promise<readonly ImportPosition[]>;
  /** See `LogReader.allCommands`. */
  allCommands(spaceId: number, limit: number): Promise<readonly CommandRecord[] | undefined>;
}

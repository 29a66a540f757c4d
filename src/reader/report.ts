/** What verification finds. Plain data: it crosses threads. */

/**
 * What is wrong:
 *
 * - `event_changed`: the hash does not follow from the event and the one before it. `hash_changed`: only the hash itself is wrong.
 * - `event_missing`: nothing is at this place, and something behind it. `event_unreadable`: its columns are not of their types.
 * - `event_order`: its id does not come after that of the event before it. `event_astray`: it is of a space that is not registered, or says so.
 * - `command_wrong`: the record of a command names events that are not its own. `command_missing`: records are gone.
 * - `space_wrong`: a row of the registry is no space, or ids will be given twice.
 * - `lookup_missing`: reads by entity, or by one of its tags, do not find the event.
 * - `checkpoint_wrong`: a view is ahead of the log, or names another event.
 * - `entry_changed`, `entry_missing`, `entry_extra`, `entry_damaged`: a view is not what its events make of it, or fails its checksum.
 * - `file_damaged`: SQLite says so, or the file cannot be read.
 */
export type VerifyProblemKind =
  | 'event_changed'
  | 'hash_changed'
  | 'event_missing'
  | 'event_unreadable'
  | 'event_order'
  | 'event_astray'
  | 'command_wrong'
  | 'command_missing'
  | 'space_wrong'
  | 'lookup_missing'
  | 'checkpoint_wrong'
  | 'entry_changed'
  | 'entry_missing'
  | 'entry_extra'
  | 'entry_damaged'
  | 'file_damaged';

/** One thing that is wrong, and where. */
export interface VerifyProblem {
  readonly kind: VerifyProblemKind;
  readonly message: string;
  readonly spaceId?: number;
  readonly spaceName?: string;
  readonly spaceSequence?: number;
  readonly eventId?: number;
  readonly commandId?: string;
  readonly view?: string;
  readonly key?: string;
  /** What should be there, and what is; as text, shortened. */
  readonly expected?: string;
  readonly found?: string;
}

/** A view that was not compared with its events, and why. */
export interface NotCompared {
  readonly spaceId: number;
  readonly spaceName: string;
  readonly view: string;
  readonly why: string;
}

/** How much was looked at. */
export interface VerifyCounts {
  readonly spaces: number;
  readonly events: number;
  /** Records of commands that came with a `commandId`. */
  readonly commands: number;
  /** Entries of views. */
  readonly entries: number;
}

/** What verification has found. */
export interface VerifyReport extends VerifyCounts {
  /** Nothing is wrong as far as it was looked at: there are no problems. */
  readonly isSound: boolean;
  /** At most 1,000. */
  readonly problems: readonly VerifyProblem[];
  readonly problemsNotShown: number;
  /** Views that nothing can be said of, at most 1,000: made by another version of their projections, or their log is damaged. */
  readonly notCompared: readonly NotCompared[];
}

/** Problems, and views that were not compared, that a report has at most. */
export const shownMax = 1_000;
const textMax = 200;

/** A report while it grows. */
export class ReportDraft {
  readonly #problems: VerifyProblem[] = [];
  readonly #notCompared: NotCompared[] = [];
  #notShown = 0;
  spaces = 0;
  events = 0;
  commands = 0;
  entries = 0;

  problem(problem: VerifyProblem): void {
    if (this.#problems.length < shownMax) this.#problems.push(problem);
    else this.#notShown++;
  }

  notCompared(view: NotCompared): void {
    if (this.#notCompared.length < shownMax) this.#notCompared.push(view);
  }

  add(report: VerifyReport): void {
    this.spaces += report.spaces;
    this.events += report.events;
    this.commands += report.commands;
    this.entries += report.entries;
    this.#notShown += report.problemsNotShown;
    for (const problem of report.problems) this.problem(problem);
    for (const view of report.notCompared) this.notCompared(view);
  }

  get report(): VerifyReport {
    const { spaces, events, commands, entries } = this;
    return {
      isSound: this.#problems.length === 0,
      spaces,
      events,
      commands,
      entries,
      problems: [...this.#problems],
      problemsNotShown: this.#notShown,
      notCompared: [...this.#notCompared],
    };
  }
}

/** Anything as text that fits into a report. */
export function shown(value: unknown): string {
  const text = typeof value === 'string' ? value : (JSON.stringify(value) ?? 'undefined');
  return text.length <= textMax ? text : `${text.slice(0, textMax)}…`;
}

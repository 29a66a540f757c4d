/**
 * Names that belong to Ramax: they begin with `ramax.`. No command, query, event type or command id of an app may, so that what
 * the runtime writes by itself can never be mistaken for what an app has decided.
 */

/** With this every reserved name begins. */
export const reservedPrefix = 'ramax.';

/** Whether a name belongs to Ramax. Asked for every event that is written: most differ in their first character. */
export function isReserved(name: string): boolean {
  return name.startsWith(reservedPrefix);
}

/** Commands that the runtime alone can call. A shard runs them like any other. */
export const builtInCommands = {
  /** A timer is due: what it has scheduled happens, if it is still pending. */
  fireTimer: 'ramax.timer.fire',
  /** What a timer has scheduled has failed too often: it has fired all the same. */
  giveUpTimer: 'ramax.timer.giveUp',
  cancelTimer: 'ramax.timer.cancel',
  /** The next events of a history that is imported. */
  appendHistory: 'ramax.import.append',
} as const;

/** Types of the events that the runtime writes by itself. */
export const builtInEvents = {
  timerScheduled: 'ramax.timer.scheduled',
  timerCancelled: 'ramax.timer.cancelled',
  timerFired: 'ramax.timer.fired',
  importAdvanced: 'ramax.import.advanced',
} as const;

/** What the entity ids of such events begin with; the id of the timer, or the name of the import, follows. */
export const builtInEntities = { timer: 'ramax.timer:', import: 'ramax.import:' } as const;

/** Timers on real threads and a real file, while the process is killed again and again: what each does happens exactly once. */

import type { App, RecordedEvent } from 'ramax';
import { sqlite } from 'ramax/storage/sqlite';
import { afterEach, describe, expect, it } from 'vitest';
import { runProgram } from './killed-program.js';
import { fixture, RuntimeBed } from './runtime-bed.js';

const bed = new RuntimeBed();
afterEach(() => bed.clear());

const sessions = Number(process.env['RAMAX_TIMER_SESSIONS'] ?? 100);
const killsMin = Number(process.env['RAMAX_TIMER_KILLS'] ?? 5);
/** The first kills come so soon, so that there are kills enough before all is done. */
const longestMs = Number(process.env['RAMAX_TIMER_LONGEST_MS'] ?? 60);

/** How often each thing has happened to each session, and how each of its timers has ended. */
class Happenings {
  readonly #times = new Map<string, number>();

  add({ type, entityId, payload }: RecordedEvent): void {
    const { timerId, outcome } = (payload ?? {}) as { timerId?: string; outcome?: string };
    const what =
      timerId === undefined ? `${type} ${entityId}` : `${type} ${timerId}${outcome ? ` ${outcome}` : ''}`;
    this.#times.set(what, (this.#times.get(what) ?? 0) + 1);
  }

  of(what: string): number {
    const times = this.#times.get(what) ?? 0;
    this.#times.delete(what);
    return times;
  }

  /** What nobody has asked for. */
  get others(): readonly string[] {
    return [...this.#times.keys()];
  }
}

/** What is wrong with a session, in words. */
function wrongWith(session: string, isClosed: boolean, happened: Happenings): readonly string[] {
  const [scheduled, fired, cancelled] = ['scheduled', 'fired', 'cancelled'].map(
    (verb) => `ramax.timer.${verb}`,
  );
  const expired = happened.of(`session.expired ${session}`);
  const times: readonly (readonly [string, number])[] = [
    [`session.opened ${session}`, 1],
    [`session.closed ${session}`, isClosed ? 1 : 0],
    [`${scheduled} remind ${session}`, 1],
    [`${fired} remind ${session} accepted`, 1],
    [`session.reminded ${session}`, 1],
    [`${scheduled} expire ${session}`, 1],
    // It has fired or was cancelled, never both and never neither; and what it does has happened as often as it has fired.
    [`${fired} expire ${session} accepted`, expired],
    [`${cancelled} expire ${session}`, 1 - expired],
    [`${scheduled} forget ${session}`, expired],
    [`${fired} forget ${session} accepted`, expired],
    [`session.forgotten ${session}`, expired],
  ];
  const wrong = times.flatMap(([what, wanted]) => {
    const seen = happened.of(what);
    return seen === wanted ? [] : `${what}: ${seen} times, not ${wanted}`;
  });
  return expired > 1 || (expired === 0 && !isClosed)
    ? [`${session} has expired ${expired} times`, ...wrong]
    : wrong;
}

describe('timers on real threads', () => {
  it(`of ${sessions} sessions end exactly once each, whatever kill -9 interrupts`, {
    timeout: 600_000,
  }, async () => {
    const directory = await bed.directory();
    const run = (shards: number, killAfterMs?: number): Promise<boolean> =>
      runProgram('timing-program.mjs', [directory, shards, sessions], killAfterMs);
    let kills = 0;
    for (; kills < killsMin; kills++) {
      if (await run(1 + (kills % 3), Math.random() * longestMs)) break;
    }
    if (!(await run(2))) throw new Error('the program has not come to its end');
    expect(kills).toBeGreaterThanOrEqual(killsMin);
    const ramax = await bed.start<App>({ app: fixture('sessions.app.mjs'), storage: sqlite({ directory }) });
    const happened = new Happenings();
    for await (const event of ramax.streamAllEvents()) happened.add(event);
    const wrong = Array.from({ length: sessions }, (_, n) =>
      wrongWith(`session-${n}`, n % 4 === 0, happened),
    );
    expect(wrong.flat()).toEqual([]);
    expect(happened.others).toEqual([]);
    for (const space of await ramax.spaces.list()) expect(await space.timers.list()).toEqual([]);
    expect((await ramax.verify()).problems).toEqual([]);
  });
});

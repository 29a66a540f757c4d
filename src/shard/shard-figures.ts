/** What a shard reports: sums over its resident spaces, and over those that are resident no longer. */

import type { SharedBySpaces } from '../content-store/shared-by-spaces.js';
import { addMigrations, noMigrations } from '../content-store/write-back.js';
import type { LoadedApp } from '../core/loaded-app.js';
import type { ShardHealth, ShardStats, ViewFigures, ViewProblem } from '../protocol/stats.js';
import type { ResidentSpace, ResidentStats } from './resident-space.js';

const problemsShownMax = 100;

/** Sums that outlive the spaces that made them. */
export class ShardFigures {
  #turns = 0;
  #caughtUpEvents = 0;
  #recoveries = 0;
  #flushFailures = 0;
  #migrations = noMigrations;
  #remade = 0;

  /** A space is resident no longer: what it has done still counts. */
  keep(stats: ResidentStats): void {
    this.#turns += stats.turns;
    this.#caughtUpEvents += stats.caughtUpEvents;
    this.#recoveries += stats.recoveries;
    this.#flushFailures += stats.flushFailures;
    this.#migrations = addMigrations(this.#migrations, stats.migrations);
    this.#remade += stats.remade;
  }

  /** How often stored views of a space were found damaged and made anew. */
  remadeOf(residents: Iterable<ResidentSpace>): number {
    let remade = this.#remade;
    for (const { stats } of residents) remade += stats.remade;
    return remade;
  }

  /** The figures of a shard with these residents. */
  of(
    residents: Iterable<ResidentSpace>,
    app: LoadedApp,
    { cache, heldBytes }: Pick<SharedBySpaces, 'cache' | 'heldBytes'>,
    reactors: ShardStats['reactors'] = [],
  ): ShardStats {
    const sum = {
      openSpaces: 0,
      queuedTurns: 0,
      heldAnswers: 0,
      deepestMailbox: 0,
      dirtyKeys: 0,
      watchers: 0,
      turns: this.#turns,
      caughtUpEvents: this.#caughtUpEvents,
      recoveries: this.#recoveries,
      flushFailures: this.#flushFailures,
      migrations: this.#migrations,
    };
    const views = new Map(
      app.views.map(({ name }) => [name, { live: 0, building: 0, stopped: 0, lagMax: 0 }]),
    );
    for (const resident of residents) {
      const { stats } = resident;
      if (stats.isOpen) sum.openSpaces++;
      sum.queuedTurns += stats.queuedTurns;
      sum.heldAnswers += stats.heldAnswers;
      sum.deepestMailbox = Math.max(sum.deepestMailbox, stats.queuedTurns);
      sum.dirtyKeys += stats.dirtyKeys;
      sum.watchers += stats.watchers;
      sum.turns += stats.turns;
      sum.caughtUpEvents += stats.caughtUpEvents;
      sum.recoveries += stats.recoveries;
      sum.flushFailures += stats.flushFailures;
      sum.migrations = addMigrations(sum.migrations, stats.migrations);
      countViews(resident, views);
    }
    const { bytes } = heldBytes;
    return {
      ...sum,
      heldBytes: bytes,
      cache: cache.stats,
      reactors,
      views: [...views].map(([view, counts]) => ({ view, ...counts })),
    };
  }
}

function countViews(
  resident: ResidentSpace,
  views: Map<string, { -readonly [Name in keyof Omit<ViewFigures, 'view'>]: number }>,
): void {
  for (const { view, state, lag } of resident.openViews) {
    const counts = views.get(view);
    if (counts === undefined) continue;
    counts[state]++;
    counts.lagMax = Math.max(counts.lagMax, lag);
  }
}

/** What is wrong in these spaces. */
export function healthOf(
  residents: Iterable<ResidentSpace>,
  repairs: ShardHealth['repairs'],
  reactors: ShardHealth['reactors'] = [],
): ShardHealth {
  const problems: ViewProblem[] = [];
  const counts = { stopped: 0, changed: 0, building: 0 };
  for (const resident of residents) {
    for (const status of resident.openViews) {
      if (status.state === 'building') counts.building++;
      if (status.state === 'stopped') counts.stopped++;
      if (status.isChanged) counts.changed++;
      const isProblem = status.state === 'stopped' || status.isChanged;
      if (!isProblem || problems.length >= problemsShownMax) continue;
      problems.push({ spaceId: resident.spaceId, spaceName: resident.spaceName, ...status });
    }
  }
  return { problems, ...counts, repairs, reactors };
}

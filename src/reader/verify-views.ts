/**
 * Verification of the stored views of one space: its events are folded once more, by the app's own projections, and what is stored is
 * compared with that.
 *
 * It works beside a shard that goes on writing, and gives no false alarm: entries are read in pages, each in one snapshot with the
 * checkpoint of its build, and the fold is brought to that checkpoint before the page is compared. A fold only goes forward, and so does a
 * checkpoint. A build that is swapped for another one meanwhile is left; its successor is compared instead.
 *
 * The fold is held in memory, as large as the views of the space are.
 */

import { decodeValue } from '../codec/value-codec.js';
import { catchUp } from '../content-store/catch-up.js';
import { flushViews, LiveView } from '../content-store/live-view.js';
import type { Platform } from '../core/clock.js';
import { isRamaxError } from '../core/errors.js';
import type { Limits } from '../core/limits.js';
import type { LoadedApp, LoadedView } from '../core/loaded-app.js';
import { compareCodePoints } from '../core/names.js';
import { sameValue } from '../core/schema/same-value.js';
import type { Value } from '../core/values.js';
import type { LogReader } from '../event-store/port.js';
import { openForViews } from '../event-store/seal.js';
import type { InspectedPage, PStateInspector } from '../pstate/inspector.js';
import { MemoryPStateStore } from '../pstate/memory/memory-pstate-store.js';
import type { StoredBuild, ViewBuild } from '../pstate/port.js';
import { shown } from './report.js';
import type { SpaceVerification } from './verification.js';

const entriesAtOnce = 500;
/** How often a build may be swapped for another one while it is compared. */
const swapsMax = 5;

/** What views are compared with. */
export interface ViewSources {
  readonly app: LoadedApp;
  readonly log: LogReader;
  readonly pstates: PStateInspector;
  readonly platform: Platform;
  readonly limits: Limits;
}

/** Compares every view of the space that the app can make. */
export async function verifyViews(space: SpaceVerification, sources: ViewSources): Promise<void> {
  const row = await sources.log.findSpaceById(space.spaceId);
  if (row?.settings.encryption !== undefined) {
    for (const { name } of sources.app.views)
      space.notCompared(name, 'the space is encrypted, and verification has no key');
    return;
  }
  for (const definition of sources.app.views) {
    try {
      await verifyView(space, sources, definition);
    } catch (error) {
      // What is wrong with the log was named before.
      if (!isRamaxError(error, 'corrupt') || error.details['sqliteCode'] !== undefined) throw error;
      space.notCompared(definition.name, `its events cannot be read: ${error.message}`);
    }
  }
}

async function verifyView(
  space: SpaceVerification,
  sources: ViewSources,
  definition: LoadedView,
): Promise<void> {
  for (let swaps = 0; swaps < swapsMax; swaps++) {
    const stored = sources.pstates
      .builds(space.spaceId)
      .find(({ view, state }) => view.name === definition.name && state === 'live');
    if (stored === undefined) return;
    const why = whyNotComparable(stored, definition, sources.platform);
    if (why !== undefined) {
      space.notCompared(definition.name, why);
      return;
    }
    if (await new ViewComparison(space, sources, definition, stored.view).run()) return;
  }
  space.notCompared(definition.name, 'it was made anew again and again meanwhile');
}

function whyNotComparable(
  { view, fingerprint }: StoredBuild,
  definition: LoadedView,
  platform: Platform,
): string | undefined {
  if (view.version !== definition.version)
    return `it is stored in version ${view.version}, and the app has version ${definition.version}`;
  if (fingerprint !== undefined && fingerprint !== platform.textDigest(definition.source))
    return 'its projections have changed';
  return undefined;
}

/** One build. */
class ViewComparison {
  readonly #space: SpaceVerification;
  readonly #sources: ViewSources;
  readonly #definition: LoadedView;
  readonly #build: ViewBuild;
  readonly #store = new MemoryPStateStore();
  readonly #fold: LiveView;
  #isCheckpointNamed = false;

  constructor(space: SpaceVerification, sources: ViewSources, definition: LoadedView, build: ViewBuild) {
    this.#space = space;
    this.#sources = sources;
    this.#definition = definition;
    this.#build = build;
    const { spaceId } = space;
    for (const skipped of sources.pstates.skips(spaceId, build)) this.#store.skip(spaceId, build, skipped);
    const context = { spaceId, store: this.#store, limits: sources.limits };
    const place = sources.app.views.indexOf(definition);
    this.#fold = new LiveView(context, { definition, place, build, fingerprint: '' });
  }

  /** Says whether it came to the end; else the build is not what readers get any more. */
  async run(): Promise<boolean> {
    const { pstates } = this.#sources;
    try {
      for (let after: string | undefined; ; ) {
        const page = pstates.page(this.#space.spaceId, this.#build, {
          prefix: '',
          after,
          limit: entriesAtOnce,
        });
        if (page.build?.state !== 'live') return false;
        if (!(await this.#foldTo(page.build))) return true;
        const last = page.entries.length < entriesAtOnce ? undefined : page.entries.at(-1)?.[0];
        this.#compare(page, after, last);
        await this.#space.step(page.entries.length);
        if (last === undefined) return true;
        after = last;
      }
    } finally {
      this.#fold.close();
    }
  }

  /** Says whether there is something to compare with. */
  async #foldTo({ checkpoint }: StoredBuild): Promise<boolean> {
    const { spaceId } = this.#space;
    const { app, log, platform, limits } = this.#sources;
    const { lastSpaceSequence: to, lastEventId } = checkpoint;
    // Asked after the checkpoint was read: the log is never behind it.
    const head = await log.spaceHead(spaceId);
    if (head === undefined) return false;
    if (to > head.lastSpaceSequence) {
      this.#checkpointWrong('it is ahead of the log', `at most ${head.lastSpaceSequence}`, `${to}`);
      return false;
    }
    const persist = (last: { readonly eventId: number; readonly spaceSequence: number }): void => {
      this.#fold.freeze();
      flushViews({ store: this.#store, spaceId }, [this.#fold], {
        lastEventId: last.eventId,
        lastSpaceSequence: last.spaceSequence,
      });
    };
    await catchUp({
      log,
      clock: platform.clock,
      limits,
      spaceId,
      from: this.#fold.applied,
      to,
      apply: (stored) => this.#fold.catchUp(openForViews(stored, app.shapes)),
      afterBatch: (last) => {
        if (this.#fold.failure === undefined) persist(last);
        if (last.spaceSequence === to && last.eventId !== lastEventId)
          this.#checkpointWrong(
            `sequence ${to} has another event`,
            `event id ${last.eventId}`,
            `event id ${lastEventId}`,
          );
      },
      rest: () => this.#space.step(0),
    });
    if (this.#fold.failure === undefined) return true;
    this.#space.notCompared(this.#definition.name, this.#fold.failure.message);
    return false;
  }

  #checkpointWrong(message: string, expected: string, found: string): void {
    if (this.#isCheckpointNamed) return;
    this.#isCheckpointNamed = true;
    this.#space.problem({ kind: 'checkpoint_wrong', view: this.#build.name, message, expected, found });
  }

  /** The entries behind `after`, up to the key `last` or to the end. */
  #compare({ entries }: InspectedPage, after: string | undefined, last: string | undefined): void {
    const folded = this.#folded(after, last);
    const problem = (
      kind: 'entry_changed' | 'entry_missing' | 'entry_extra' | 'entry_damaged',
      key: string,
      message: string,
      values: { expected?: string; found?: string } = {},
    ): void => this.#space.problem({ kind, view: this.#build.name, key, message, ...values });
    for (const [key, bytes] of entries) {
      this.#space.draft.entries++;
      const expected = folded.get(key);
      folded.delete(key);
      if (bytes === undefined) {
        problem(
          'entry_damaged',
          key,
          'its value fails its checksum',
          expected === undefined ? {} : { expected: shown(expected) },
        );
      } else if (expected === undefined)
        problem('entry_extra', key, 'its events make no such entry', { found: shown(decoded(bytes)) });
      else if (!this.#fits(key, bytes, expected))
        problem('entry_changed', key, 'it is not what its events make of it', {
          expected: shown(expected),
          found: shown(decoded(bytes)),
        });
    }
    for (const [key, expected] of folded)
      problem('entry_missing', key, 'it is missing', { expected: shown(expected) });
  }

  #folded(after: string | undefined, last: string | undefined): Map<string, Value> {
    const folded = new Map<string, Value>();
    for (let from = after; ; ) {
      const some = this.#store.scan(this.#space.spaceId, this.#build, {
        prefix: '',
        after: from,
        limit: entriesAtOnce,
      });
      for (const [key, bytes] of some) {
        if (last !== undefined && compareCodePoints(key, last) > 0) return folded;
        folded.set(key, decodeValue(bytes));
      }
      from = some.at(-1)?.[0];
      if (some.length < entriesAtOnce) return folded;
    }
  }

  /** A value that an older app has stored is compared in its present shape. */
  #fits(key: string, bytes: Uint8Array, expected: Value): boolean {
    const stored = decoded(bytes);
    if (sameValue(stored, expected)) return true;
    try {
      return stored !== undefined && sameValue(this.#definition.schema?.migrate(key, stored), expected);
    } catch {
      return false;
    }
  }
}

function decoded(bytes: Uint8Array): Value | undefined {
  try {
    return decodeValue(bytes);
  } catch {
    return undefined;
  }
}

/**
 * The builds and the skips of one space in memory.
 *
 * Invariant: a call that an assertion refuses has changed nothing, as a transaction that is rolled back.
 */

import { assert } from '../../core/assert.js';
import { compareCodePoints } from '../../core/names.js';
import type { StoredBuild, ViewBuild, ViewFlush, ViewRef } from '../port.js';
import { assertOneBuildPerName } from '../store-errors.js';
import { MemoryBuild } from './memory-build.js';

/** See the file's header. */
export class MemorySpace {
  readonly #builds = new Map<string, MemoryBuild>();
  readonly #skips = new Map<string, Set<number>>();

  get empty(): boolean {
    return this.#builds.size === 0 && this.#skips.size === 0;
  }

  /** Whether the store knows a build of it. */
  get hasBuilds(): boolean {
    return [...this.#builds.values()].some(({ state }) => state !== undefined);
  }

  build(view: ViewBuild): MemoryBuild | undefined {
    return this.#builds.get(buildName(view));
  }

  /** In the order of name, version and number. */
  stored(): StoredBuild[] {
    return [...this.#builds.values()].flatMap(({ stored }) => stored ?? []).sort(compareBuilds);
  }

  flush(views: readonly ViewFlush[]): void {
    this.#assertOneLive(views);
    for (const flush of views) {
      const build = this.build(flush.view) ?? new MemoryBuild(flush.view);
      this.#builds.set(buildName(flush.view), build);
      build.apply(flush);
    }
  }

  #assertOneLive(views: readonly ViewFlush[]): void {
    const coming = views.filter(({ view, state }) => state !== 'building' && !this.#knows(view));
    const lives = new Set(this.#live().map(({ view }) => view.name));
    for (const { view } of coming) {
      assert(!lives.has(view.name), 'a view name has one live build');
      lives.add(view.name);
    }
  }

  swap(views: readonly ViewBuild[]): void {
    assertOneBuildPerName(views);
    for (const view of views) {
      const known = this.#knows(view) && this.build(view)?.state !== 'retired';
      assert(known, 'a build that is swapped in is stored and not retired');
    }
    for (const view of views) {
      for (const live of this.#live()) if (live.view.name === view.name) live.enter('retired');
      this.build(view)?.enter('live');
    }
  }

  retire(views: readonly ViewBuild[]): void {
    for (const view of views) this.build(view)?.enter('retired');
  }

  /** Returns whether all is swept. A build's own row goes after its entries. */
  sweep(rowsMax: number): boolean {
    let rowsLeft = rowsMax;
    const retired = [...this.#builds.values()].filter(({ state }) => state === 'retired');
    for (const build of retired) {
      rowsLeft -= build.dropEntries(rowsLeft);
      rowsLeft -= build.dropRow(rowsLeft);
    }
    this.#forgetEmpty();
    return retired.every(({ empty }) => empty);
  }

  skip(view: ViewRef, spaceSequence: number): void {
    const sequences = this.#skips.get(versionName(view)) ?? new Set();
    this.#skips.set(versionName(view), sequences.add(spaceSequence));
  }

  skips(view: ViewRef): number[] {
    return [...(this.#skips.get(versionName(view)) ?? [])].sort((one, other) => one - other);
  }

  /** Deletes rows of everything; the space is `empty` after the last. */
  drop(rowsMax: number): void {
    let rowsLeft = rowsMax;
    // Checkpoints go first: a checkpoint over entries that are half gone would be believed.
    for (const build of this.#builds.values()) rowsLeft -= build.dropRow(rowsLeft);
    for (const build of this.#builds.values()) rowsLeft -= build.dropEntries(rowsLeft);
    this.#forgetEmpty();
    for (const [name, sequences] of this.#skips) {
      const gone = [...sequences].slice(0, rowsLeft);
      for (const sequence of gone) sequences.delete(sequence);
      rowsLeft -= gone.length;
      if (sequences.size === 0) this.#skips.delete(name);
    }
  }

  #knows(view: ViewBuild): boolean {
    return this.build(view)?.state !== undefined;
  }

  #live(): MemoryBuild[] {
    return [...this.#builds.values()].filter(({ state }) => state === 'live');
  }

  #forgetEmpty(): void {
    for (const [name, { empty }] of this.#builds) if (empty) this.#builds.delete(name);
  }
}

function compareBuilds({ view: one }: StoredBuild, { view: other }: StoredBuild): number {
  return compareCodePoints(one.name, other.name) || one.version - other.version || one.build - other.build;
}

function versionName({ name, version }: ViewRef): string {
  return `${version}:${name}`;
}

function buildName(view: ViewBuild): string {
  return `${view.build}:${versionName(view)}`;
}

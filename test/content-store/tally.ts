/** An app of several views that say which events they apply, throw where a test wants it, and exist in many versions. */

import { defineApp } from '../../src/core/define-app.js';
import type { SpaceEvent } from '../../src/core/event.js';
import type { PStateWriter } from '../../src/core/pstate-access.js';

/** Which view has applied which sequences, in the order in which that happened. */
export class Applied {
  readonly #all: { readonly view: string; readonly sequence: number }[] = [];

  add(view: string, version: number, sequence: number): void {
    this.#all.push({ view: `${view} ${version}`, sequence });
  }

  /** By `main 1` and the like. */
  to(view: string): number[] {
    return this.#all.flatMap((one) => (one.view === view ? one.sequence : []));
  }

  clear(): void {
    this.#all.length = 0;
  }

  get size(): number {
    return this.#all.length;
  }
}

/** A variant of the app. */
export interface TallyOptions {
  readonly applied?: Applied;
  /** Versions of the views; there is no `list` unless it has one. */
  readonly main?: number;
  readonly sum?: number;
  readonly list?: number;
  /** The projections of `sum` are written in other words, and count double. */
  readonly isSumRewritten?: boolean;
  /** Whether a view throws at an event. */
  readonly breaks?: (view: string, event: SpaceEvent) => boolean;
}

/** See the head of this file. */
export function tally({ main = 1, sum = 1, list, isSumRewritten = false, ...options }: TallyOptions = {}) {
  const { applied = new Applied(), breaks = () => false } = options;
  const apply = (view: string, version: number, event: SpaceEvent): void => {
    applied.add(view, version, event.spaceSequence);
    if (breaks(view, event)) throw new RangeError(`${view} cannot take ${JSON.stringify(event.payload)}`);
  };
  const onSum = {
    added(view: PStateWriter, event: SpaceEvent<string, number>): void {
      apply('sum', sum, event);
      view.update<number>('sum', (before = 0) => before + event.payload * sum);
    },
  };
  const onSumRewritten = {
    added(view: PStateWriter, event: SpaceEvent<string, number>): void {
      apply('sum', sum, event);
      view.update<number>('sum', (before = 0) => before + 2 * event.payload * sum);
    },
  };
  const onList = {
    added(view: PStateWriter, event: SpaceEvent<string, number>): void {
      apply('list', list ?? 0, event);
      view.put(`at:${event.spaceSequence}`, `${event.payload} by ${list}`);
    },
    removed(view: PStateWriter, event: SpaceEvent<string, number>): void {
      apply('list', list ?? 0, event);
      view.delete(`at:${event.payload}`);
    },
  };
  return defineApp({
    name: 'tally',
    version: main,
    commands: {
      add: (_pstate, number: number) => [{ entityId: 'e', type: 'added', payload: number }],
      addMany: (_pstate, numbers: readonly number[]) =>
        numbers.map((number) => ({ entityId: 'e', type: 'added', payload: number })),
      remove: (_pstate, sequence: number) => [{ entityId: 'e', type: 'removed', payload: sequence }],
    },
    projections: {
      added(pstate, event) {
        apply('main', main, event);
        pstate.put(`event:${event.spaceSequence}`, event.payload * main);
      },
      removed(pstate, event) {
        apply('main', main, event);
        pstate.delete(`event:${event.payload}`);
      },
    },
    views: {
      sum: { version: sum, on: isSumRewritten ? onSumRewritten : onSum },
      ...(list === undefined ? {} : { list: { version: list, on: onList } }),
    },
    queries: {
      /** All that a view has. */
      state(pstate, view: string, { views }) {
        const reader = view === 'main' ? pstate : (views as Readonly<Record<string, typeof pstate>>)[view];
        return Object.fromEntries(reader?.entries() ?? []);
      },
    },
  });
}

/** The app of any variant. */
export type Tally = ReturnType<typeof tally>;

/** The numbers from 1 to `count`. */
export function numbersTo(count: number): number[] {
  return Array.from({ length: count }, (_, index) => index + 1);
}

/** What `main` has after one event for each of these numbers. */
export function mainOf(numbers: readonly number[], version = 1): Record<string, number> {
  return Object.fromEntries(numbers.map((number, index) => [`event:${index + 1}`, number * version]));
}

/** What `sum` has after these numbers. */
export function sumOf(numbers: readonly number[], version = 1): Record<string, number> {
  if (numbers.length === 0) return {};
  return { sum: numbers.reduce((before, number) => before + number * version, 0) };
}

/** What `list` has after one event for each of these numbers. */
export function listOf(numbers: readonly number[], version = 1): Record<string, string> {
  return Object.fromEntries(
    numbers.map((number, index) => [`at:${index + 1}`, `${number} by ${version}`] as const),
  );
}

/**
 * An app as the runtime uses it: checked once, names in maps, views in a list with the main one first.
 */

import type { Command, Query } from './define-app.js';
import { RamaxError } from './errors.js';
import type { SpaceEvent } from './event.js';
import { nearestName } from './nearest-name.js';
import type { PStateWriter } from './pstate-access.js';

/** Applies one event to a view. */
export type Projection = (pstate: PStateWriter, event: SpaceEvent) => void;

/** A view with its projections by event type. */
export interface LoadedView {
  readonly name: string;
  readonly version: number;
  readonly projections: ReadonlyMap<string, Projection>;
}

/** A checked app. */
export interface LoadedApp {
  readonly name: string;
  readonly commands: ReadonlyMap<string, Command>;
  readonly queries: ReadonlyMap<string, Query>;
  /** The main view first. */
  readonly views: readonly [main: LoadedView, ...further: LoadedView[]];
}

/** The name of the view that commands read. */
export const mainViewName = 'main';

/** What main needs to know of an app to refuse a wrong name at the door. */
export interface AppDescription {
  readonly name: string;
  readonly commands: readonly string[];
  readonly queries: readonly string[];
  readonly views: readonly string[];
}

/** The names in an app. */
export function describeApp(app: LoadedApp): AppDescription {
  return {
    name: app.name,
    commands: [...app.commands.keys()],
    queries: [...app.queries.keys()],
    views: app.views.map((view) => view.name),
  };
}

/** The error for a name that the app does not have, with the nearest one that it has. */
export function unknownName(
  kind: 'command' | 'query' | 'view',
  name: unknown,
  names: readonly string[],
): RamaxError {
  const written = typeof name === 'string' ? name : String(name);
  const nearest = nearestName(written, names);
  const hint = nearest === undefined ? '' : `; did you mean '${nearest}'?`;
  return new RamaxError(`unknown_${kind}`, `the app has no ${kind} '${written}'${hint}`, {
    details: { [kind]: written, ...(nearest === undefined ? {} : { nearest }), known: names },
  });
}

/**
 * Checks the shape of an app.
 *
 * @throws {RamaxError} `invalid_app` naming the part that is wrong
 */
export function loadApp(candidate: unknown): LoadedApp {
  const app = record(candidate, 'the default export', 'an app made with defineApp()');
  const name = app['name'];
  if (typeof name !== 'string' || name === '') throw wrong('name', 'a string that is not empty', name);
  const views = app['views'] === undefined ? {} : record(app['views'], 'views', 'an object of views');
  for (const viewName of Object.keys(views)) checkViewName(viewName);
  return {
    name,
    commands: functions<Command>(app['commands'], 'commands'),
    queries: app['queries'] === undefined ? new Map() : functions<Query>(app['queries'], 'queries'),
    views: [
      loadView(mainViewName, { version: app['version'] ?? 1, on: app['projections'] }, 'projections'),
      ...Object.entries(views).map(([viewName, view]) =>
        loadView(viewName, record(view, `views.${viewName}`, 'a view'), `views.${viewName}.on`),
      ),
    ],
  };
}

/** A view's name is a property of `context.views` and a part of a stored key. */
function checkViewName(name: string): void {
  if (name === mainViewName) {
    throw wrong(`views.${name}`, 'absent (that name belongs to the view made by projections)', {});
  }
  if (!/^[A-Za-z][A-Za-z0-9_-]{0,63}$/.test(name)) {
    throw wrong(`views.${name}`, 'named with 1 to 64 letters, digits, _ or -, a letter first', {});
  }
}

function loadView(name: string, view: Record<string, unknown>, field: string): LoadedView {
  const version = view['version'];
  if (typeof version !== 'number' || !Number.isSafeInteger(version) || version < 1) {
    throw wrong(name === mainViewName ? 'version' : `views.${name}.version`, 'an integer from 1', version);
  }
  return { name, version, projections: functions<Projection>(view['on'], field) };
}

function functions<F>(candidate: unknown, field: string): ReadonlyMap<string, F> {
  const entries = Object.entries(record(candidate, field, 'an object of functions'));
  return new Map(
    entries.map(([name, value]) => {
      if (typeof value !== 'function') throw wrong(`${field}.${name}`, 'a function', value);
      return [name, value as F];
    }),
  );
}

function record(candidate: unknown, field: string, expected: string): Record<string, unknown> {
  if (typeof candidate === 'object' && candidate !== null && !Array.isArray(candidate)) {
    return candidate as Record<string, unknown>;
  }
  throw wrong(field, expected, candidate);
}

function wrong(field: string, expected: string, got: unknown): RamaxError {
  const came = got === null ? 'null' : Array.isArray(got) ? 'an array' : typeof got;
  return new RamaxError('invalid_app', `app: ${field} must be ${expected}, but is ${came}`, {
    details: { field, expected, got: came },
  });
}

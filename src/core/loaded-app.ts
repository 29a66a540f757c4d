/**
 * An app as the runtime uses it: checked once, names in maps, views in a list with the main one first.
 */

import { checkDeciders } from './decider.js';
import type { Command, Middleware, Query } from './define-app.js';
import { describeValue, RamaxError } from './errors.js';
import type { SpaceEvent } from './event.js';
import { nearestName } from './nearest-name.js';
import type { PStateWriter } from './pstate-access.js';
import { type LoadedReactor, loadReactors, type ReactorHandler } from './reactor.js';
import { builtInEvents, isReserved } from './reserved.js';
import { describeSchema, type SchemaDescription } from './schema/describe-schema.js';
import { isSchema, type Schema } from './schema/schema.js';
import { isValidator, type Validator } from './schema/validator.js';
import { EventShapes, type EventVersions, type Upcaster } from './upcasters.js';
import { canonicalJson } from './values.js';

/** Applies one event to a view. */
export type Projection = (pstate: PStateWriter, event: SpaceEvent) => void;

/** A view with its projections by event type. */
export interface LoadedView {
  readonly name: string;
  readonly version: number;
  /** What lies in it; undefined where nobody says so. */
  readonly schema: Schema | undefined;
  readonly projections: ReadonlyMap<string, Projection>;
  /**
   * What makes its state, as text: the projections as they are written, by event type, and all upcasters. Equal texts do
   * not promise equal states (what a projection calls is not in it), but another text is another app.
   */
  readonly source: string;
}

/** A checked app. */
export interface LoadedApp {
  readonly name: string;
  readonly commands: ReadonlyMap<string, Command>;
  readonly queries: ReadonlyMap<string, Query>;
  /** Validators of parameters, by command. */
  readonly params: ReadonlyMap<string, Validator>;
  /** Validators of payloads, by event type. */
  readonly events: ReadonlyMap<string, Validator>;
  /** The versions of events, and what brings older ones to the present. */
  readonly shapes: EventShapes;
  /** The outermost first. */
  readonly middleware: readonly Middleware[];
  readonly reactors: readonly LoadedReactor[];
  /** The main view first. */
  readonly views: readonly [main: LoadedView, ...further: LoadedView[]];
}

/** The name of the view that commands read. */
export const mainViewName = 'main';

/** What main needs to know of an app: to refuse a wrong name at the door, and to show it. Plain data. */
export interface AppDescription {
  readonly name: string;
  readonly commands: readonly string[];
  readonly queries: readonly string[];
  readonly views: readonly string[];
  readonly reactors: readonly Pick<LoadedReactor, 'name' | 'from'>[];
  /** The versions of the views, by name. */
  readonly viewVersions: Readonly<Record<string, number>>;
  /** The schema of the main view, where it has one. */
  readonly schema?: SchemaDescription;
  /** The present versions of the event types that have upcasters; absent where the app looks after versions itself. */
  readonly eventVersions?: EventVersions;
}

/** The names in an app, the versions of its views, and the schema of its main view. */
export function describeApp(app: LoadedApp): AppDescription {
  const { schema } = app.views[0];
  return {
    name: app.name,
    commands: [...app.commands.keys()],
    queries: [...app.queries.keys()],
    views: app.views.map((view) => view.name),
    reactors: app.reactors.map(({ name, from }) => ({ name, from })),
    viewVersions: Object.fromEntries(app.views.map(({ name, version }) => [name, version])),
    ...(schema === undefined ? {} : { schema: describeSchema(schema) }),
    ...(app.shapes.isStrict ? { eventVersions: app.shapes.versions } : {}),
  };
}

/** The error for a name that the app does not have, with the nearest one that it has. */
export function unknownName(
  kind: 'command' | 'query' | 'view',
  name: unknown,
  names: readonly string[],
): RamaxError {
  const written = writtenName(name);
  const nearest = nearestName(written, names);
  const hint = nearest === undefined ? '' : `; did you mean '${nearest}'?`;
  return new RamaxError(`unknown_${kind}`, `the app has no ${kind} '${written}'${hint}`, {
    details: { [kind]: written, ...(nearest === undefined ? {} : { nearest }), known: names },
  });
}

const shownCharsMax = 200;

/** The name as text, of any length and whatever it is: a proxy that was revoked is no name either. */
function writtenName(name: unknown): string {
  const isText = typeof name === 'string' || typeof name !== 'object' || name === null;
  const text = isText && typeof name !== 'function' ? String(name) : describeValue(name);
  return text.length <= shownCharsMax ? text : `${text.slice(0, shownCharsMax)}…`;
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
  const commands = functions<Command>(app['commands'], 'commands');
  const shapes = loadUpcasters(app['upcasters']);
  const main = loadView(
    mainViewName,
    { version: app['version'] ?? 1, schema: app['schema'], on: app['projections'] },
    'projections',
    shapes,
  );
  checkDeciders(commands, main.projections);
  return {
    name,
    commands,
    queries: app['queries'] === undefined ? new Map() : functions<Query>(app['queries'], 'queries'),
    params: validators(app['params'], 'params', [...commands.keys()]),
    events: validators(app['events'], 'events'),
    shapes,
    middleware: loadMiddleware(app['middleware']),
    reactors: loadReactors(app['reactors'], { record, functions: functions<ReactorHandler>, wrong }),
    views: [
      main,
      ...Object.entries(views).map(([viewName, view]) =>
        loadView(viewName, record(view, `views.${viewName}`, 'a view'), `views.${viewName}.on`, shapes),
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

/**
 * Checks upcasters. Versions are dense from the oldest that is still read, so that no event is left behind on its way.
 *
 * @throws {RamaxError} `invalid_app`
 */
export function loadUpcasters(candidate: unknown): EventShapes {
  if (candidate === undefined) return new EventShapes();
  const types = Object.entries(record(candidate, 'upcasters', 'an object of upcasters by event type'));
  return new EventShapes(
    new Map(
      types.map(([type, steps]) => {
        const field = `upcasters.${type}`;
        if (isReserved(type)) checkReserved(type, 'upcasters');
        const loaded = [...functions<Upcaster>(steps, field)].map(
          ([version, step]) => [checkedVersion(version, field), step] as const,
        );
        loaded.sort(([one], [other]) => one - other);
        loaded.forEach(([version], index) => {
          const before = loaded[index - 1]?.[0] ?? version - 1;
          if (version !== before + 1)
            throw wrong(`${field}.${before + 1}`, 'a function, as one of a later version is', undefined);
        });
        return [type, new Map(loaded)] as const;
      }),
    ),
  );
}

function checkedVersion(version: string, field: string): number {
  if (/^[1-9]\d{0,14}$/.test(version)) return Number(version);
  throw wrong(`${field}.${version}`, 'named with the version that it takes, an integer from 1', version);
}

function loadMiddleware(candidate: unknown): readonly Middleware[] {
  if (candidate === undefined) return [];
  if (!Array.isArray(candidate)) throw wrong('middleware', 'an array of functions', candidate);
  candidate.forEach((middleware: unknown, index) => {
    if (typeof middleware !== 'function') throw wrong(`middleware[${index}]`, 'a function', middleware);
  });
  return [...(candidate as readonly Middleware[])];
}

function loadView(
  name: string,
  view: Record<string, unknown>,
  field: string,
  shapes: EventShapes,
): LoadedView {
  const { version, schema } = view;
  const place = name === mainViewName ? '' : `views.${name}.`;
  if (typeof version !== 'number' || !Number.isSafeInteger(version) || version < 1) {
    throw wrong(`${place}version`, 'an integer from 1', version);
  }
  if (schema !== undefined && !isSchema(schema)) {
    throw wrong(`${place}schema`, 'a schema made with defineSchema()', schema);
  }
  const projections = functions<Projection>(view['on'], field);
  return { name, version, schema, projections, source: sourceOf(projections) + shapes.source };
}

/** Without the schema: what it changes, migrations do to stored values, too. */
function sourceOf(projections: ReadonlyMap<string, Projection>): string {
  return canonicalJson(Object.fromEntries([...projections].map(([type, apply]) => [type, String(apply)])));
}

/** @param of names that they may have; default: any */
function validators(
  candidate: unknown,
  field: string,
  of?: readonly string[],
): ReadonlyMap<string, Validator> {
  if (candidate === undefined) return new Map();
  const entries = Object.entries(record(candidate, field, 'an object of validators'));
  return new Map(
    entries.map(([name, validator]) => {
      const place = `${field}.${name}`;
      if (isReserved(name)) checkReserved(name, field);
      if (!isValidator(validator)) {
        throw wrong(place, 'a Standard Schema validator (Zod, Valibot, ArkType, …), version 1', validator);
      }
      if (of !== undefined && !of.includes(name)) {
        const nearest = nearestName(name, of);
        const hint = nearest === undefined ? '' : ` (did you mean '${nearest}'?)`;
        throw wrong(place, `named as a command of the app${hint}`, validator);
      }
      return [name, validator];
    }),
  );
}

function functions<F>(candidate: unknown, field: string): ReadonlyMap<string, F> {
  const entries = Object.entries(record(candidate, field, 'an object of functions'));
  return new Map(
    entries.map(([name, value]) => {
      if (typeof value !== 'function') throw wrong(`${field}.${name}`, 'a function', value);
      if (isReserved(name)) checkReserved(name, field);
      return [name, value as F];
    }),
  );
}

/** Projections may take the events of Ramax itself; nothing else of an app may have such a name. */
function checkReserved(name: string, field: string): void {
  const isProjection = field === 'projections' || field.endsWith('.on');
  const known: readonly string[] = Object.values(builtInEvents);
  if (isProjection && known.includes(name)) return;
  const message = `app: ${field}.${name} has a name that begins with 'ramax.', which is reserved`;
  throw new RamaxError('invalid_app', message, { details: { field: `${field}.${name}` } });
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

/**
 * An app under watch: the same functions, held against what they promise. Commands are decided twice, clocks and randomness are
 * noticed, and one more query shows the whole state to the simulation.
 */

import { standsFor } from '../core/decider.js';
import type { App, CommandContext } from '../core/define-app.js';
import { loadApp } from '../core/loaded-app.js';
import type { PStateReader } from '../core/pstate-access.js';
import { Rejection } from '../core/rejection.js';
import { stateText } from './folded-space.js';
import { guarded } from './purity-guard.js';

/** The query that the simulation asks; no app has one of this name. */
export const everythingQuery = 'simulate.everything';

/** What is told of an app. */
export interface AppWatch {
  /** Something in the app is no function of its arguments. */
  readonly onImpure: (message: string) => void;
  /** The answer to `everythingQuery` with this ticket: every view as text, by name. */
  readonly onState: (ticket: number, texts: ReadonlyMap<string, string>) => void;
}

type AnyFunction = (...given: unknown[]) => unknown;
type Functions = Readonly<Record<string, AnyFunction>>;

/** `app` under watch. What is no app stays what it is: its own check refuses it. */
export function watchedApp<A extends App>(app: A, watch: AppWatch): A {
  const { commands, projections, views, queries } = app as unknown as Partial<Record<string, unknown>>;
  if (!isRecord(commands) || !isRecord(projections)) return app;
  // Projections of deciders are known by their identity, which those under watch have not.
  loadApp(app);
  const watchedViews = Object.entries(isRecord(views) ? views : {}).map(([name, view]) => {
    if (!isRecord(view) || !isRecord(view['on'])) return [name, view];
    return [name, { ...view, on: pure(view['on'], `view '${name}', projection of`, watch) }];
  });
  return {
    ...app,
    commands: twice(commands as Functions, watch),
    projections: pure(projections, 'projection of', watch),
    ...(isRecord(views) ? { views: Object.fromEntries(watchedViews) as never } : {}),
    queries: {
      ...pure(isRecord(queries) ? queries : {}, 'query', watch),
      [everythingQuery]: (main: PStateReader, ticket: number, context: { views: object }) => {
        const all = [['main', main], ...Object.entries(context.views)] as [string, PStateReader][];
        watch.onState(ticket, new Map(all.map(([name, view]) => [name, stateText(view)])));
        return true;
      },
    },
  };
}

function isRecord(candidate: unknown): candidate is Record<string, unknown> {
  return typeof candidate === 'object' && candidate !== null;
}

/** Functions that use no clock and no dice. */
function pure(functions: object, what: string, watch: AppWatch): Functions {
  const guardedOnes = Object.entries(functions).map(([name, run]) => {
    if (typeof run !== 'function') return [name, run];
    const onUse = (used: string): void => watch.onImpure(`the ${what} '${name}' called ${used}`);
    return [name, (...given: unknown[]) => guarded(onUse, () => (run as AnyFunction)(...given))];
  });
  return Object.fromEntries(guardedOnes) as Functions;
}

/** Commands that are decided twice: the same state, parameters and context must give the same answer. */
function twice(commands: Functions, watch: AppWatch): never {
  const watched = Object.entries(commands).map(([name, command]) => {
    if (typeof command !== 'function') return [name, command];
    const onUse = (used: string): void =>
      watch.onImpure(`the command '${name}' called ${used}; what it may know is in its context`);
    const decide = (pstate: unknown, params: unknown, context: CommandContext): unknown => {
      const ids: string[] = [];
      const fresh = (): string => {
        const id = context.newId();
        ids.push(id);
        return id;
      };
      const answer = guarded(onUse, () => command(pstate, params, { ...context, newId: fresh }));
      let place = 0;
      const again = (): string => ids[place++] ?? context.newId();
      const first = answerText(() => answer);
      const second = answerText(() => command(pstate, params, { ...context, newId: again }));
      if (first !== second) {
        watch.onImpure(
          `the command '${name}' was decided twice on the same state, with the same parameters: it answered ${first}, and then ${second}`,
        );
      }
      return answer;
    };
    standsFor(decide, command);
    return [name, decide];
  });
  return Object.fromEntries(watched) as never;
}

function answerText(answer: () => unknown): string {
  try {
    const given = answer();
    if (Rejection.is(given)) return `reject('${given.reason}', ${JSON.stringify(given.details)})`;
    return JSON.stringify(given);
  } catch (error) {
    return `an error (${String(error)})`;
  }
}

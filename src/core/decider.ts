/**
 * Deciders: the contract of Chassaing's decider (`decide`, `evolve`, `initialState`, `isTerminal`), made into commands and projections
 * of an app. Each entity has a state of its own, which lies in the main view under the entity's id, with the number of its events.
 *
 * Invariants:
 *   - The state of an entity is the fold of its events by `evolve`, from `initialState()`.
 *   - A decider makes the events that it evolves, of its own entities, and no others. Timers are its space's: `decide` may ask for any.
 *   - `expectedVersion` is compared inside the turn, so that nobody comes between.
 */

import type { CommandAnswer, CommandContext } from './define-app.js';
import { invalidInput, RamaxError } from './errors.js';
import type { EventSpec, LiteralString, SpaceEvent } from './event.js';
import type { PStateAccess } from './pstate-access.js';
import { Rejection, reject } from './rejection.js';
import { isThenable } from './thenable.js';
import { TimerRequest } from './timers.js';

/** A command as `decide` gets it; its data names the entity. */
export interface DeciderCommand {
  readonly type: string;
  readonly data: { readonly id: string };
}

/** An event as `decide` makes it and `evolve` takes it. */
export interface DeciderEvent {
  readonly type: LiteralString;
  readonly payload?: unknown;
}

/** What an event that `decide` returns may say besides its type and payload: of which entity it is, its decider says. */
type EventExtras = Pick<EventSpec, 'tags' | 'metadata' | 'causationId' | 'correlationId'>;

/** What `decide` answers: one event, several, none, with `schedule(…)` and `cancelTimer(…)` among them, or `reject(…)`. */
export type DeciderAnswer<E> = DecidedItem<E> | readonly DecidedItem<E>[] | Rejection;

type DecidedItem<E> = (E & EventExtras) | TimerRequest;

/** The state of one entity, as it lies in the main view. */
export interface EntityState<State> {
  /** How many events the entity has; 0 where there is none yet. */
  readonly version: number;
  readonly state: State;
}

/** Where a member of the union is not named in the list. */
type Complete<All, Named> = [Exclude<All, Named>] extends [never]
  ? unknown
  : { readonly missing: Exclude<All, Named> };

/** What `fromDecider` takes. */
export interface DeciderOptions<
  C extends DeciderCommand,
  E extends DeciderEvent,
  State,
  CommandName,
  EventType,
> {
  /** What its entities are called: the entity of `data.id` is `<entity>:<id>`. */
  readonly entity: string;
  /** The types of all commands: these become commands of the app. */
  readonly commands: readonly CommandName[] & Complete<C['type'], CommandName>;
  /** The types of all events. No other decider of the app has any of them. */
  readonly events: readonly EventType[] & Complete<E['type'], EventType>;
  /** Decides, purely. It may ask for timers among its events; what they execute is any command of the app. */
  readonly decide: (command: C, state: State, context: CommandContext) => DeciderAnswer<E>;
  /** The state after an event, which is deeply frozen, as the state is. */
  readonly evolve: (state: State, event: E) => State;
  /** The state of an entity without events: a JSON value. */
  readonly initialState: () => State;
  /** Nothing comes after this state: every command is rejected with `entity_ended`. Default: no state is such. */
  readonly isTerminal?: (state: State) => boolean;
}

/** A decider as parts of an app, to be spread into `defineApp`. */
export interface Decider<C extends DeciderCommand, E extends DeciderEvent, State> {
  readonly commands: {
    readonly [Name in C['type']]: (
      pstate: Pick<PStateAccess, 'get'>,
      params: Extract<C, { readonly type: Name }>['data'],
      context: CommandContext,
    ) => readonly (SpecOf<E> | TimerRequest)[] | Rejection;
  };
  readonly projections: {
    readonly [Type in E['type']]: (
      pstate: DeciderWriter,
      event: SpaceEvent<Type, PayloadOfType<E, Type>>,
    ) => void;
  };
  /** The entity's id. */
  entityId(id: string): string;
  /** An entity's state and version, for queries and commands; that of no events where there is no such entity. */
  read(pstate: Pick<PStateAccess, 'get'>, id: string): EntityState<State>;
}

/** What a decider's projections need of a view. */
interface DeciderWriter {
  // As methods: a view with a schema has narrower ones.
  get(key: string): unknown;
  put(key: string, value: unknown): void;
}

type PayloadOfType<E, Type> = E extends { readonly type: Type; readonly payload: infer Payload }
  ? Payload
  : null;

/** An event as the app's commands return it. */
type SpecOf<E> = E extends { readonly type: infer Type extends string }
  ? EventExtras & { readonly entityId: string; readonly type: Type; readonly payload: PayloadOfType<E, Type> }
  : never;

/** What the runtime knows of a decider, found by its commands. */
interface DeciderRules {
  readonly entity: string;
  readonly projections: Readonly<Record<string, unknown>>;
  /** @throws {RamaxError} `invalid_input` where the parameters name no entity */
  entityIdOf(params: unknown): string;
}

const rulesOfCommands = new WeakMap<object, DeciderRules>();

/**
 * Makes commands and projections of a decider. `execute` then takes `data` as parameters, and `expectedVersion` for the entity.
 *
 * @example
 * ```ts
 * const order = fromDecider({
 *   entity: 'order',
 *   commands: ['placeOrder', 'payOrder'],
 *   events: ['order.placed', 'order.paid'],
 *   initialState: (): OrderState => ({ status: 'none' }),
 *   decide(command: OrderCommand, state: OrderState) { … },
 *   evolve(state: OrderState, event: OrderEvent): OrderState { … },
 * });
 * export default defineApp({ name: 'shop', commands: { ...order.commands }, projections: { ...order.projections } });
 * ```
 */
export function fromDecider<
  C extends DeciderCommand,
  E extends DeciderEvent,
  State,
  const CommandName extends C['type'] = C['type'],
  const EventType extends E['type'] = E['type'],
>(options: DeciderOptions<C, E, State, CommandName, EventType>): Decider<C, E, State> {
  const { entity, commands, events, initialState, evolve } = options;
  const entityId = (id: string): string => `${entity}:${id}`;
  const read = (pstate: Pick<PStateAccess, 'get'>, id: string): EntityState<State> =>
    stateAt(pstate.get(entityId(id)), initialState);
  const projections = Object.fromEntries(
    events.map((type) => {
      const projection = (pstate: DeciderWriter, event: SpaceEvent): void => {
        const { version, state } = stateAt(pstate.get(event.entityId), initialState);
        const next = evolve(state, event as unknown as E);
        if (isThenable(next)) throw new TypeError('evolve must be synchronous');
        pstate.put(event.entityId, { version: version + 1, state: next });
      };
      // What is written here is the same for all deciders: another `evolve` is another projection.
      projection.toString = () => `${initialState} ${evolve}`;
      return [type, projection];
    }),
  );
  const rules: DeciderRules = { entity, projections, entityIdOf: (params) => entityId(idIn(params)) };
  const made = Object.fromEntries(
    commands.map((name) => {
      const command = decidingCommand(name, options, read, entityId);
      rulesOfCommands.set(command, rules);
      return [name, command];
    }),
  );
  return { commands: made, projections, entityId, read } as unknown as Decider<C, E, State>;
}

function decidingCommand<C extends DeciderCommand, E extends DeciderEvent, State>(
  type: string,
  {
    events,
    decide,
    isTerminal,
  }: Pick<DeciderOptions<C, E, State, string, string>, 'decide' | 'isTerminal'> & {
    readonly events: readonly string[];
  },
  read: (pstate: Pick<PStateAccess, 'get'>, id: string) => EntityState<State>,
  entityId: (id: string) => string,
) {
  const known: ReadonlySet<string> = new Set(events);
  return (pstate: PStateAccess, data: unknown, context: CommandContext): CommandAnswer => {
    const id = idIn(data);
    const { state, version } = read(pstate, id);
    if (isTerminal?.(state) === true) return reject('entity_ended', { entityId: entityId(id), version });
    const answer: unknown = decide({ type, data } as unknown as C, state, context);
    if (Rejection.is(answer)) return answer;
    const made: readonly unknown[] = Array.isArray(answer) ? answer : [answer];
    return made.map((item) => (TimerRequest.is(item) ? item : specOf(item, type, entityId(id), known)));
  };
}

/** An event of the entity, as a command returns it. */
function specOf(event: unknown, command: string, entityId: string, known: ReadonlySet<string>): EventSpec {
  isThenable(event);
  const { type } = (event ?? {}) as Partial<DeciderEvent>;
  if (typeof type === 'string' && known.has(type)) return { ...(event as DeciderEvent), entityId };
  throw new RamaxError(
    'command_failed',
    `the decider of the command '${command}' must return its own events, but returned ${String(type)}`,
    { details: { command, known: [...known] } },
  );
}

function idIn(data: unknown): string {
  const id: unknown = typeof data === 'object' && data !== null ? (data as { id?: unknown }).id : undefined;
  if (typeof id === 'string' && id !== '') return id;
  throw invalidInput('params.id', "the entity's id, a string that is not empty", id);
}

function stateAt<State>(stored: unknown, initialState: () => State): EntityState<State> {
  return (stored as EntityState<State> | undefined) ?? { version: 0, state: initialState() };
}

/**
 * Compares the version of an entity with what the caller knows, inside the turn.
 *
 * @throws {RamaxError} `conflict`; `invalid_input` when the command is no decider's
 */
export function checkExpectedVersion(
  expected: number,
  command: { readonly name: string; readonly decides: object },
  pstate: Pick<PStateAccess, 'get'>,
  params: unknown,
): void {
  const rules = rulesOfCommands.get(command.decides);
  if (rules === undefined) {
    throw invalidInput(
      'expectedVersion',
      `absent, as '${command.name}' is no command of a decider`,
      expected,
    );
  }
  const entityId = rules.entityIdOf(params);
  const actual = pstate.get<EntityState<unknown>>(entityId)?.version ?? 0;
  if (actual === expected) return;
  throw new RamaxError('conflict', `expected '${entityId}' at version ${expected}, but it is at ${actual}`, {
    details: { entityId, expectedVersion: expected, actualVersion: actual },
  });
}

/**
 * The projections of a decider are there as it made them: where two of them are spread into one app, the later may have taken the
 * place of the earlier.
 *
 * @throws {RamaxError} `invalid_app`
 */
export function checkDeciders(
  commands: ReadonlyMap<string, object>,
  projections: ReadonlyMap<string, unknown>,
): void {
  for (const [name, command] of commands) {
    const rules = rulesOfCommands.get(command);
    if (rules === undefined) continue;
    for (const [type, projection] of Object.entries(rules.projections)) {
      if (projections.get(type) === projection) continue;
      const field = `projections.${type}`;
      throw new RamaxError(
        'invalid_app',
        `app: ${field} must be that of the decider of '${rules.entity}', whose command '${name}' makes such events`,
        { details: { field, entity: rules.entity, command: name } },
      );
    }
  }
}

/** `stand` is called in the place of `command`: it has the rules of the same decider, whose projections were checked there. */
export function standsFor(stand: object, command: object): void {
  const rules = rulesOfCommands.get(command);
  if (rules !== undefined) rulesOfCommands.set(stand, { ...rules, projections: {} });
}

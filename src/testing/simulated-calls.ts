/**
 * What clients of a simulation call: handles to spaces that go on over restarts, write everything down, and meet what callers
 * meet: copies of a command, callers that give up, and a runtime that dies with a call in flight.
 */

import type { CommandResult } from '../content-store/content-store.js';
import type { App } from '../core/define-app.js';
import { asRamaxError, RamaxError } from '../core/errors.js';
import type { RamaxRuntime } from '../supervisor/ramax.js';
import type { ExecuteOptions, SpaceHandle } from '../supervisor/space-handle.js';
import type { SeededRandom } from './random.js';
import type { SimulatedConditions } from './simulated-conditions.js';
import type { FaultKind, SentCommand } from './simulation-options.js';

/** A runtime of a simulation, with handles to the spaces. */
export interface Life<A extends App> {
  readonly ramax: RamaxRuntime<A>;
  readonly handles: Map<string, SpaceHandle<A>>;
  /** Rejects when the runtime is killed. */
  readonly death: Promise<never>;
}

/** What calls need of their simulation. */
export interface CallsContext<A extends App> {
  /** The runtime that runs, as soon as one does. */
  readonly alive: () => Promise<Life<A>>;
  readonly now: () => Life<A>;
  readonly tell: (line: string) => void;
  /** Which release of the app runs. */
  readonly releaseNow: () => number;
  readonly conditions: SimulatedConditions;
  readonly onBrokenCondition: (message: string) => void;
  /** A command failed in a way that is no answer of the app. */
  readonly onFailed: (error: RamaxError, command: string) => void;
  readonly faults: ReadonlySet<FaultKind>;
  readonly random: SeededRandom;
  readonly isCalm: () => boolean;
  /** Waits while the simulation looks at a quiet moment. */
  readonly gate: () => Promise<void> | undefined;
  readonly sleep: (ms: number) => Promise<void>;
}

const duplicateOneIn = 6;
const abortOneIn = 8;
const patienceMsMax = 60;
const charsShownMax = 100;

/** See the head of this file. */
export class SimulatedCalls<A extends App> {
  readonly #context: CallsContext<A>;
  readonly #byCommandId = new Map<string, SentCommand<A>>();
  /** The release in which each was sent first. */
  readonly #sentIn = new Map<SentCommand<A>, number>();
  readonly commands: SentCommand<A>[] = [];
  inFlight = 0;
  duplicates = 0;

  constructor(context: CallsContext<A>) {
    this.#context = context;
  }

  /** A handle whose `execute` is written down, and whose other calls go to the runtime that runs. */
  handle(client: string, spaceName: string): SpaceHandle<A> {
    const execute = (command: string, params: unknown, options?: ExecuteOptions): Promise<CommandResult> =>
      this.execute(client, spaceName, command, params, options);
    return new Proxy({} as SpaceHandle<A>, {
      get: (_target, name): unknown => {
        if (name === 'execute') return execute;
        // A handle is no promise, and may be returned by an async function.
        if (name === 'then') return undefined;
        const handle = this.#context.now().handles.get(spaceName);
        const member: unknown = handle === undefined ? undefined : Reflect.get(handle, name, handle);
        return typeof member === 'function' ? (member.bind(handle) as unknown) : member;
      },
    });
  }

  /** Sends a command, and perhaps once more. */
  async execute(
    client: string,
    spaceName: string,
    command: string,
    params: unknown,
    options: ExecuteOptions = {},
  ): Promise<CommandResult> {
    await this.#context.gate();
    const sent = this.#sent(spaceName, command, params, options);
    const { faults, random, isCalm } = this.#context;
    const isCopied = faults.has('duplicates') && random.oneIn(duplicateOneIn) && !isCalm();
    const isImpatient = faults.has('aborts') && random.oneIn(abortOneIn) && !isCalm();
    const patience =
      isImpatient && options.timeoutMs === undefined ? { timeoutMs: 1 + random.below(patienceMsMax) } : {};
    const copyLaterMs = random.fraction() * 20;
    const first = this.#send(`${client} → ${spaceName}`, sent, { ...options, ...patience });
    if (isCopied) {
      this.duplicates++;
      void this.#copy(`${client} → ${spaceName} (again)`, sent, options, copyLaterMs);
    }
    return first;
  }

  async #copy(who: string, sent: SentCommand<A>, options: ExecuteOptions, laterMs: number): Promise<void> {
    this.inFlight++;
    try {
      await this.#context.sleep(laterMs);
      await this.#send(who, sent, options);
    } catch {
      // Written down where it was sent; nobody waits for a copy.
    } finally {
      this.inFlight--;
    }
  }

  #sent(
    spaceName: string,
    command: string,
    params: unknown,
    { commandId, failIfEventsMatch }: ExecuteOptions,
  ): SentCommand<A> {
    const name = commandId === undefined ? undefined : JSON.stringify([spaceName, commandId]);
    const known = name === undefined ? undefined : this.#byCommandId.get(name);
    if (known !== undefined) return known;
    const sent: SentCommand<A> = {
      spaceName,
      command: command as SentCommand<A>['command'],
      params,
      commandId,
      failIfEventsMatch,
      outcome: 'unknown',
      result: undefined,
      error: undefined,
    };
    this.commands.push(sent);
    this.#sentIn.set(sent, this.#context.releaseNow());
    if (name !== undefined) this.#byCommandId.set(name, sent);
    return sent;
  }

  async #send(who: string, sent: SentCommand<A>, options: ExecuteOptions): Promise<CommandResult> {
    const { tell, onFailed } = this.#context;
    const id = sent.commandId === undefined ? '' : ` [${sent.commandId}]`;
    const what = `${sent.command}(${shortText(sent.params)})${id}`;
    const release = this.#context.releaseNow();
    this.inFlight++;
    tell(`${who}: ${what}`);
    try {
      const result = await this.#call(sent, options);
      tell(
        `${who}: ${what} ⇒ accepted, events ${result.eventIds.join(', ') || 'none'}, sequence ${result.spaceSequence}`,
      );
      this.#accepted(sent, result);
      return result;
    } catch (thrown) {
      const error = asRamaxError(thrown, 'command_failed', 'the call failed');
      tell(`${who}: ${what} ⇒ ${error.code}${error.reason === undefined ? '' : ` ${error.reason}`}`);
      settle(sent, error);
      this.#refused(sent, error, release);
      if (error.code === 'command_failed' || error.code === 'projection_failed' || error.code === 'corrupt') {
        onFailed(error, sent.command);
      }
      throw error;
    } finally {
      this.inFlight--;
    }
  }

  /** Goes to the runtime that runs. One that closes gracefully refuses, and the next one is asked. */
  async #call(sent: SentCommand<A>, options: ExecuteOptions): Promise<CommandResult> {
    for (;;) {
      const life = await this.#context.alive();
      const handle =
        life.handles.get(sent.spaceName) ?? (await life.ramax.spaces.getOrCreate(sent.spaceName));
      life.handles.set(sent.spaceName, handle);
      const execute = handle.execute.bind(handle) as (
        command: string,
        params: unknown,
        options: ExecuteOptions,
      ) => Promise<CommandResult>;
      try {
        return await Promise.race([execute(sent.command, sent.params, options), life.death]);
      } catch (error) {
        const isOver = error instanceof RamaxError && error.code === 'closed';
        if (!isOver || (await this.#context.alive()) === life) throw error;
      }
    }
  }

  #accepted(sent: SentCommand<A>, result: CommandResult): void {
    const { result: first, commandId } = sent;
    if (first !== undefined && commandId !== undefined && JSON.stringify(first) !== JSON.stringify(result)) {
      const message = `copies of [${commandId}] were answered ${JSON.stringify(first)} and ${JSON.stringify(result)}`;
      this.#context.onFailed(new RamaxError('conflict', message), sent.command);
    }
    sent.outcome = 'accepted';
    sent.result = first ?? result;
    const { conditions, releaseNow, onBrokenCondition } = this.#context;
    const broken = conditions.brokenAcceptance(sent, this.#sentIn.get(sent) ?? 0, releaseNow());
    if (broken !== undefined) onBrokenCondition(broken);
  }

  #refused(sent: SentCommand<A>, { code, details }: RamaxError, release: number): void {
    const { matchingSequence } = details;
    if (code !== 'conflict' || typeof matchingSequence !== 'number') return;
    const { conditions, releaseNow, onBrokenCondition } = this.#context;
    const broken = conditions.brokenRefusal(sent, matchingSequence, release, releaseNow());
    if (broken !== undefined) onBrokenCondition(broken);
  }
}

/** What is accepted stays so; what is in doubt is settled by an answer; a rejection says that this copy did nothing. */
function settle(sent: SentCommand<App>, error: RamaxError): void {
  const isFirst = sent.error === undefined;
  sent.error = error;
  if (sent.outcome === 'accepted') return;
  if (error.code === 'outcome_unknown') sent.outcome = 'unknown';
  else if (isFirst || sent.outcome !== 'unknown') {
    sent.outcome = error.code === 'command_rejected' ? 'rejected' : 'refused';
  }
}

function shortText(value: unknown): string {
  const text = value === undefined ? '' : JSON.stringify(value);
  return text.length <= charsShownMax ? text : `${text.slice(0, charsShownMax)}…`;
}

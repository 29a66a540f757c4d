/**
 * One attempt of one handler at one event.
 *
 * Owns: the context of the handler, and the ids that are derived for it. Called by: the lane of the reactor.
 *
 * Invariants:
 *   X1  The n-th command of a handler has the id of the n-th: the same at every attempt, whatever has died in between.
 *   X2  An attempt has ended when the handler has, and every command that it has issued; or when its time is up or it is stopped: then
 *       the handler is no longer waited for, and can issue nothing any more.
 *   X3  What the handler does before it waits for anything is marked in the vital signs, and that it is under way until it ends.
 */

import { fetchTurn, queryTurn } from '../content-store/reads.js';
import type { ReadTurn } from '../content-store/turn.js';
import { type Platform, yieldToPorts } from '../core/clock.js';
import { asRamaxError, RamaxError } from '../core/errors.js';
import type { RecordedEvent } from '../core/event.js';
import type { Limits } from '../core/limits.js';
import { checkId, checkSpaceName } from '../core/names.js';
import { type ReactionPlace, reactionCommandId } from '../core/reaction-id.js';
import type {
  AnyReactionCommands,
  ReactionResult,
  ReactionSpace,
  ReactorContext,
  ReactorHandler,
} from '../core/reactor.js';
import type { Value } from '../core/values.js';
import { freezeValue } from '../core/values.js';
import type { Vitals } from '../core/vitals.js';
import type { SpaceAddress } from '../protocol/bodies.js';
import type { Recorder } from '../telemetry/recorder.js';
import { traceparentOf } from '../telemetry/trace-context.js';
import type { ReactionDesk } from './reaction-desk.js';

/** What all reactions of a shard stand on. */
export interface ReactionGround {
  readonly desk: Pick<ReactionDesk, 'execute'>;
  readonly platform: Pick<Platform, 'clock' | 'textDigest'>;
  readonly limits: Limits;
  readonly vitals: Vitals;
  readonly recorder?: Recorder | undefined;
  /** Reads the state of a space, as any caller does. */
  readonly read: (address: SpaceAddress, turn: ReadTurn) => Promise<Value | undefined>;
}

/** What to react to, and how. */
export interface ReactionOptions extends ReactionGround {
  readonly address: SpaceAddress;
  readonly place: ReactionPlace;
  /** The reactor's place among those of the app. */
  readonly reactorIndex: number;
  /** The id of the call that wrote the event. */
  readonly invocationId: string;
  readonly event: RecordedEvent;
  readonly attempt: number;
  /** The lane stops. */
  readonly stopped: AbortSignal;
}

/** How an attempt has ended. */
export type ReactionEnd =
  | { readonly kind: 'done' }
  | { readonly kind: 'stopped' }
  | { readonly kind: 'failed'; readonly error: RamaxError };

/** See the head of this file. */
export class Reaction {
  readonly #options: ReactionOptions;
  readonly #abort = new AbortController();
  readonly #commands: Promise<unknown>[] = [];
  readonly #now: number;
  #commandCount = 0;
  #idCount = 0;
  /** Why nothing is issued any more. */
  #ended: RamaxError | undefined;

  constructor(options: ReactionOptions) {
    this.#options = options;
    this.#now = Math.trunc(options.platform.clock.now());
  }

  /** Runs the handler to its end. Once. */
  async run(handler: ReactorHandler): Promise<ReactionEnd> {
    const { recorder, event, place, attempt } = this.#options;
    const traceparent = recorder?.wants.spans === true ? traceparentOf(event) : undefined;
    if (recorder === undefined || traceparent === undefined) return this.#run(handler);
    const startedAt = recorder.now();
    const end = await this.#run(handler);
    const attributes = {
      'ramax.reactor.name': place.reactor,
      'ramax.event.type': event.type,
      'ramax.reactor.attempt': attempt,
      'ramax.reactor.end': end.kind,
    };
    recorder.span({ name: 'ramax.react', traceparent, startedAt, endedAt: recorder.now(), attributes });
    return end;
  }

  async #run(handler: ReactorHandler): Promise<ReactionEnd> {
    const { vitals, place, reactorIndex, stopped } = this.#options;
    if (stopped.aborted) return { kind: 'stopped' };
    const slot = vitals.reactionBegins(place.spaceId, reactorIndex, place.spaceSequence);
    const cut = this.#cut();
    try {
      const handled = this.#handled(handler);
      // What comes of the handler without waiting has come when the ports have had their chance.
      await yieldToPorts(this.#options.platform.clock);
      vitals.reacted();
      return await Promise.race([handled, cut.end]);
    } finally {
      cut.cancel();
      this.#end(aborted('the handler has ended'));
      vitals.reactionEnded(slot);
    }
  }

  async #handled(handler: ReactorHandler): Promise<ReactionEnd> {
    const { vitals, place, reactorIndex, event } = this.#options;
    try {
      vitals.reacts(place.spaceId, reactorIndex, place.spaceSequence);
      await handler(event, this.#context());
    } catch (error) {
      await Promise.all(this.#commands);
      return {
        kind: 'failed',
        error: asRamaxError(error, 'reaction_failed', `the reactor '${place.reactor}' threw`),
      };
    }
    // One that nobody waits for belongs to it, too (X2).
    await Promise.all(this.#commands);
    return { kind: 'done' };
  }

  /** The end that comes from outside: its time is up, or its lane stops. */
  #cut(): { readonly end: Promise<ReactionEnd>; readonly cancel: () => void } {
    const { platform, limits, stopped } = this.#options;
    const { reactionTimeoutMs } = limits;
    let cancel = (): void => {};
    const end = new Promise<ReactionEnd>((resolve) => {
      const onStop = (): void => {
        this.#end(aborted('the reactor rests'));
        resolve({ kind: 'stopped' });
      };
      const timer = platform.clock.after(reactionTimeoutMs, () => {
        const error = new RamaxError('timeout', `the handler has taken longer than ${reactionTimeoutMs} ms`, {
          details: { reactionTimeoutMs },
        });
        this.#end(error);
        resolve({ kind: 'failed', error });
      });
      stopped.addEventListener('abort', onStop, { once: true });
      cancel = () => {
        timer.cancel();
        stopped.removeEventListener('abort', onStop);
      };
    });
    return { end, cancel };
  }

  #end(error: RamaxError): void {
    if (this.#ended !== undefined) return;
    this.#ended = error;
    this.#abort.abort(error);
  }

  #context(): ReactorContext<AnyReactionCommands> {
    const { address, attempt } = this.#options;
    const own = this.#space(undefined);
    return Object.freeze({
      ...own,
      ...address,
      signal: this.#abort.signal,
      attempt,
      now: this.#now,
      newId: () => this.#newId(),
      space: (spaceName: string) => {
        checkSpaceName(spaceName);
        return this.#space(spaceName);
      },
      fetch: async <Stored>(key: string, { view }: { readonly view?: string } = {}) =>
        (await this.#read(fetchTurn(key, view))) as Stored | undefined,
      query: async <Result>(name: string, params?: unknown) => {
        const { limits } = this.#options;
        const given = params === undefined ? undefined : freezeValue(params, 'params', limits);
        return (await this.#read(queryTurn(name, given, limits))) as Result;
      },
    });
  }

  #space(spaceName: string | undefined): ReactionSpace<AnyReactionCommands> {
    return {
      execute: (command: string, params?: unknown) => {
        const result = this.#execute(spaceName, command, params);
        // Whoever does not wait for it does not hear of its failure; the attempt waits for its end.
        this.#commands.push(result.catch(() => {}));
        return result;
      },
    };
  }

  async #execute(spaceName: string | undefined, command: string, params: unknown): Promise<ReactionResult> {
    // Before anything is awaited: commands are counted in the order of their calls.
    const n = this.#commandCount++;
    const { desk, place, invocationId, event, limits } = this.#options;
    if (this.#ended !== undefined) throw this.#ended;
    checkId(command, 'command', limits.idBytesMax);
    return desk.execute({
      spaceId: place.spaceId,
      spaceName,
      command,
      params: params === undefined ? undefined : freezeValue(params, 'params', limits),
      commandId: reactionCommandId(place, invocationId, n),
      causationId: `event:${event.eventId}`,
      correlationId: event.correlationId,
      traceparent: traceparentOf(event),
    });
  }

  async #read(turn: ReadTurn): Promise<Value | undefined> {
    if (this.#ended !== undefined) throw this.#ended;
    return this.#options.read(this.#options.address, turn);
  }

  #newId(): string {
    const { place, invocationId, platform } = this.#options;
    const digits = platform.textDigest(`${reactionCommandId(place, invocationId, this.#idCount++)} id`);
    const [first, second, third, fourth] = [
      digits.slice(0, 8),
      digits.slice(8, 12),
      digits.slice(13, 16),
      digits.slice(17, 20),
    ];
    return `${first}-${second}-8${third}-8${fourth}-${digits.slice(20, 32)}`;
  }
}

function aborted(message: string): RamaxError {
  return new RamaxError('aborted', message);
}

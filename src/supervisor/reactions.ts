/**
 * Main's side of reactors: carries out the commands of their handlers, names to the shards the spaces that may have something to react to,
 * and notes when a reactor was born.
 *
 * Owns: nothing but the signal that ends it. Called by: the runtime; told by the supervisor of each shard that is up.
 *
 * Invariants:
 *   V1  The birth of a reactor is in the log before anybody can call: what is committed from then on, it reacts to.
 *   V2  A command of a handler is one like any other: it has its place in the admission of its space, and its deadline.
 *   V3  After the start of a shard every space of it is named to it once, a bounded number at a time. Suspended ones are not, and are
 *       when they are resumed.
 */

import type { CommandResult } from '../content-store/content-store.js';
import { writtenInvocationOf } from '../content-store/invocation.js';
import { asRamaxError } from '../core/errors.js';
import { unknownName } from '../core/loaded-app.js';
import { shardOf } from '../core/routing.js';
import type { SpaceRow } from '../event-store/port.js';
import type { ReactionRequest } from '../protocol/bodies.js';
import type { Caller } from '../protocol/link.js';
import type { ShardCalls } from '../protocol/links.js';
import { spaceNotFound } from '../space/space-errors.js';
import { everySpace } from './every-space.js';
import type { SpaceServices } from './space-handle.js';

const pageSpacesMax = 256;
/** Spaces that a shard is named at once: each of them takes a few short reads. */
const spacesAtOnce = 16;

/** See the head of this file. */
export class Reactions {
  readonly #services: SpaceServices;
  readonly #ending = new AbortController();

  constructor(services: SpaceServices) {
    this.#services = services;
  }

  /** Notes the births of reactors that the log does not know, and lets all of them begin. */
  async begin(): Promise<void> {
    const { supervisor } = this.#services;
    for (const { name, from } of supervisor.app.reactors) {
      if ((await supervisor.log.cursor('reactor', name, 0)) !== undefined) continue;
      const position = from === 'start' ? 0 : await supervisor.writer.call('latestEventId', null);
      const cursor = { kind: 'reactor', name, spaceId: 0, position } as const;
      await supervisor.writer.call('writeCursor', { kind: 'moveCursor', cursor }, 'untilUp');
    }
    if (supervisor.app.reactors.length === 0) return;
    supervisor.watchShards((index, shard) => {
      this.#serve(shard);
      void this.#nameSpaces(index);
    });
  }

  /** The reactors of this space may have something to do. Never rejects. */
  async react(row: SpaceRow): Promise<void> {
    const { supervisor, locks } = this.#services;
    const { spaceId, spaceName, settings } = row;
    if (supervisor.app.reactors.length === 0) return;
    // A shard that has just started is told, before anything loads the space.
    if (settings.suspended !== undefined) return this.rest(row);
    const shard = supervisor.shardOf({ spaceId });
    const react = () => shard.call('react', { spaceId, spaceName }).answer;
    try {
      const { needsKey } = await react();
      if (!needsKey) return;
      await locks.of(row)?.passed();
      await react();
    } catch {
      // It goes on when the space is called next, or at the next start.
    }
  }

  /** The space is suspended. Never rejects. */
  async rest({ spaceId }: Pick<SpaceRow, 'spaceId'>): Promise<void> {
    const { supervisor } = this.#services;
    if (supervisor.app.reactors.length === 0) return;
    await supervisor
      .shardOf({ spaceId })
      .call('restReactors', { spaceId })
      .answer.catch(() => {});
  }

  /** Ends every handler: no further command comes. */
  async close(): Promise<void> {
    this.#ending.abort();
    const { supervisor } = this.#services;
    if (supervisor.app.reactors.length === 0) return;
    await Promise.all(
      supervisor.shards.map((shard) => shard.call('stopReactors', null).answer.catch(() => {})),
    );
  }

  /** Nothing more is begun. */
  end(): void {
    this.#ending.abort();
  }

  #serve(shard: Caller<ShardCalls>): void {
    const onProgress = (request: ReactionRequest): void => void this.#answer(shard, request);
    // It ends with its shard.
    shard.call('serveReactions', null, { onProgress }).catch(() => {});
  }

  async #answer(shard: Caller<ShardCalls>, request: ReactionRequest): Promise<void> {
    const { requestId } = request;
    const answer = await this.#execute(request).then(
      (result) => ({ requestId, result }),
      (error: unknown) => {
        const failure = asRamaxError(error, 'unavailable', 'the command of a reactor could not be made');
        return { requestId, error: failure.toData() };
      },
    );
    shard.call('reacted', answer).catch(() => {});
  }

  /** Its trace goes on where that of the event has come from. */
  async #execute(request: ReactionRequest): Promise<CommandResult> {
    const { supervisor, observation } = this.#services;
    const { command, traceparent } = request;
    if (!supervisor.names.commands.has(command))
      throw unknownName('command', command, supervisor.app.commands);
    const row = await this.#spaceOf(request);
    if (!observation.observesCommands) return this.#make(request, row, undefined);
    const { spaceId, spaceName } = row;
    return observation.command({ spaceId, spaceName, command, traceparent }, (ofCommand) =>
      this.#make(request, row, ofCommand),
    );
  }

  async #make(
    { command, params, commandId, causationId, correlationId }: ReactionRequest,
    row: SpaceRow,
    traceparent: string | undefined,
  ): Promise<CommandResult> {
    const { supervisor, calls, locks, platform, limits } = this.#services;
    const options = { commandId, causationId, correlationId };
    const invocation = writtenInvocationOf(command, params, options, platform, limits, traceparent, 'ramax');
    calls.met(row);
    const plan = supervisor
      .shardOf(row)
      .command({ spaceId: row.spaceId, spaceName: row.spaceName }, invocation);
    return calls.make(locks.of(row)?.guard(plan) ?? plan, { overload: 'wait' });
  }

  async #spaceOf({ spaceId, spaceName }: ReactionRequest): Promise<SpaceRow> {
    const { writer } = this.#services.supervisor;
    const row =
      spaceName === undefined
        ? await writer.call('findSpaceById', { spaceId })
        : await writer.call('findSpaceByName', { spaceName });
    if (row === null) throw spaceNotFound(spaceName ?? spaceId);
    return row;
  }

  async #nameSpaces(index: number): Promise<void> {
    const { supervisor } = this.#services;
    const shards = supervisor.shards.length;
    await everySpace({
      shards,
      spacesAtOnce,
      listAfter: (after) => supervisor.writer.call('listSpaces', { after, limit: pageSpacesMax }, 'untilUp'),
      task: (row) => (shardOf(row.spaceId, shards) === index ? this.react(row) : Promise.resolve()),
      signal: this.#ending.signal,
    }).catch(() => {});
  }
}

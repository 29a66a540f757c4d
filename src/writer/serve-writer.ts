/** The writer behind its links: one port to main, one to each shard. */

import { assert } from '../core/assert.js';
import type { Clock } from '../core/clock.js';
import { asRamaxError } from '../core/errors.js';
import type { LogReader } from '../event-store/port.js';
import { type Handlers, later, serve } from '../protocol/link.js';
import {
  type AppendCalls,
  appendLink,
  type LogReadCalls,
  type WriterCalls,
  writerLink,
} from '../protocol/links.js';
import type { Port } from '../protocol/port.js';
import type { Recorder } from '../telemetry/recorder.js';
import type { Writer } from './writer.js';

/** What serving needs besides the writer. */
export interface ServeWriterOptions {
  readonly writer: Writer;
  readonly main: Port;
  readonly clock: Clock;
  /** What commits record. */
  readonly recorder: Recorder;
  /** The writer has drained and closed its log: its thread may end. */
  readonly onDrained: () => void;
}

/** Serves main, and every shard whose port main sends. */
export function serveWriter({ writer, main, clock, recorder, onDrained }: ServeWriterOptions): void {
  const shards = new Set<Port>();
  const handlers: Handlers<WriterCalls> = {
    ...logReads(writer.log),
    async ready() {
      const deletedSpaces = await writer.log.deletedSpaces();
      const { logId, ownerGeneration, health: log } = writer.log;
      return { logId, ownerGeneration, deletedSpaces, log };
    },
    connectShard(_body, { ports: [port] }) {
      assert(port !== undefined, 'connectShard comes with a port');
      shards.add(port);
      serveShard(writer, port, clock, () => shards.delete(port));
      return null;
    },
    changeSpace: (change) => writer.changeSpace(change),
    writeCursor: (request) => writer.writeCursor(request),
    async purgeSpace({ spaceId, rewriteBytesMax }) {
      await writer.purgeSpace(spaceId);
      const traces = await writer.scrub(rewriteBytesMax).then(
        () => null,
        (error: unknown) => asRamaxError(error, 'storage', 'the log could not be cleared').toData(),
      );
      return { traces };
    },
    async backup({ file }, serving) {
      await writer.backup(file, serving);
      return null;
    },
    timersScheduled: ({ ownerGeneration }) => writer.timersScheduled(ownerGeneration),
    commits(_body, serving) {
      const stop = writer.onCommit((notice) => serving.report(notice));
      serving.onCancel(() => {
        stop();
        serving.answered(null);
      });
      return later;
    },
    stats: () => writer.stats,
    observe(wants, serving) {
      recorder.observe(wants, serving);
      return later;
    },
    async drain() {
      try {
        await writer.drain();
        for (const port of shards) port.close();
        await writer.log.close();
      } finally {
        // Whatever the disk says: what was acknowledged is in the log, or in its write-ahead log.
        clock.soon(() => clock.soon(onDrained));
      }
      return null;
    },
  };
  serve(writerLink, main, handlers, clock);
}

function serveShard(writer: Writer, port: Port, clock: Clock, onClose: () => void): void {
  const handlers: Handlers<AppendCalls> = {
    ...logReads(writer.log),
    append(append, serving) {
      writer.append(append, serving);
      return later;
    },
    openSpace: ({ spaceId }) => writer.openSpace(spaceId),
    writeCursor: (request) => writer.writeCursor(request),
  };
  serve(appendLink, port, handlers, clock, onClose);
}

function logReads(log: LogReader): Handlers<LogReadCalls> {
  return {
    readSpace: ({ spaceId, after, bounds }) => log.readSpace(spaceId, after, bounds),
    readEntity: ({ spaceId, entityId, after, bounds }) => log.readEntity(spaceId, entityId, after, bounds),
    readAll: ({ after, bounds }) => log.readAll(after, bounds),
    selectEvents: ({ selection, bounds }) => log.selectEvents(selection, bounds),
    readEvent: async ({ spaceId, eventId }) => (await log.readEvent(spaceId, eventId)) ?? null,
    findCommands: ({ spaceId, commandIds }) => log.findCommands(spaceId, commandIds),
    allCommands: async ({ spaceId, limit }) => (await log.allCommands(spaceId, limit)) ?? null,
    readCommands: ({ spaceId, after, limit }) => log.readCommands(spaceId, after, limit),
    timersOf: ({ spaceId, after, limit }) => log.timersOf(spaceId, after, limit),
    dueTimers: ({ upTo, after, limit }) => log.dueTimers(upTo, after ?? undefined, limit),
    importsOf: ({ spaceId }) => log.importsOf(spaceId),
    latestEventId: () => log.latestEventId(),
    spaceHead: async ({ spaceId }) => (await log.spaceHead(spaceId)) ?? null,
    findSpaceByName: async ({ spaceName }) => (await log.findSpaceByName(spaceName)) ?? null,
    findSpaceById: async ({ spaceId }) => (await log.findSpaceById(spaceId)) ?? null,
    listSpaces: ({ after, limit }) => log.listSpaces(after, limit),
    cursors: ({ kind, after, limit }) => log.cursors(kind, { after: after ?? undefined, limit }),
    parkedEvents: (page) => log.parkedEvents(page),
    parkedCounts: () => log.parkedCounts(),
    cursor: async ({ kind, name, spaceId }) => (await log.cursor(kind, name, spaceId)) ?? null,
  };
}

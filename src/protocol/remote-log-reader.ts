/** The log as read through a link to the writer: a `LogReader` like any other. */

import type { LogReader } from '../event-store/port.js';
import type { Caller } from './link.js';
import type { LogReadCalls } from './links.js';

/** Reads through `writer()`, which may be another one after a restart. */
export function remoteLogReader(writer: () => Caller<LogReadCalls>): LogReader {
  return {
    readSpace: (spaceId, after, bounds) => writer().call('readSpace', { spaceId, after, bounds }),
    readEntity: (spaceId, entityId, after, bounds) =>
      writer().call('readEntity', { spaceId, entityId, after, bounds }),
    readAll: (after, bounds) => writer().call('readAll', { after, bounds }),
    selectEvents: (selection, bounds) => writer().call('selectEvents', { selection, bounds }),
    readEvent: async (spaceId, eventId) =>
      (await writer().call('readEvent', { spaceId, eventId })) ?? undefined,
    findCommands: (spaceId, commandIds) => writer().call('findCommands', { spaceId, commandIds }),
    allCommands: async (spaceId, limit) =>
      (await writer().call('allCommands', { spaceId, limit })) ?? undefined,
    readCommands: (spaceId, after, limit) => writer().call('readCommands', { spaceId, after, limit }),
    timersOf: (spaceId, after, limit) => writer().call('timersOf', { spaceId, after, limit }),
    dueTimers: (upTo, after, limit) => writer().call('dueTimers', { upTo, after: after ?? null, limit }),
    importsOf: (spaceId) => writer().call('importsOf', { spaceId }),
    latestEventId: () => writer().call('latestEventId', null),
    spaceHead: async (spaceId) => (await writer().call('spaceHead', { spaceId })) ?? undefined,
    findSpaceByName: async (spaceName) =>
      (await writer().call('findSpaceByName', { spaceName })) ?? undefined,
    findSpaceById: async (spaceId) => (await writer().call('findSpaceById', { spaceId })) ?? undefined,
    listSpaces: (after, limit) => writer().call('listSpaces', { after, limit }),
    cursors: (kind, { after, limit }) => writer().call('cursors', { kind, after: after ?? null, limit }),
    cursor: async (kind, name, spaceId) =>
      (await writer().call('cursor', { kind, name, spaceId })) ?? undefined,
    parkedEvents: (page) => writer().call('parkedEvents', page),
    parkedCounts: () => writer().call('parkedCounts', null),
    close: async () => {},
  };
}

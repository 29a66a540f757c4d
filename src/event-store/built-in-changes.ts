/**
 * What the events of Ramax itself (`ramax.…`) change: which timers of a space are pending, and how far imports have come. The
 * tables `timers` and `imports` of the log, and the state that a shard keeps of an open space, are both made by this one
 * function, of the same events. Pure.
 *
 * Invariant: it needs nothing but what lies open in the log also of an encrypted space: type, entity id and metadata.
 */

import { builtInEntities, builtInEvents, isReserved } from '../core/reserved.js';
import type { SealedEvent } from './port.js';

/** See the head of this file. */
export type BuiltInChange =
  | { readonly kind: 'timerPending'; readonly timerId: string; readonly dueAt: number }
  | { readonly kind: 'timerDone'; readonly timerId: string }
  | { readonly kind: 'importAt'; readonly name: string; readonly position: number };

/** What an event changes; undefined for nearly all of them. */
export function builtInChange({
  type,
  entityId,
  metadata,
}: Pick<SealedEvent, 'type' | 'entityId' | 'metadata'>): BuiltInChange | undefined {
  if (!isReserved(type)) return undefined;
  switch (type) {
    case builtInEvents.timerScheduled: {
      const dueAt = numberIn(metadata, 'dueAt');
      const timerId = behind(builtInEntities.timer, entityId);
      return dueAt === undefined ? undefined : { kind: 'timerPending', timerId, dueAt };
    }
    case builtInEvents.timerCancelled:
    case builtInEvents.timerFired:
      return { kind: 'timerDone', timerId: behind(builtInEntities.timer, entityId) };
    case builtInEvents.importAdvanced: {
      const position = numberIn(metadata, 'position');
      const name = behind(builtInEntities.import, entityId);
      return position === undefined ? undefined : { kind: 'importAt', name, position };
    }
    default:
      return undefined;
  }
}

function behind(prefix: string, entityId: string): string {
  return entityId.startsWith(prefix) ? entityId.slice(prefix.length) : entityId;
}

/** A file that is imported may have anything there. */
function numberIn(metadata: string | null, field: string): number | undefined {
  try {
    const value = (JSON.parse(metadata ?? 'null') as Readonly<Record<string, unknown>> | null)?.[field];
    return typeof value === 'number' && Number.isSafeInteger(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

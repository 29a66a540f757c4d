/** An app that takes anything, and one whose commands and queries answer with anything, seeded. */

import { defineApp, type EventSpec, type PStateReader, type PStateWriter, reject } from 'ramax';
import { hostileObject, hostileValue, sampled } from '../hostile-values.js';

const hostileSpec = hostileObject([
  'entityId',
  'type',
  'payload',
  'version',
  'tags',
  'metadata',
  'causationId',
  'correlationId',
]);

function hostileAnswer({ seed, how }: { readonly seed: number; readonly how: number }): unknown {
  const value = sampled(hostileValue, seed);
  const spec = sampled(hostileSpec, seed);
  switch (how) {
    case 0:
      return value;
    case 1:
      return [spec];
    case 2:
      return [{ entityId: 'e', type: 'returned', payload: value }];
    case 3:
      return [{ entityId: 'e', type: 'returned', payload: 1, ...(spec as object) }];
    case 4:
      return [{ entityId: value, type: 'returned' }];
    case 5:
      return [{ entityId: 'e', type: value }];
    case 6:
      return reject(value as string, spec as Record<string, unknown>);
    case 7:
      return new Proxy([], { get: () => value });
    default:
      throw value;
  }
}

export default defineApp({
  name: 'hostile',
  commands: {
    echo: (_pstate: unknown, { key, value }: { key: string; value: unknown }) => [
      { entityId: key, type: 'echoed', payload: { key, value } },
    ],
    answer: (_pstate: unknown, how: { seed: number; how: number }): readonly EventSpec[] =>
      hostileAnswer(how) as never,
    put: (_pstate: unknown, n: number) => [{ entityId: 'ordinary', type: 'ordinary', payload: n }],
  },
  projections: {
    echoed: (pstate: PStateWriter, { payload }: { payload: { key: string; value: unknown } }) =>
      pstate.put(payload.key, payload.value),
    ordinary: (pstate: PStateWriter, { payload }: { payload: number }) =>
      void pstate.update<number>('sum', (sum = 0) => sum + payload),
  },
  queries: {
    echo: (_pstate: unknown, value: unknown) => value,
    answer: (_pstate: unknown, how: { seed: number; how: number }) => hostileAnswer(how),
    sum: (pstate: PStateReader) => pstate.get<number>('sum') ?? 0,
  },
} as never);

/** An app whose commands do nothing but schedule, cancel, and tell what has happened. */

import { cancelTimer, defineApp, reject, schedule } from '../../src/index.js';

export interface Alarm {
  readonly id: string;
  readonly after: number;
  readonly command?: 'ring' | 'refuse' | 'break' | 'repeat';
}

export const alarms = defineApp({
  name: 'alarms',
  commands: {
    set: (_pstate, { id, after, command = 'ring' }: Alarm) => [
      { entityId: id, type: 'set', payload: { id } },
      schedule({ id, after, command, params: { id } }),
    ],
    setEvent: (_pstate, { id, after }: Alarm) => [
      schedule({ id, after, event: { entityId: id, type: 'rung', payload: { id } } }),
    ],
    setNothing: (_pstate, id: string) => [
      schedule({ id, after: 10, command: 'ring', params: { id } }),
      cancelTimer(id),
    ],
    forge: () => [{ entityId: 'x', type: 'ramax.timer.fired', payload: {} }] as never as readonly never[],
    unset: (_pstate, id: string) => [cancelTimer(id)],
    ring: (_pstate, { id }: { id: string }) => [{ entityId: id, type: 'rung', payload: { id } }],
    refuse: () => reject('asleep', { until: 'noon' }),
    break: (): readonly never[] => {
      throw new Error('the bell is broken');
    },
    repeat: (pstate, { id }: { id: string }) =>
      (pstate.get<number>(`rung:${id}`) ?? 0) >= 2
        ? [{ entityId: id, type: 'rung', payload: { id } }]
        : [
            { entityId: id, type: 'rung', payload: { id } },
            schedule({ id, after: 1_000, command: 'repeat', params: { id } }),
          ],
    note: (_pstate, id: string) => [{ entityId: id, type: 'noted', payload: { id } }],
  },
  projections: {
    rung(pstate, { payload }) {
      pstate.update<number>(`rung:${payload.id}`, (rung = 0) => rung + 1);
    },
    'ramax.timer.fired'(pstate, { payload }) {
      pstate.update<number>(`fired:${payload.timerId}`, (fired = 0) => fired + 1);
    },
  },
  queries: {
    rung: (pstate, id: string) => pstate.get<number>(`rung:${id}`) ?? 0,
    fired: (pstate, id: string) => pstate.get<number>(`fired:${id}`) ?? 0,
  },
});

import { defineApp, reject } from 'ramax';

export default defineApp({
  name: 'counter',
  commands: {
    add(pstate, { by }: { by: number }) {
      const total = pstate.get<number>('total') ?? 0;
      if (total + by > 100) return reject('too_much', { total, by });
      return [{ entityId: 'counter', type: 'added', payload: { by } }];
    },
  },
  projections: {
    added(pstate, event) {
      pstate.update<number>('total', (total = 0) => total + event.payload.by);
    },
  },
  queries: { total: (pstate) => pstate.get<number>('total') ?? 0 },
});

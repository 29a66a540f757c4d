/** An app whose state, errors and rejections are full of the secret that each space was given. */

import { defineApp, reject } from 'ramax';

interface Note {
  readonly entity: string;
  readonly n: number;
  readonly secret: string;
}

export default defineApp({
  name: 'secrets',
  commands: {
    note: (_pstate, note: Note) => [
      {
        entityId: note.entity,
        type: 'noted',
        payload: note,
        metadata: { secret: note.secret },
        tags: [note.secret],
      },
    ],
    refuse: (pstate, { entity, secret }: Note) =>
      reject('refused', { secret, last: pstate.get(entity) ?? null }),
  },
  projections: {
    noted(pstate, { entityId, payload, spaceSequence }) {
      pstate.put(entityId, { ...payload, spaceSequence });
      pstate.update<number>('notes', (notes = 0) => notes + 1);
    },
  },
  views: {
    bySecret: {
      version: 1,
      on: {
        noted: (view, { entityId, payload }) =>
          void view.update<string[]>(entityId, (secrets = []) => [...new Set([...secrets, payload.secret])]),
      },
    },
  },
  queries: {
    everything: (pstate) => [...pstate.entries()],
    fail(pstate) {
      throw new Error(`failed with ${JSON.stringify([...pstate.entries()])}`);
    },
  },
});

/** What the events are about: how many spaces, how many contacts in each, and in which order spaces come. */

/** The name of a shape of the load. W1 and W2 are workloads of their own, the others are logs that workloads read. */
export type WorkloadName = 'w1' | 'w2' | 'tenSpaces' | 'oneSpace' | 'manySpaces';

/** One shape of the load. */
export interface Workload {
  readonly spaces: number;
  readonly contactsPerSpace: number;
  /** `random` spaces, or one after the other, so that each space has exactly its share of the events. */
  readonly order: 'random' | 'in turn';
}

/** How many commands the one client has sent and not yet seen answered. */
export const inFlightSteps: readonly number[] = [1, 64, 1_024];

/** The spaces of `manySpaces` depend on the run's size. */
export function workloadOf(name: WorkloadName, { coldSpaces }: { readonly coldSpaces: number }): Workload {
  switch (name) {
    case 'w1':
      return { spaces: 100, contactsPerSpace: 200, order: 'random' };
    case 'w2':
      return { spaces: 1, contactsPerSpace: 200, order: 'random' };
    case 'tenSpaces':
      return { spaces: 10, contactsPerSpace: 200, order: 'in turn' };
    case 'oneSpace':
      return { spaces: 1, contactsPerSpace: 200, order: 'in turn' };
    case 'manySpaces':
      return { spaces: coldSpaces, contactsPerSpace: 20, order: 'in turn' };
  }
}

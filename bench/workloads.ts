/** What is asked of every subject: the two workloads, and how many commands are in flight. */

/** The name of a workload on the command line. */
export type WorkloadName = 'w1' | 'w2';

/** One workload: only the number of spaces differs. */
export interface Workload {
  readonly title: string;
  readonly spaces: number;
  readonly contactsPerSpace: number;
}

/** The workloads by name. */
export const workloads: Readonly<Record<WorkloadName, Workload>> = {
  w1: { title: 'W1: 100 spaces', spaces: 100, contactsPerSpace: 200 },
  w2: { title: 'W2: one hot space', spaces: 1, contactsPerSpace: 200 },
};

/** Every name, in the order of the report. */
export const workloadNames: readonly WorkloadName[] = ['w1', 'w2'];

/** Commands that the one client has sent and not yet seen answered. */
export const inFlightSteps: readonly number[] = [1, 64, 1_024];

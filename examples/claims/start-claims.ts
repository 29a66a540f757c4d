/** The claims app as a running system: how it is started, and what can be read of a department. */

import { Ramax } from 'ramax';
import { sqlite } from 'ramax/storage/sqlite';
import { allPages } from '../demo/page.js';
import type { StartOptions } from '../demo/run-context.js';
import type claims from './claims.app.js';

/** Starts the claims app on a directory; `close()` it, or hold it with `await using`. */
export function startClaims({ directory, shards }: StartOptions) {
  return Ramax.start<typeof claims>({
    app: new URL('./claims.app.js', import.meta.url),
    storage: sqlite({ directory }),
    ...(shards === undefined ? {} : { shards }),
  });
}

export type Claims = Awaited<ReturnType<typeof startClaims>>;

/** One department: a space. */
export type Department = Awaited<ReturnType<Claims['spaces']['getOrCreate']>>;

/** Everything that a department shows: all entries of all views, its summary and its workload. */
export async function readDepartment(department: Department) {
  return {
    main: await allPages('main', (page) => department.query('page', page)),
    byStatus: await allPages('byStatus', (page) => department.query('page', page)),
    workload: await allPages('workload', (page) => department.query('page', page)),
    paidByMonth: await allPages('paidByMonth', (page) => department.query('page', page)),
    summary: await department.query('summary'),
    openByPhase: await department.query('openByPhase'),
    roles: await department.query('workload'),
  };
}

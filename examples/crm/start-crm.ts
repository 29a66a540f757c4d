/** The CRM as a running system: how it is started, and what can be read of a tenant. */

import { Ramax } from 'ramax';
import { sqlite } from 'ramax/storage/sqlite';
import { allPages } from '../demo/page.js';
import type { StartOptions } from '../demo/run-context.js';
import type crm from './crm.app.js';

/** Starts the CRM on a directory; `close()` it, or hold it with `await using`. */
export function startCrm({ directory, shards }: StartOptions) {
  return Ramax.start<typeof crm>({
    app: new URL('./crm.app.js', import.meta.url),
    storage: sqlite({ directory }),
    ...(shards === undefined ? {} : { shards }),
  });
}

export type Crm = Awaited<ReturnType<typeof startCrm>>;

/** One tenant of the CRM: a space. */
export type Tenant = Awaited<ReturnType<Crm['spaces']['getOrCreate']>>;

/** Opens `count` tenants, creating those that are missing, a bounded number at a time. */
export async function openTenants(crm: Crm, count: number): Promise<Tenant[]> {
  const tenants: Tenant[] = [];
  const atOnce = 256;
  while (tenants.length < count) {
    const numbers = Array.from(
      { length: Math.min(atOnce, count - tenants.length) },
      (_, i) => tenants.length + i + 1,
    );
    const opened = numbers.map((number) => {
      const metadata = { plan: number % 10 === 0 ? 'pro' : 'free' };
      return crm.spaces.getOrCreate(`crm_tenant_${String(number).padStart(4, '0')}`, { metadata });
    });
    tenants.push(...(await Promise.all(opened)));
  }
  return tenants;
}

/** Everything that a tenant shows: all entries of all views, the statistics and a key fetched by itself. */
export async function readTenant(tenant: Tenant) {
  return {
    main: await allPages('main', (page) => tenant.query('page', page)),
    byEmail: await allPages('byEmail', (page) => tenant.query('page', page)),
    byDomain: await allPages('byDomain', (page) => tenant.query('page', page)),
    statistics: await tenant.query('statistics'),
    fetched: await tenant.fetch('statistics'),
  };
}

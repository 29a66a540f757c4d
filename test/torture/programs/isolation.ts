/**
 * Many spaces that are as alike as can be: the same entity ids, keys, command ids, correlation ids in all of them, and in
 * each a secret of its own: `isolation.js '{"directory": …}'`. Every output of every door is searched for the secrets of
 * other spaces; says what was found.
 */

import { writeSync } from 'node:fs';
import { Ramax, type SpaceHandle } from 'ramax';
import { sqlite } from 'ramax/storage/sqlite';
import { SeededRandom } from '../../../src/testing/random.js';
import type app from '../apps/secrets.app.js';

/** What the program is told. */
export interface IsolationPlan {
  readonly directory: string;
  readonly seed: number;
  readonly spaces: number;
  readonly commands: number;
  /** A control: one space is sent the secret of another. */
  readonly isLeaking?: boolean;
}

type Space = SpaceHandle<typeof app>;

const plan = JSON.parse(process.argv[2] ?? '') as IsolationPlan;
const random = new SeededRandom(plan.seed);
const lanes = 32;
const entities = 7;
const probeOneIn = 12;
const secretPattern = /secret-(\d+)-[0-9a-f]{8}/g;
const violations = new Set<string>();
let [sent, acknowledged, probes] = [0, 0, 0];

const ramax = await Ramax.start<typeof app>({
  app: new URL('../apps/secrets.app.js', import.meta.url),
  storage: sqlite({ directory: plan.directory }),
  shards: 2,
  overload: 'wait',
  limits: { openSpacesMax: 200, cacheEntriesMax: 2_000, flushDelayMs: 50, dirtyKeysMax: 16 },
});

interface Tenant {
  readonly index: number;
  readonly secret: string;
  readonly space: Space;
  commands: number;
}

const tenants: Tenant[] = await Promise.all(
  Array.from({ length: plan.spaces }, async (_, index) => {
    const secret = secretOf(index);
    const space = await ramax.spaces.getOrCreate(`tenant-${index}-${secret}`, { metadata: { secret } });
    return { index, secret, space, commands: 0 };
  }),
);
const homes = new Map(tenants.map(({ space, index }) => [space.spaceId, index]));

await Promise.all(Array.from({ length: lanes }, work));
for (const tenant of tenants) if (random.oneIn(10)) await probe(tenant);
await lookFromAbove();
await ramax.close();
writeSync(1, `${JSON.stringify({ sent, acknowledged, probes, violations: [...violations] })}\n`);

/** The name of the space belongs to it as well, and is a secret from all others. */
function secretOf(index: number): string {
  return `secret-${index}-${(Math.imul(index + 1, 0x9e3779b1) >>> 0).toString(16).padStart(8, '0')}`;
}

async function work(): Promise<void> {
  while (sent < plan.commands) {
    const tenant = random.pick(tenants);
    if (tenant === undefined) return;
    sent++;
    if (random.oneIn(probeOneIn)) await probe(tenant);
    else await write(tenant);
  }
}

/** The ids are the same in all spaces. */
async function write(tenant: Tenant): Promise<void> {
  const n = tenant.commands++;
  const stranger = plan.isLeaking ? tenants[(tenant.index + 1) % tenants.length] : undefined;
  const secret = stranger !== undefined && random.oneIn(20) ? stranger.secret : tenant.secret;
  const options = {
    commandId: `command-${n}`,
    correlationId: `correlation-${n % 5}`,
    causationId: `cause-${n % 3}`,
  };
  try {
    const params = { entity: `entity-${n % entities}`, n, secret };
    const answer = await tenant.space.execute('note', params, options);
    const again = random.oneIn(10) ? await tenant.space.execute('note', params, options) : answer;
    if (JSON.stringify(again) !== JSON.stringify(answer))
      wrong(`${tenant.index}: a copy was answered differently`);
    acknowledged++;
  } catch (error) {
    wrong(`${tenant.index}: a command failed with ${String(error)}`);
  }
}

/** Every door of a space. */
async function probe(tenant: Tenant): Promise<void> {
  const { space } = tenant;
  probes++;
  const entity = `entity-${random.below(entities)}`;
  const foreign = random.below(Math.max(1, acknowledged)) + 1;
  const outputs: [string, () => unknown][] = [
    ['fetch', () => space.fetch(entity)],
    ['query', () => space.query('everything')],
    ['view', () => space.fetch(entity, { view: 'bySecret' })],
    ['streamEvents', () => gathered(space.streamEvents())],
    ['streamEntityEvents', () => gathered(space.streamEntityEvents(entity))],
    ['readEvent', () => space.readEvent(foreign)],
    ['at', async () => space.at(random.below((await space.latestSequence()) + 1)).query('everything')],
    ['watch', () => gathered(space.watch({ prefix: 'entity-' }), 1)],
    ['views', () => space.views()],
    ['checkpoint', () => space.checkpoint()],
    ['a rejection', () => space.execute('refuse', { entity, n: 0, secret: tenant.secret })],
    ['a conflict', () => conflict(tenant)],
    ['a failure', () => space.query('fail')],
    ['findById', async () => metadataOf(await ramax.spaces.findById(space.spaceId))],
    ['findByName', async () => metadataOf(await ramax.spaces.findByName(space.spaceName))],
  ];
  for (const [door, call] of outputs) search(tenant.index, door, await outputOf(call));
}

/** The same id with other parameters: refused, and in words that name nobody else. */
async function conflict({ space, secret }: Tenant): Promise<unknown> {
  const options = { commandId: 'twice' };
  await space.execute('note', { entity: 'entity-0', n: -1, secret }, options);
  return space.execute('note', { entity: 'entity-0', n: -2, secret }, options);
}

/** Streams over all spaces say of each event whose it is, and nothing more. */
async function lookFromAbove(): Promise<void> {
  for await (const event of ramax.streamAllEvents()) {
    search(homes.get(event.spaceId) ?? -1, 'streamAllEvents', JSON.stringify(event));
  }
  search(-1, 'stats', JSON.stringify(await ramax.stats()));
  search(-1, 'health', JSON.stringify(await ramax.health()));
  for (const space of await ramax.spaces.list()) {
    search(homes.get(space.spaceId) ?? -1, 'list', JSON.stringify([space.spaceName, space.metadata]));
  }
}

async function outputOf(call: () => unknown): Promise<string> {
  try {
    return JSON.stringify(await call()) ?? '';
  } catch (error) {
    const { message, details, stack, cause } = error as Error & { details?: unknown };
    return JSON.stringify([message, details, stack, String(cause)]);
  }
}

function metadataOf(space: Space | undefined): unknown {
  return [space?.spaceName, space?.metadata];
}

async function gathered(
  items: AsyncIterableIterator<unknown>,
  most = Number.POSITIVE_INFINITY,
): Promise<unknown[]> {
  const all: unknown[] = [];
  for await (const item of items) if (all.push(item) >= most) break;
  return all;
}

function search(index: number, door: string, output: string): void {
  for (const [found, owner] of output.matchAll(secretPattern)) {
    if (Number(owner) !== index) wrong(`space ${index}: ${door} gave out ${found}`);
  }
}

function wrong(what: string): void {
  if (violations.size < 50) violations.add(what);
}

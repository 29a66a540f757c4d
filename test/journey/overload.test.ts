import type { Ramax, SpaceHandle } from 'ramax';
import { memory } from 'ramax/storage/memory';
import { sqlite } from 'ramax/storage/sqlite';
import { afterEach, describe, expect, it } from 'vitest';
import type { ItemsApp } from '../fixtures/items.app.mjs';
import { codeOf, RuntimeBed, range } from './runtime-bed.js';

const bed = new RuntimeBed();
afterEach(() => bed.clear());

const limits = {
  spaceInFlightMax: 256,
  spaceWaitingMax: 64,
  totalWaitingMax: 128,
  totalInFlightMax: 1_024,
  mailboxTurnsMax: 256,
  speculativeTurnsMax: 32,
  commitCommandsMax: 64,
  heldBytesMax: 4_096,
  shardHeldBytesMax: 8_192,
};
/** Text of a query's result, as held answers count it. */
const answerBytes = 1_000;
const loudSpaces = 6;
const quietSpaces = 2;

/** Far more at once than all bounds together let in, again and again. */
const burstCalls = 3_000;
const bursts = 6;

interface Offered {
  accepted: number;
  refused: number;
  readonly others: Set<string>;
}

/** Offers a burst to the loud spaces in turn, waiting for nothing: one call in eight would wait, one in four reads. */
function offer(loud: readonly SpaceHandle<ItemsApp>[], offered: Offered): Promise<unknown> {
  const calls = range(burstCalls).map(async (n) => {
    const space = loud[n % loud.length]!;
    const options = { overload: n % 8 === 0 ? ('wait' as const) : ('fail' as const) };
    const isRead = n % 4 === 1;
    const code = await codeOf(
      isRead ? space.fetch('item:text', options) : space.execute('remark', n, options),
    );
    if (code === 'ok') offered.accepted += isRead ? 0 : 1;
    else if (code === 'overloaded') offered.refused++;
    else offered.others.add(code);
  });
  return Promise.all(calls);
}

/** What no hop may ever hold more than. */
async function checkBounds(ramax: Ramax<ItemsApp>): Promise<void> {
  const { inFlight, inFlightBytes, waiting, shards, writer } = await ramax.stats();
  expect(inFlight).toBeLessThanOrEqual(limits.totalInFlightMax);
  expect(inFlightBytes).toBeLessThanOrEqual(limits.totalInFlightMax * 2 * answerBytes);
  expect(waiting).toBeLessThanOrEqual(limits.totalWaitingMax);
  for (const shard of shards) {
    expect(shard.deepestMailbox).toBeLessThanOrEqual(limits.mailboxTurnsMax);
    expect(shard.queuedTurns + shard.heldAnswers).toBeLessThanOrEqual(limits.totalInFlightMax);
    expect(shard.heldAnswers).toBeLessThanOrEqual(limits.speculativeTurnsMax * shard.openSpaces);
    // One answer more for each space that holds none.
    expect(shard.heldBytes).toBeLessThanOrEqual(
      limits.shardHeldBytesMax + shard.openSpaces * 2 * answerBytes,
    );
  }
  expect(writer.queued).toBeLessThanOrEqual(limits.speculativeTurnsMax * (loudSpaces + quietSpaces));
}

describe.each(['sqlite', 'memory'] as const)('ten times what a runtime can take, on %s', (storageName) => {
  it('fills no queue beyond its bound, answers what it accepts, refuses the rest, and serves quiet spaces', {
    timeout: 120_000,
  }, async () => {
    const storage = storageName === 'memory' ? memory() : sqlite({ directory: await bed.directory() });
    const ramax = await bed.start({ storage, limits });
    const names = range(loudSpaces + quietSpaces).map((n) => `space ${n}`);
    const spaces = await Promise.all(names.map((name) => ramax.spaces.getOrCreate(name)));
    const loud = spaces.slice(0, loudSpaces);
    const quiet = spaces.slice(loudSpaces);
    for (const space of loud) await space.execute('set', { id: 'text', value: 'x'.repeat(answerBytes) });
    const offered: Offered = { accepted: 0, refused: 0, others: new Set() };
    let isOver = false;
    const load = (async () => {
      for (let burst = 0; burst < bursts; burst++) await offer(loud, offered);
      isOver = true;
    })();
    let quietCommands = 0;
    while (!isOver) {
      // Quiet spaces are not refused, however much the others offer: each has one call under way, and may fail.
      const answers = await Promise.all(quiet.map((space) => space.execute('line', quietCommands)));
      for (const { spaceSequence } of answers) expect(spaceSequence).toBe(quietCommands + 1);
      quietCommands++;
      await checkBounds(ramax);
    }
    await load;
    expect([...offered.others]).toEqual([]);
    expect(offered.refused).toBeGreaterThan(0);
    const sequences = await Promise.all(loud.map((space) => space.latestSequence()));
    expect(sequences.reduce((sum, sequence) => sum + sequence, 0)).toBe(loudSpaces + offered.accepted);
    expect(quietCommands).toBeGreaterThan(0);
    const { inFlight, waiting, shards, writer } = await ramax.stats();
    const heldBytes = shards.map((shard) => shard.heldBytes);
    expect([inFlight, waiting, writer.queued, ...heldBytes]).toEqual([0, 0, 0, 0, 0]);
  });
});

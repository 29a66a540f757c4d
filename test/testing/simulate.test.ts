import { describe, expect, it } from 'vitest';
import type { SimulatedClient, SimulationOptions, SpaceState } from '../../src/testing/index.js';
import type { SeededRandom } from '../../src/testing/random.js';
import { simulate } from '../../src/testing/simulate.js';
import { SimulationFailure } from '../../src/testing/simulation-failure.js';
import { accounts, type Bank, bankWith, type Mistake, opening, type Transfer } from './bank-app.js';

const seeds = Number(process.env['RAMAX_KIT_SEEDS'] ?? 60);

const transfer = (random: SeededRandom): Transfer => ({
  id: `t${random.below(1e6)}`,
  from: random.pick(accounts),
  to: random.pick(accounts),
  amount: 1 + random.below(60),
});

const noOverdraft = (space: SpaceState<Bank>) =>
  accounts.every((account) => space.query('balance', account) >= 0);
const onceEach = (space: SpaceState<Bank>) => {
  for (const { entityId } of space.events) {
    const times = space.query('timesOf', entityId.slice('transfer:'.length));
    if (times > 1) return `${entityId} happened ${times} times`;
  }
  return true;
};

const bank = (mistake?: Mistake): SimulationOptions<Bank> => ({
  app: bankWith(mistake),
  seeds,
  commands: { transfer },
  always: {
    'no account is overdrawn': noOverdraft,
    'money is neither made nor lost': (space) =>
      accounts.reduce((sum, account) => sum + space.query('balance', account), 0) ===
      opening * accounts.length,
  },
});

async function failureOf(options: SimulationOptions<Bank>): Promise<SimulationFailure> {
  try {
    await simulate(options);
  } catch (error) {
    if (error instanceof SimulationFailure) return error;
    throw error;
  }
  throw new Error('nothing was found');
}

describe('a sound app', () => {
  it('passes, while much goes wrong', { timeout: 300_000 }, async () => {
    const report = await simulate(bank());
    expect(report.seeds).toBe(seeds);
    expect(report.commands).toBe(seeds * 20);
    // A few are in doubt for whoever had the last answer.
    expect(report.accepted + report.rejected).toBeGreaterThan(report.commands * 0.95);
    expect(report.rejected).toBeGreaterThan(seeds);
    expect(report.crashes).toBeGreaterThan(seeds);
    expect(report.restarts).toBeGreaterThan(seeds);
    expect(report.duplicates).toBeGreaterThan(seeds);
  });
});

describe('the kit finds', () => {
  it.each<[Mistake, string, RegExp]>([
    ['a command that reads the clock', 'pure', /'transfer' called Date\.now\(\)/],
    ['a command that draws lots', 'pure', /'transfer' called Math\.random\(\)/],
    ['a command that remembers', 'pure', /decided twice .* it answered .* and then reject\('busy'/],
    ['a command that throws', 'commandsDoNotFail', /'transfer'.*threw/],
    ['a projection that counts outside', 'stateIsFold', /view 'main' .* is not the fold/],
    ['a projection that reads the clock', 'pure', /projection of 'moved' called Date\.now\(\)/],
    ['a projection that throws', 'commandsDoNotFail', /13/],
    ['a view that counts outside', 'stateIsFold', /view 'times' .* is not the fold/],
    ['an overdraft', 'no account is overdrawn', /space-\d at sequence \d+/],
  ])('%s', async (mistake, invariant, reason) => {
    const failure = await failureOf(bank(mistake));
    expect(failure.invariant).toBe(invariant);
    expect(failure.reason).toMatch(reason);
    expect(failure.message).toMatch(/^seed \d+ breaks/);
  });

  it('what breaks only after a crash: a cache in the module, with an app for each shard', async () => {
    const mistake = 'a cache in the module';
    const app = () => bankWith(mistake);
    const sound = { ...bank(mistake), app, spaces: 1, seeds: 20, faults: false as const, shards: 1 };
    // Restarts are a part of every history, and come behind its commands.
    await simulate(sound);
    const failure = await failureOf({ ...bank(mistake), app, spaces: 1, shards: 1, seeds: 300 });
    expect(failure.invariant).toBe('no account is overdrawn');
    expect(failure.story.join('\n')).toMatch(/dies|killed|in doubt|closes/);
  });

  it('what breaks only with duplicates: commands without an id', async () => {
    const traffic = { transfer: { params: transfer, commandId: () => undefined } };
    const options = { ...bank(), commands: traffic, atTheEnd: { 'a transfer happens once': onceEach } };
    const faults = { restarts: false, aborts: false };
    await simulate({ ...options, seeds: 10, faults: { ...faults, duplicates: false } });
    const failure = await failureOf({ ...options, faults });
    expect(failure.invariant).toBe('a transfer happens once');
    expect(failure.message).toContain('(again)');
  });

  it('a client that forgets the command id when it tries again', async () => {
    const client =
      (isCareful: boolean) =>
      async ({ client: number, random, clock, space, spaceNames }: SimulatedClient<Bank>) => {
        for (let n = 0; n < 6; n++) {
          const params = { ...transfer(random), id: `${number}-${n}`, amount: 1 };
          for (let attempt = 0; attempt < 50; attempt++) {
            try {
              const options = isCareful ? { commandId: params.id } : {};
              await space(random.pick(spaceNames.slice(0, 1) as [string])).execute(
                'transfer',
                params,
                options,
              );
              break;
            } catch {
              await clock.sleep(5);
            }
          }
        }
      };
    const { commands: _, ...others } = bank();
    const options = { ...others, atTheEnd: { 'a transfer happens once': onceEach } };
    const careless = await failureOf({ ...options, client: client(false), faults: { duplicates: false } });
    expect(careless.invariant, careless.message).toBe('a transfer happens once');
    await simulate({ ...options, client: client(true), seeds: 20 });
  });

  it('a client that fails, and what never comes about', async () => {
    const { commands: _, ...others } = bank();
    const failing = await failureOf({ ...others, client: async () => Promise.reject(new Error('oh')) });
    expect([failing.invariant, failing.reason]).toEqual(['clientsEnd', 'client 1 failed: Error: oh']);
    const waiting = await failureOf({ ...others, client: () => new Promise(() => {}) });
    expect(waiting.invariant).toBe('clientsEnd');
    const never = await failureOf({
      ...bank(),
      eventually: { 'a rich Ann': (s) => s.query('balance', 'ann') > 1e6 },
    });
    expect(never.invariant).toBe('a rich Ann');
  });
});

describe('a failure', () => {
  it('is the same for the same seed, and plays again from its own line', async () => {
    const options = bank('an overdraft');
    const [first, second] = [await failureOf(options), await failureOf(options)];
    expect(second.message).toBe(first.message);
    const replay = Function(`return { ${first.replay} }`)() as Partial<SimulationOptions<Bank>>;
    const again = await failureOf({ ...options, ...replay });
    expect([again.seed, again.invariant, again.reason]).toEqual([first.seed, first.invariant, first.reason]);
    expect(again.story).toEqual(first.story);
    expect((await failureOf({ ...options, seed: first.seed })).reason).toBe(first.reason);
  });

  it('is told by a smaller history than the one that was found', async () => {
    const options = bank('an overdraft');
    const [small, whole] = [await failureOf(options), await failureOf({ ...options, shrink: false })];
    expect(small.seed).toBe(whole.seed);
    expect(small.story.length).toBeLessThan(whole.story.length);
    expect(small.replay).toContain('faults: false');
    expect(small.replay).toMatch(/steps: \d/);
  });
});

describe('a simulation', () => {
  it('ends with its budget, and tells how far it is', async () => {
    let nowMs = 0;
    const told: number[] = [];
    const report = await simulate({
      ...bank(),
      clock: { monotonicMs: () => nowMs },
      timeBudgetMs: 100,
      onProgress: (progress) => {
        told.push(progress.seeds);
        nowMs += 40;
      },
    });
    expect([report.seeds, told]).toEqual([3, [1, 2, 3]]);
  });

  it('finds what is decided by something that no guard knows', async () => {
    let played = 0;
    const app = () => {
      const place = played++;
      const { commands, ...others } = bankWith();
      const transfer: typeof commands.transfer = (pstate, given) =>
        commands.transfer(pstate, { ...given, id: `${given.id}-${place}` });
      return { ...others, commands: { transfer } };
    };
    const failure = await failureOf({ ...bank(), app });
    expect(failure.invariant).toBe('sameSeedSameLog');
  });

  it.each<[string, Partial<Record<keyof SimulationOptions<Bank>, unknown>>, string]>([
    ['no commands', { commands: undefined }, 'commands'],
    ['a misspelt option', { seed_: 1 } as never, 'seed_'],
    ['a misspelt fault', { faults: { crash: true } }, 'faults'],
    ['a misspelt rule', { without: ['purity'] }, 'without'],
    ['no seeds', { seeds: 0 }, 'seeds'],
  ])('refuses %s', async (_title, wrong, field) => {
    await expect(simulate({ ...bank(), ...wrong } as never)).rejects.toMatchObject({
      code: 'invalid_input',
      message: expect.stringContaining(field),
    });
  });

  it('lets a rule go that its app cannot keep', async () => {
    await simulate({
      ...bank('a projection that reads the clock'),
      seeds: 2,
      without: ['pure', 'stateIsFold', 'sameSeedSameLog'],
    });
  });

  it('leaves the clock and the dice as they were', async () => {
    const [date, random] = [Date, Math.random];
    await simulate({ ...bank(), seeds: 1 });
    await failureOf(bank('a command that throws'));
    expect([Date, Math.random]).toEqual([date, random]);
  });
});

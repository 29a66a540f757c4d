import { describe, expect, it } from 'vitest';
import { historyOf, nameOf } from '../../bench/configuration.js';
import { configurationsOf } from '../../bench/plan.js';
import { groupNames } from '../../bench/row.js';
import { rowsOf } from '../../bench/rows.js';
import { tinySizes, usualSizes } from '../../bench/sizes.js';
import { targets } from '../../bench/targets.js';

describe.each([
  ['usual', usualSizes],
  ['tiny', tinySizes],
])('the rows of the %s sizes', (_, sizes) => {
  const rows = rowsOf(groupNames, sizes);

  it('have different ids, and every group has some', () => {
    expect(new Set(rows.map(({ id }) => id)).size).toBe(rows.length);
    expect(new Set(rows.map(({ group }) => group))).toEqual(new Set(groupNames));
  });

  it('have every target, once', () => {
    const ids = rows.map(({ id }) => id);
    expect(new Set(targets.map(({ row }) => row)).size).toBe(targets.length);
    for (const { row } of targets) expect(ids).toContain(row);
  });

  it('have a yardstick where the target is a ratio', () => {
    for (const target of targets.filter(({ of }) => of === 'ratio')) {
      expect(rows.find(({ id }) => id === target.row)?.yardstick).toBeDefined();
    }
  });

  it('come from configurations with names of their own, each of which can begin', () => {
    const configurations = configurationsOf(rows);
    const texts = new Set(configurations.map((configuration) => JSON.stringify(configuration)));
    expect(new Set(configurations.map(nameOf)).size).toBe(texts.size);
    for (const configuration of configurations) historyOf(configuration, sizes);
  });
});

describe('the rows', () => {
  it('ask W1 and W2 at 1, 64 and 1,024 in flight, with and without ids, of Ramax and by hand', () => {
    const names = configurationsOf(rowsOf(['w1', 'w2'], usualSizes)).map(nameOf);
    for (const workload of ['w1', 'w2']) {
      for (const subject of ['ramax', 'by hand']) {
        for (const inFlight of [1, 64, 1_024]) {
          expect(names).toContain(`${workload} ${subject}, ${inFlight} in flight`);
          expect(names).toContain(`${workload} ${subject}, ${inFlight} in flight, with ids`);
        }
      }
    }
  });

  it('put a target beside a peer only where durability is equal', () => {
    const ids = targets.map(({ row }) => row);
    expect(ids.filter((id) => id.includes('castore-memory'))).toEqual([]);
    expect(ids).toContain('peer-postgres-group-w2-1024');
  });
});

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { partitionCount, partitionOf, shardOf } from '../../src/core/routing.js';

const spaceId = fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER });
const shards = fc.integer({ min: 1, max: partitionCount });

describe('routing', () => {
  it('gives every space one partition and one shard', () => {
    fc.assert(
      fc.property(spaceId, shards, (spaceId, shards) => {
        const partition = partitionOf(spaceId);
        expect(Number.isInteger(partition) && partition >= 0 && partition < partitionCount).toBe(true);
        const shard = shardOf(spaceId, shards);
        expect(Number.isInteger(shard) && shard >= 0 && shard < shards).toBe(true);
      }),
    );
  });

  it('keeps the spaces of a partition together, whatever the number of shards', () => {
    fc.assert(
      fc.property(fc.nat(15), fc.nat(1_000_000), shards, (partition, round, shards) => {
        const spaceId = partition + round * partitionCount;
        expect(partitionOf(spaceId)).toBe(partition);
        expect(shardOf(spaceId, shards)).toBe(shardOf(partition, shards));
      }),
    );
  });

  it('gives every shard some partition', () => {
    for (let count = 1; count <= partitionCount; count++) {
      const owners = Array.from({ length: partitionCount }, (_, spaceId) => shardOf(spaceId, count));
      expect(new Set(owners).size).toBe(count);
    }
  });

  it('is part of the format on disk: partition = spaceId mod 16, shard = partition mod shards', () => {
    expect([partitionOf(1), partitionOf(16), partitionOf(33)]).toEqual([1, 0, 1]);
    expect([shardOf(5, 1), shardOf(5, 2), shardOf(5, 3), shardOf(21, 3)]).toEqual([0, 1, 2, 2]);
  });
});

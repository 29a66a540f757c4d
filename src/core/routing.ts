/**
 * Which shard owns a space. Stable and documented: `partition = spaceId mod 16`, `shard = partition mod shards`.
 *
 * The projections of a partition lie in one file, whatever the number of shards, so that a directory can be opened with
 * another number of shards and no data moves. That is also why there can be at most 16 shards.
 */

/** The number of partitions; part of the format on disk. */
export const partitionCount = 16;

/** The partition of a space. */
export function partitionOf(spaceId: number): number {
  return spaceId % partitionCount;
}

/** The shard that owns a space, counted from 0. */
export function shardOf(spaceId: number, shards: number): number {
  return partitionOf(spaceId) % shards;
}

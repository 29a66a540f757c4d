/** The rows of the seed's own targets: one thread, the nouns alone, no yardstick. Pure. */

import type { Row, Unit } from './row.js';
import type { FigureName } from './trial-spec.js';

const rows: readonly (readonly [id: string, title: string, unit: Unit, figure: FigureName])[] = [
  ['seed-create', 'create a space, p99', 'ms', 'createSpaceMs'],
  ['seed-find', 'find a space by name, p99', 'ms', 'findByNameMs'],
  ['seed-append', 'append one event, p99', 'ms', 'appendMs'],
  ['seed-rebuild-1k', 'rebuild 1,000 events', 'ms', 'rebuild1kMs'],
  ['seed-rebuild-10k', 'rebuild 10,000 events', 'ms', 'rebuild10kMs'],
  ['seed-get-many', 'getMany of 100 keys, p99', 'ms', 'getManyMs'],
  ['seed-put-many', 'putMany of 100 and flush, p99', 'ms', 'putManyMs'],
  ['seed-preload', 'preload of 100 references, p99', 'ms', 'preloadMs'],
  ['seed-migrate-first', 'first read with a migration, p99', 'ms', 'firstMigratedReadMs'],
  ['seed-migrate-second', 'second read of it, p99', 'ms', 'secondMigratedReadMs'],
  ['seed-warm-get', 'get in memory', 'per second', 'warmGetPerSecond'],
  ['seed-cold-get', 'get from the file', 'per second', 'coldGetPerSecond'],
];

export function seedRows(): readonly Row[] {
  return rows.map(([id, title, unit, figure]) => ({
    id,
    group: 'seed',
    title: `Nouns in one thread: ${title}`,
    unit,
    ramax: { configuration: { kind: 'nouns', subject: 'ramax' }, figure },
  }));
}

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import * as ramax from 'ramax';
import * as memory from 'ramax/storage/memory';
import * as sqlite from 'ramax/storage/sqlite';
import { describe, expect, it } from 'vitest';
import { root } from './read-sources.js';

/** What somebody who imports `ramax` gets. A name that is added or taken away is a decision: write it here. */
const values = [
  'ContentStore',
  'EventStore',
  'PState',
  'Ramax',
  'RamaxError',
  'Rejection',
  'SpaceRegistry',
  'ValueCache',
  'belongsTo',
  'defaultLimits',
  'defineApp',
  'defineSchema',
  'describeSchema',
  'entity',
  'errorTable',
  'field',
  'hasMany',
  'isRef',
  'nodePlatform',
  'openStorage',
  'ref',
  'reject',
];

const types = [
  'AllSpacesOptions',
  'AllSpacesProgress',
  'AnyCommands',
  'AnyQueries',
  'App',
  'AppendOptions',
  'BackupManifest',
  'BackupOptions',
  'BackupProgress',
  'BelongsToOptions',
  'BuildState',
  'Checkpoint',
  'Cipher',
  'Clock',
  'CloneOptions',
  'Command',
  'CommandAnswer',
  'CommandContext',
  'CommandResult',
  'Commands',
  'CommandsOf',
  'CommandsWith',
  'ContentStoreOptions',
  'CopyProgress',
  'DeleteOptions',
  'Durability',
  'EncryptionOptions',
  'Entity',
  'EntityAt',
  'EntityDefinition',
  'EntityDefinitions',
  'EntityDescription',
  'EntityInput',
  'EntityKey',
  'EntityName',
  'EntityOptions',
  'EntityReader',
  'EntityWriter',
  'EntriesOptions',
  'ErrorCode',
  'EventOf',
  'EventSpec',
  'EventStoreOptions',
  'ExecuteOptions',
  'ExportOptions',
  'FetchOptions',
  'Field',
  'FieldDefault',
  'FieldDescription',
  'FieldMigration',
  'FieldsEntity',
  'GetOrCreateOptions',
  'GetResolvedOptions',
  'HasManyOptions',
  'ImportOptions',
  'ImportProgress',
  'KeyGiven',
  'Limits',
  'LimitsOptions',
  'LogHealth',
  'LogReader',
  'LogStore',
  'LookupHealth',
  'LostTail',
  'MigrateOptions',
  'MigrationProgress',
  'NotCompared',
  'OpenStorage',
  'OverloadPolicy',
  'PStateOptions',
  'PStateReader',
  'PStateStore',
  'PStateWriter',
  'ParamsOf',
  'Platform',
  'PreloadPath',
  'Projections',
  'Queries',
  'QueriesOf',
  'Query',
  'QueryContext',
  'RamaxHealth',
  'RamaxOptions',
  'RamaxStats',
  'ReadOptions',
  'RebuildOptions',
  'RebuildProgress',
  'RecordedEvent',
  'Ref',
  'RefusedCall',
  'RelationField',
  'Repairs',
  'ResolveOptions',
  'ResolvedAt',
  'ResolvedEntity',
  'RestoreOptions',
  'ResultOf',
  'Schema',
  'SchemaDescription',
  'SchemaOf',
  'ShardStats',
  'SkippedEvent',
  'SpaceEvent',
  'SpaceHandle',
  'SpaceLimits',
  'SpaceMoment',
  'SpaceRegistryOptions',
  'SpaceRow',
  'SpaceSettings',
  'Spaces',
  'StorageAdapter',
  'StorageRef',
  'StoredBuild',
  'StreamOptions',
  'SuspendOptions',
  'Suspension',
  'ThreadHealth',
  'UnresolvedRef',
  'ValidatedEntity',
  'Validator',
  'Validators',
  'Value',
  'ValueCacheOptions',
  'ValueCacheStats',
  'ValueIssue',
  'VerifyAllOptions',
  'VerifyCounts',
  'VerifyOptions',
  'VerifyProblem',
  'VerifyProblemKind',
  'VerifyProgress',
  'VerifyReport',
  'ViewBuild',
  'ViewDefinition',
  'ViewFigures',
  'ViewFlush',
  'ViewProblem',
  'ViewRef',
  'ViewStatus',
  'WaitOptions',
  'WatchKeyOptions',
  'WatchPrefix',
  'WatchQuery',
  'WriterStats',
];

function exportedNames(file: string): { values: string[]; types: string[] } {
  const text = readFileSync(join(root, file), 'utf8');
  const names = [...text.matchAll(/export\s+(type\s+)?\{([^}]*)\}/g)].flatMap(([, allTypes, list = '']) =>
    list
      .split(',')
      .map((name) => name.trim())
      .filter((name) => name !== '')
      .map((name) => ({
        name: name.replace(/^type\s+/, ''),
        isType: allTypes !== undefined || /^type\s/.test(name),
      })),
  );
  const sorted = (isType: boolean) =>
    names
      .filter((one) => one.isType === isType)
      .map(({ name }) => name)
      .sort();
  return { values: sorted(false), types: sorted(true) };
}

describe('the public face', () => {
  it('of ramax is exactly this', () => {
    expect(exportedNames('src/index.ts')).toEqual({ values, types });
    expect(Object.keys(ramax).sort()).toEqual(values);
  });

  it('of the storage modules is this', () => {
    expect(Object.keys(sqlite).sort()).toEqual(['restoreBackup', 'sqlite', 'verifyBackup']);
    expect(Object.keys(memory)).toEqual(['memory']);
  });

  it('is what package.json exports, and nothing beneath it', () => {
    const { exports } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { exports: object };
    expect(Object.keys(exports)).toEqual([
      '.',
      './storage/sqlite',
      './storage/memory',
      './testing',
      './package.json',
    ]);
  });
});

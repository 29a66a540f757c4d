/** The public names of Ramax. Storage adapters are imported from `ramax/storage/…`, test helpers from `ramax/testing`. */

export {
  type CommandResult,
  ContentStore,
  type ContentStoreOptions,
} from './content-store/content-store.js';
export type { MigrationProgress, SkippedEvent } from './content-store/upkeep.js';
export type { RebuildProgress } from './content-store/view-fill.js';
export type { ViewStatus } from './content-store/view-status.js';
export type { Cipher } from './core/cipher.js';
export type { Clock, Platform } from './core/clock.js';
export {
  type AnyCommands,
  type AnyQueries,
  type App,
  type Command,
  type CommandAnswer,
  type CommandContext,
  type Commands,
  type CommandsOf,
  type CommandsWith,
  defineApp,
  type EventOf,
  type ParamsOf,
  type Projections,
  type Queries,
  type QueriesOf,
  type Query,
  type QueryContext,
  type ResultOf,
  type SchemaOf,
  type Validators,
  type ViewDefinition,
} from './core/define-app.js';
export { type ErrorCode, errorTable, RamaxError } from './core/errors.js';
export type { Checkpoint, EventSpec, RecordedEvent, SpaceEvent } from './core/event.js';
export { defaultLimits, type Limits, type LimitsOptions } from './core/limits.js';
export type {
  EntityReader,
  EntityWriter,
  EntriesOptions,
  PStateReader,
  PStateWriter,
  ResolveOptions,
} from './core/pstate-access.js';
export { isRef, type Ref, ref, type UnresolvedRef } from './core/ref.js';
export { Rejection, reject } from './core/rejection.js';
export {
  describeSchema,
  type EntityDescription,
  type FieldDescription,
  type SchemaDescription,
} from './core/schema/describe-schema.js';
export {
  type EntityDefinition,
  type EntityDefinitions,
  type EntityOptions,
  entity,
  type FieldsEntity,
  type ValidatedEntity,
} from './core/schema/entity.js';
export type {
  Entity,
  EntityAt,
  EntityInput,
  EntityKey,
  EntityName,
  PreloadPath,
  ResolvedAt,
  ResolvedEntity,
} from './core/schema/entity-types.js';
export { type Field, type FieldDefault, type FieldMigration, field } from './core/schema/field.js';
export {
  type BelongsToOptions,
  belongsTo,
  type HasManyOptions,
  hasMany,
  type RelationField,
} from './core/schema/relation.js';
export { defineSchema, type Schema } from './core/schema/schema.js';
export type { Validator, ValueIssue } from './core/schema/validator.js';
export type { Value } from './core/values.js';
export {
  type AppendOptions,
  EventStore,
  type EventStoreOptions,
  type ReadOptions,
} from './event-store/event-store.js';
export type {
  BackupProgress,
  Durability,
  LogHealth,
  LogReader,
  LogStore,
  LostTail,
  SpaceRow,
} from './event-store/port.js';
export type { SpaceLimits, SpaceSettings, Suspension } from './event-store/space-settings.js';
export { nodePlatform } from './platform/node-platform.js';
export { type OpenStorage, openStorage } from './platform/open-storage.js';
export { Ramax } from './platform/start.js';
export type { CopyProgress } from './portability/clone-space.js';
export type { ImportProgress } from './portability/import-space.js';
export type { Repairs, ShardStats, ViewFigures, ViewProblem, WriterStats } from './protocol/stats.js';
export type { BuildState, PStateStore, StoredBuild, ViewBuild, ViewFlush, ViewRef } from './pstate/port.js';
export { PState, type PStateOptions } from './pstate/pstate.js';
export { ValueCache, type ValueCacheOptions, type ValueCacheStats } from './pstate/value-cache.js';
export type {
  NotCompared,
  VerifyCounts,
  VerifyProblem,
  VerifyProblemKind,
  VerifyReport,
} from './reader/report.js';
export { SpaceRegistry, type SpaceRegistryOptions } from './space/space-registry.js';
export type { StorageAdapter, StorageRef } from './storage/adapter.js';
export type { BackupManifest } from './storage/backup-manifest.js';
export type { AllSpacesOptions, AllSpacesProgress } from './supervisor/all-spaces.js';
export type { BackupOptions } from './supervisor/backups.js';
export type { ExportOptions, StreamOptions } from './supervisor/event-reads.js';
export type { RamaxHealth, ThreadHealth } from './supervisor/health.js';
export type { EncryptionOptions, KeyGiven } from './supervisor/key-ring.js';
export type { LookupHealth } from './supervisor/lookup-filling.js';
export type { RefusedCall } from './supervisor/quarantine.js';
export type { RamaxOptions, RamaxStats } from './supervisor/ramax.js';
export type { CloneOptions, ImportOptions, RestoreOptions } from './supervisor/space-copies.js';
export type {
  ExecuteOptions,
  MigrateOptions,
  RebuildOptions,
  SpaceHandle,
} from './supervisor/space-handle.js';
export type { SpaceMoment } from './supervisor/space-moment.js';
export type { FetchOptions, GetResolvedOptions } from './supervisor/space-reads.js';
export type { DeleteOptions, GetOrCreateOptions, Spaces, SuspendOptions } from './supervisor/spaces.js';
export type { VerifyAllOptions, VerifyOptions, VerifyProgress } from './supervisor/verifications.js';
export type { OverloadPolicy, WaitOptions } from './supervisor/wait-options.js';
export type { WatchKeyOptions, WatchPrefix, WatchQuery } from './supervisor/watch-target.js';

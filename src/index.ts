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
  type Decider,
  type DeciderAnswer,
  type DeciderCommand,
  type DeciderEvent,
  type DeciderOptions,
  type EntityState,
  fromDecider,
} from './core/decider.js';
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
  type Middleware,
  type MiddlewareCall,
  type NextLayer,
  type ParamsOf,
  type Projections,
  type Queries,
  type QueriesOf,
  type Query,
  type QueryContext,
  type Reactor,
  type ResultOf,
  type SchemaOf,
  type Validators,
  type ViewDefinition,
} from './core/define-app.js';
export { type ErrorCode, errorTable, RamaxError } from './core/errors.js';
export type { Checkpoint, EventSpec, RecordedEvent, SpaceEvent } from './core/event.js';
export type { EventQuery, EventQueryItem, FailIfEventsMatch } from './core/event-query.js';
export { defaultLimits, type Limits, type LimitsOptions } from './core/limits.js';
export type {
  EntityReader,
  EntityWriter,
  EntriesOptions,
  PStateReader,
  PStateWriter,
  ResolveOptions,
} from './core/pstate-access.js';
export type { ReactionPlace } from './core/reaction-id.js';
export type {
  AnyReactor,
  ReactionResult,
  ReactionSpace,
  ReactorContext,
  ReactorFailurePolicy,
  ReactorRetry,
  StoppedEvent,
} from './core/reactor.js';
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
export {
  cancelTimer,
  type ScheduleOptions,
  schedule,
  type TimerEvents,
  type TimerRequest,
} from './core/timers.js';
export type { PastEvent, UpcastEvent, Upcaster, Upcasters } from './core/upcasters.js';
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
  ParkedEvent,
  SpaceRow,
  StoredTimer,
} from './event-store/port.js';
export type { SpaceLimits, SpaceSettings, Suspension } from './event-store/space-settings.js';
export type { StreamOptions } from './event-store/stream-options.js';
export { nodePlatform } from './platform/node-platform.js';
export { type OpenStorage, openStorage } from './platform/open-storage.js';
export { Ramax } from './platform/start.js';
export type { CopyProgress } from './portability/clone-space.js';
export type { ImportProgress } from './portability/import-space.js';
export type {
  ReactorFigures,
  Repairs,
  ShardStats,
  ViewFigures,
  ViewProblem,
  WriterStats,
} from './protocol/stats.js';
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
export type { ExportOptions } from './supervisor/event-reads.js';
export type {
  RamaxHealth,
  ReactorHealth,
  ThreadHealth,
} from './supervisor/health.js';
export type { HistoryItem, HistoryProgress, ImportEventsOptions } from './supervisor/history-import.js';
export type { EncryptionOptions, KeyGiven } from './supervisor/key-ring.js';
export type { LookupHealth } from './supervisor/lookup-filling.js';
export type { ParkedOptions, ParkedRef, SpaceReactors } from './supervisor/parked-events.js';
export type { RefusedCall } from './supervisor/quarantine.js';
export type { RamaxFigures, RamaxOptions, RamaxStats } from './supervisor/ramax.js';
export type { CloneOptions, ImportOptions, RestoreOptions } from './supervisor/space-copies.js';
export type {
  ExecuteOptions,
  MigrateOptions,
  ReadEventOptions,
  RebuildOptions,
  SpaceHandle,
} from './supervisor/space-handle.js';
export type { SpaceMoment } from './supervisor/space-moment.js';
export type { FetchOptions, GetResolvedOptions } from './supervisor/space-reads.js';
export type { ListTimersOptions, SpaceTimers } from './supervisor/space-timers.js';
export type { DeleteOptions, GetOrCreateOptions, Spaces, SuspendOptions } from './supervisor/spaces.js';
export type { NamedSubscription, Subscription } from './supervisor/subscriber.js';
export type {
  NamedSubscribeOptions,
  SubscribeOptions,
  SubscriptionFigures,
  SubscriptionPlace,
  SubscriptionStatus,
} from './supervisor/subscriptions.js';
export type { TimerHealth, TimerStats } from './supervisor/timers.js';
export type { VerifyAllOptions, VerifyOptions, VerifyProgress } from './supervisor/verifications.js';
export type { OverloadPolicy, WaitOptions } from './supervisor/wait-options.js';
export type { WatchKeyOptions, WatchPrefix, WatchQuery } from './supervisor/watch-target.js';
export type {
  CommandMessage,
  CommitMessage,
  RebuildProgressMessage,
  RestartMessage,
  UpkeepMessage,
} from './telemetry/channels.js';
export type { CommitFigures, Measurements, Observed, SpanRecord } from './telemetry/measurements.js';
export type {
  CallObserver,
  ObservedCommand,
  ObservedResult,
  ObservedUpkeep,
  Telemetry,
  TelemetryHooks,
  TelemetryStats,
} from './telemetry/telemetry.js';

/**
 * Who may import whom, as data. `imports.ts` checks it, `imports.test.ts` runs the check over the sources.
 *
 * The rooms are cut by thread, so the table is the picture of the threads, too: supervisor (main), shard and writer
 * never import one another and meet in protocol.
 */

/** What the files of one room may import from other rooms. */
export interface RoomRule {
  /** Rooms whose values it may use. */
  readonly uses: readonly string[];
  /** Rooms of which it may know types only. */
  readonly knows?: readonly string[];
  /** Whether it may import `node:*`, timers and the like: adapters may, pure rooms may not. */
  readonly touchesNode?: true;
}

/** A room is a folder of `src/`, the deepest that is named here; `index` is `src/index.ts`, `workers` is `workers/`. */
export const rooms: Readonly<Record<string, RoomRule>> = {
  core: { uses: [] },
  codec: { uses: ['core'], knows: ['protocol', 'event-store'] },

  // A leaf: what is measured, where it is gathered, and who is told.
  telemetry: { uses: ['core'] },
  'telemetry/open-telemetry': { uses: ['core', 'telemetry'], knows: ['supervisor'], touchesNode: true },

  'event-store': { uses: ['core', 'codec'] },
  'event-store/memory': { uses: ['core', 'event-store'] },
  'event-store/sqlite': { uses: ['core', 'codec', 'event-store', 'sqlite'], touchesNode: true },

  pstate: { uses: ['core', 'codec'] },
  'pstate/memory': { uses: ['core', 'pstate'] },
  'pstate/sqlite': { uses: ['core', 'pstate', 'sqlite'], touchesNode: true },

  space: { uses: ['core', 'event-store'] },
  // States of the past are folded in memory.
  'content-store': {
    uses: ['core', 'pstate', 'pstate/memory', 'event-store', 'space'],
    knows: ['telemetry'],
  },
  // Verification: in a thread of its own, and in main's for storage that no other thread can look at.
  reader: { uses: ['core', 'codec', 'pstate', 'pstate/memory', 'event-store', 'content-store'] },
  portability: { uses: ['core', 'codec', 'event-store'] },
  protocol: {
    uses: ['core', 'codec'],
    knows: ['content-store', 'event-store', 'pstate', 'storage', 'telemetry'],
  },

  supervisor: {
    uses: ['core', 'protocol', 'content-store', 'event-store', 'portability', 'reader', 'space', 'telemetry'],
    knows: ['storage'],
  },
  shard: {
    uses: ['core', 'protocol', 'content-store', 'space', 'telemetry'],
    knows: ['event-store', 'pstate'],
  },
  writer: { uses: ['core', 'protocol', 'space', 'telemetry'], knows: ['content-store', 'event-store'] },

  sqlite: { uses: ['core'], touchesNode: true },
  storage: {
    uses: ['core', 'sqlite', 'event-store/memory', 'event-store/sqlite', 'pstate/memory', 'pstate/sqlite'],
    knows: ['event-store', 'pstate'],
    touchesNode: true,
  },
  platform: {
    uses: ['core', 'codec', 'supervisor'],
    knows: ['event-store', 'protocol', 'pstate', 'reader', 'storage', 'telemetry'],
    touchesNode: true,
  },
  workers: {
    uses: ['core', 'codec', 'platform', 'reader', 'shard', 'writer'],
    knows: ['event-store', 'storage', 'supervisor'],
    touchesNode: true,
  },
  // The whole house in one thread: the one room that may see all three sides.
  testing: {
    uses: [
      'core',
      'content-store',
      'event-store',
      'event-store/memory',
      'pstate/memory',
      'platform',
      'shard',
      'supervisor',
      'writer',
    ],
    knows: ['protocol', 'pstate', 'storage'],
    touchesNode: true,
  },
  index: {
    uses: ['core', 'content-store', 'event-store', 'platform', 'pstate', 'space'],
    knows: ['portability', 'protocol', 'reader', 'storage', 'supervisor', 'telemetry'],
  },
};

/** Every dependency and the one file or folder through which it enters. */
export const doorkeepers: Readonly<Record<string, string>> = {
  '@opentelemetry/api': 'src/telemetry/open-telemetry/',
  '@standard-schema/spec': 'src/core/schema/validator.ts',
  'better-sqlite3': 'src/sqlite/',
  'fastest-levenshtein': 'src/core/nearest-name.ts',
  msgpackr: 'src/codec/',
  'p-queue': 'src/shard/mailbox.ts',
  piscina: 'src/platform/worker-host.ts',
};

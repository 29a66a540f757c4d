/** Content stores over one log and one set of projections in memory, on a clock that the test moves. */

import {
  ContentStore,
  type ContentStoreOptions,
  type ExecuteOptions,
} from '../../src/content-store/content-store.js';
import { invocationOf } from '../../src/content-store/invocation.js';
import { LiveSpace } from '../../src/content-store/live-space.js';
import { localLog } from '../../src/content-store/local-log.js';
import type { LogLink } from '../../src/content-store/log-link.js';
import type { SharedBySpaces } from '../../src/content-store/shared-by-spaces.js';
import { CommandTurn } from '../../src/content-store/turn.js';
import type { Platform } from '../../src/core/clock.js';
import type { App } from '../../src/core/define-app.js';
import type { RamaxError } from '../../src/core/errors.js';
import { defaultLimits, type LimitsOptions, resolveLimits } from '../../src/core/limits.js';
import { loadApp } from '../../src/core/loaded-app.js';
import { MemoryLog } from '../../src/event-store/memory/memory-log.js';
import type { StoredEvent } from '../../src/event-store/port.js';
import type { SpaceAddress } from '../../src/protocol/links.js';
import { MemoryPStateStore } from '../../src/pstate/memory/memory-pstate-store.js';
import { createSpace, wide } from '../event-store/log-fixture.js';
import { type EndsOfTurns, ManualClock, manualPlatform } from '../testing/manual-clock.js';
import { HeldLog } from './held-log.js';

/** What a test may say of a content store; space 1 over the bed's own projections unless it says otherwise. */
interface BedOptions<A extends App> extends Partial<Pick<ContentStoreOptions<A>, 'limits' | 'pstates'>> {
  readonly spaceId?: number;
}

/** See the head of this file. */
export class MemoryBed {
  readonly clock: ManualClock;
  readonly platform: Platform;
  readonly log: HeldLog;
  readonly pstates = new MemoryPStateStore({ logId: 'log-a' });
  /** Errors that no caller waited for. */
  readonly errors: RamaxError[] = [];

  constructor(endsOfTurns: EndsOfTurns = 'free') {
    this.clock = new ManualClock(endsOfTurns);
    this.platform = manualPlatform(this.clock);
    this.log = new HeldLog(new MemoryLog('log-a'), this.clock);
  }

  /** A bed whose log has one space, with id 1. */
  static async make(endsOfTurns?: EndsOfTurns): Promise<MemoryBed> {
    const bed = new MemoryBed(endsOfTurns);
    await createSpace(bed.log, 'acme');
    return bed;
  }

  /** Opens the space as another process would: from what was persisted. */
  open<A extends App>(app: A, { spaceId = 1, ...options }: BedOptions<A> = {}): Promise<ContentStore<A>> {
    return ContentStore.open<A>({
      space: { spaceId, spaceName: 'acme' },
      app,
      log: this.log,
      pstates: this.pstates,
      platform: this.platform,
      onError: (error) => this.errors.push(error),
      ...options,
    });
  }

  /** The live space alone, without the line of turns of a content store. */
  openLive(
    app: App,
    limits: LimitsOptions = {},
    log: LogLink = localLog(this.log),
    { spaceId, spaceName }: SpaceAddress = { spaceId: 1, spaceName: 'acme' },
    shared?: SharedBySpaces,
  ): Promise<LiveSpace> {
    return LiveSpace.open({
      spaceId,
      spaceName,
      ...(shared === undefined ? {} : { shared }),
      app: loadApp(app),
      log,
      pstates: this.pstates,
      platform: this.platform,
      limits: resolveLimits(limits),
      onError: (error) => this.errors.push(error),
    });
  }

  /** Another space; says its id. */
  async addSpace(spaceName: string): Promise<number> {
    return (await createSpace(this.log, spaceName)).spaceId;
  }

  /** A command's turn. */
  command(name: string, params?: unknown, options: ExecuteOptions = {}): CommandTurn {
    return new CommandTurn(invocationOf(name, params, options, this.platform, defaultLimits));
  }

  /** The space's events in the log. */
  events(): Promise<readonly StoredEvent[]> {
    return this.log.readSpace(1, 0, wide);
  }
}

import { beforeEach, describe, expect, it } from 'vitest';
import { Witness } from '../../src/event-store/sqlite/witness.js';
import type { WitnessFile, WitnessFiles } from '../../src/event-store/sqlite/witness-file.js';
import type { WitnessRecord } from '../../src/event-store/sqlite/witness-record.js';
import { ManualClock } from '../testing/manual-clock.js';
import { recordAt } from './witness-records.js';

/** Files in memory: what was written, what was synced, and which of their calls fail. */
class FakeFiles implements WitnessFiles {
  written: number | undefined;
  synced: number | undefined;
  writes = 0;
  syncs = 0;
  made = 0;
  openFiles = 0;
  isInPlace = true;
  failing = new Set<'make' | 'write' | 'sync'>();
  /** A sync ends when the test says so. */
  holdsSyncs = false;
  readonly #waiting: (() => void)[] = [];

  release(): void {
    for (const proceed of this.#waiting.splice(0)) proceed();
  }

  open(): WitnessFile {
    this.openFiles++;
    return this.#file();
  }

  make(_file: string, record: WitnessRecord): WitnessFile {
    this.#failWhen('make');
    this.made++;
    this.isInPlace = true;
    this.written = record.lastEventId;
    this.synced = record.lastEventId;
    return this.open();
  }

  #failWhen(call: 'make' | 'write' | 'sync'): void {
    if (this.failing.has(call)) throw new Error(`no ${call}`);
  }

  #file(): WitnessFile {
    let isSyncing = false;
    const end = (upTo: number | undefined): void => {
      isSyncing = false;
      this.#failWhen('sync');
      this.syncs++;
      this.synced = upTo;
    };
    return {
      write: (record) => {
        expect(isSyncing).toBe(false);
        this.#failWhen('write');
        this.writes++;
        this.written = record.lastEventId;
      },
      sync: async () => {
        isSyncing = true;
        const upTo = this.written;
        if (this.holdsSyncs) await new Promise<void>((proceed) => this.#waiting.push(proceed));
        end(upTo);
      },
      syncNow: () => end(this.written),
      isInPlace: () => this.isInPlace,
      close: () => {
        this.openFiles--;
      },
    };
  }
}

let clock: ManualClock;
let files: FakeFiles;
let witness: Witness;

beforeEach(async () => {
  clock = new ManualClock();
  files = new FakeFiles();
  witness = Witness.make({ path: 'ramax.witness', files, clock, record: recordAt(0) });
});

const tell = (lastEventId: number): void => witness.tell(recordAt(lastEventId));

describe('the witness of a log', () => {
  it('is written with each commit and synced a second after the first that was not, whatever follows', async () => {
    tell(1);
    expect([files.written, files.synced]).toEqual([1, 0]);
    await clock.advance(600);
    tell(2);
    await clock.advance(399);
    expect([files.written, files.synced]).toEqual([2, 0]);
    await clock.advance(1);
    expect([files.synced, files.syncs]).toEqual([2, 1]);
    await clock.advance(60_000);
    expect([files.syncs, clock.timers]).toEqual([1, 0]);
    tell(3);
    await clock.advance(1_000);
    expect([files.synced, files.syncs]).toEqual([3, 2]);
  });

  it('that is opened again tells at once where the log is', async () => {
    const again = Witness.open({ path: 'ramax.witness', files, clock, record: recordAt(9) });
    expect(files.written).toBe(9);
    await clock.advance(1_000);
    expect(files.synced).toBe(9);
    await again.close(recordAt(9));
  });

  it('is not written while it is synced; what was told meanwhile follows, and is synced within a second', async () => {
    files.holdsSyncs = true;
    tell(1);
    await clock.advance(1_000);
    tell(2);
    tell(3);
    expect(files.written).toBe(1);
    files.release();
    await clock.settle();
    expect([files.written, files.synced]).toEqual([3, 1]);
    files.holdsSyncs = false;
    await clock.advance(1_000);
    expect(files.synced).toBe(3);
  });

  it('is synced with the last word when it is closed, also behind a sync that is under way', async () => {
    tell(1);
    await witness.close(recordAt(2));
    expect([files.synced, files.openFiles, clock.timers]).toEqual([2, 0, 0]);
    await witness.close(recordAt(3));
    expect(files.synced).toBe(2);

    const other = Witness.make({ path: 'ramax.witness', files, clock, record: recordAt(0) });
    files.holdsSyncs = true;
    other.tell(recordAt(5));
    await clock.advance(1_000);
    const closed = other.close(recordAt(6));
    files.release();
    await closed;
    expect([files.synced, files.openFiles, clock.timers]).toEqual([6, 0, 0]);
  });

  it.each(['write', 'sync'] as const)(
    'whose %s fails throws nothing, says why, and is made anew with the newest word',
    async (call) => {
      files.failing = new Set([call, 'make']);
      tell(1);
      await clock.advance(1_000);
      expect(witness.failure).toMatchObject({ code: 'storage', message: expect.stringContaining(`no `) });
      tell(2);
      files.failing.clear();
      await clock.advance(64_000);
      expect(witness.failure).toBeUndefined();
      expect([files.synced, files.made, files.openFiles]).toEqual([2, 2, 1]);
      tell(3);
      await clock.advance(1_000);
      expect([files.written, files.synced]).toEqual([3, 3]);
    },
  );

  it('is not trusted after a sync that failed: the next one is of another file', async () => {
    files.failing.add('sync');
    tell(1);
    await clock.advance(1_000);
    files.failing.clear();
    await clock.advance(1_000);
    expect([files.made, files.syncs, files.synced]).toEqual([2, 0, 1]);
  });

  it('is tried again after pauses that double up to a minute', async () => {
    files.failing = new Set(['write', 'make']);
    tell(1);
    const tries: number[] = [];
    const make = files.make.bind(files);
    files.make = (...parameters) => {
      tries.push(clock.monotonicMs());
      return make(...parameters);
    };
    await clock.advance(240_000);
    expect(tries).toEqual([1_000, 3_000, 7_000, 15_000, 31_000, 63_000, 123_000, 183_000]);
    expect(clock.timers).toBe(1);
  });

  it('whose file was deleted or replaced is made again with the next sync', async () => {
    tell(1);
    files.isInPlace = false;
    tell(2);
    await clock.advance(1_000);
    expect([files.made, files.synced, files.openFiles, witness.failure]).toEqual([2, 2, 1, undefined]);
  });

  it('that cannot be written when it is closed fails nobody', async () => {
    tell(1);
    files.failing = new Set(['write', 'sync', 'make']);
    await witness.close(recordAt(2));
    expect([files.openFiles, clock.timers]).toEqual([0, 0]);
  });

  it('that had failed before it is closed is made anew then', async () => {
    files.failing = new Set(['write']);
    tell(1);
    files.failing.clear();
    await witness.close(recordAt(1));
    expect([files.made, files.synced, files.openFiles]).toEqual([2, 1, 0]);
  });
});

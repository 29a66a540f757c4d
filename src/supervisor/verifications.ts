/**
 * Verification for the public API: space by space, one at a time, in a thread that nobody waits for.
 *
 * Owns: the verifier, opened with the first verification, and the signal that ends all when the runtime closes.
 */

import type { Clock } from '../core/clock.js';
import { asRamaxError, invalidInput, RamaxError } from '../core/errors.js';
import { checkOptions, checkSignal } from '../core/names.js';
import { checkOptionNames } from '../core/option-names.js';
import { ProgressGuard } from '../core/progress-guard.js';
import { ReportDraft, type VerifyReport } from '../reader/report.js';
import type { Verifier, VerifyRequest } from '../reader/verifier.js';
import { spaceNotFound } from '../space/space-errors.js';

const pageSpacesMax = 256;
const progressMs = 200;

/** How far a verification has come. */
export interface VerifyProgress {
  /** Spaces that are done. */
  readonly spacesDone: number;
  /** Events and entries looked at; an event that is compared with its views counts once. */
  readonly itemsDone: number;
  readonly problems: number;
}

/** What the verification of one space may be given. */
export interface VerifyOptions {
  /** Compare the stored views with their events, too. Takes as long as a rebuild, and as much memory as the views of the space. Default true. */
  readonly views?: boolean | undefined;
  /** Have the storage look at its own pages, too: one read transaction for each table. Default false. */
  readonly pages?: boolean | undefined;
  /** Told now and then. */
  readonly onProgress?: ((progress: VerifyProgress) => void) | undefined;
  /** Ends it with `aborted`. */
  readonly signal?: AbortSignal | undefined;
}

/** What a verification may be given. */
export interface VerifyAllOptions extends VerifyOptions {
  /** The ids of the spaces. Default: all, and what is of no one space. */
  readonly spaces?: readonly number[] | undefined;
}

const optionNames = [
  'views',
  'pages',
  'onProgress',
  'signal',
] as const satisfies readonly (keyof VerifyOptions)[];
const allOptionNames = [...optionNames, 'spaces'] as const satisfies readonly (keyof VerifyAllOptions)[];

type Space = NonNullable<VerifyRequest['space']>;

/** What verification stands on. */
export interface VerificationsOptions {
  readonly clock: Clock;
  readonly open: () => Verifier;
  readonly listSpaces: (after: number, limit: number) => Promise<readonly Space[]>;
  readonly findSpace: (spaceId: number) => Promise<Space | undefined>;
}

/** See the head of this file. */
export class Verifications {
  readonly #options: VerificationsOptions;
  readonly #ending = new AbortController();
  #verifier: Verifier | undefined;

  constructor(options: VerificationsOptions) {
    this.#options = options;
  }

  /** What is under way ends, and nothing more is begun. */
  async close(): Promise<void> {
    this.#ending.abort();
    await this.#verifier?.close();
  }

  async space(space: Space, options: VerifyOptions): Promise<VerifyReport> {
    checkOptions(options);
    checkOptionNames(options, optionNames, 'verify()');
    return this.#run(options, async function* () {
      yield space;
    });
  }

  async all(options: VerifyAllOptions): Promise<VerifyReport> {
    checkOptions(options);
    checkOptionNames(options, allOptionNames, 'verify()');
    const { spaces } = options;
    if (spaces === undefined) return this.#run(options, () => this.#everySpace());
    if (!Array.isArray(spaces) || !spaces.every((spaceId) => Number.isSafeInteger(spaceId) && spaceId >= 1))
      throw invalidInput('spaces', 'an array of space ids', spaces);
    return this.#run(options, () => this.#theseSpaces(spaces));
  }

  async *#everySpace(): AsyncGenerator<Space | undefined> {
    yield undefined;
    for (let after = 0; ; ) {
      const spaces = await this.#options.listSpaces(after, pageSpacesMax);
      const last = spaces.at(-1);
      if (last === undefined) return;
      yield* spaces;
      after = last.spaceId;
    }
  }

  async *#theseSpaces(spaceIds: readonly number[]): AsyncGenerator<Space> {
    for (const spaceId of new Set(spaceIds)) {
      const space = await this.#options.findSpace(spaceId);
      if (space === undefined) throw spaceNotFound(spaceId);
      yield space;
    }
  }

  async #run(
    { views = true, pages = false, onProgress, signal }: VerifyOptions,
    spaces: () => AsyncIterable<Space | undefined>,
  ): Promise<VerifyReport> {
    checkFlag(views, 'views');
    checkFlag(pages, 'pages');
    checkSignal(signal);
    const guard = new ProgressGuard(onProgress);
    const ownEnd = new AbortController();
    const ends = AbortSignal.any([
      this.#ending.signal,
      ownEnd.signal,
      ...(signal === undefined ? [] : [signal]),
    ]);
    const answer = this.#verifyEach({ views, pages }, spaces, guard.report, ends);
    return guard.settled(guard.watch({ answer, cancel: () => ownEnd.abort() }).answer);
  }

  async #verifyEach(
    asked: Omit<VerifyRequest, 'space'>,
    spaces: () => AsyncIterable<Space | undefined>,
    onProgress: (progress: VerifyProgress) => void,
    ends: AbortSignal,
  ): Promise<VerifyReport> {
    const draft = new ReportDraft();
    let itemsDone = 0;
    const report = (items: number): void => {
      const { spaces: spacesDone, report: soFar } = draft;
      onProgress({
        spacesDone,
        itemsDone: itemsDone + items,
        problems: soFar.problems.length + soFar.problemsNotShown,
      });
    };
    try {
      this.#assertGoingOn(ends);
      for await (const space of spaces()) {
        this.#assertGoingOn(ends);
        const run = this.#open().start({ ...asked, space });
        const stop = this.#watch(run, ends, () => report(run.items));
        draft.add(await run.report.finally(stop));
        itemsDone += run.items;
        report(0);
      }
      return draft.report;
    } catch (error) {
      this.#assertGoingOn(ends);
      throw asRamaxError(error, 'storage', 'the verification failed');
    }
  }

  #open(): Verifier {
    this.#verifier ??= this.#options.open();
    return this.#verifier;
  }

  /** Cancels the run when `ends` says so, and tells of its progress until it is stopped. */
  #watch(run: { cancel(): void }, ends: AbortSignal, tell: () => void): () => void {
    const cancel = (): void => run.cancel();
    ends.addEventListener('abort', cancel, { once: true });
    const { clock } = this.#options;
    const again = () =>
      clock.after(progressMs, () => {
        tell();
        timer = again();
      });
    let timer = again();
    return () => {
      ends.removeEventListener('abort', cancel);
      timer.cancel();
    };
  }

  #assertGoingOn(ends: AbortSignal): void {
    if (this.#ending.signal.aborted) throw new RamaxError('closed', 'the runtime is closed');
    if (ends.aborted) throw new RamaxError('aborted', 'the verification was aborted');
  }
}

function checkFlag(flag: unknown, field: string): void {
  if (typeof flag !== 'boolean') throw invalidInput(field, 'true or false', flag);
}

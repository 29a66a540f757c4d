import { type Answerable, PromisedAnswer } from '../../src/core/answerable.js';
/** A link to a writer that loses answers and dies, as the runtime's does. */

import {
  type Appended,
  type ChainedAppend,
  type LogLink,
  type OpenedSpace,
  WriterIsDown,
} from '../../src/content-store/log-link.js';
import { RamaxError } from '../../src/core/errors.js';
import { promisesSettle } from '../testing/manual-clock.js';

/**
 * What becomes of an append: as usual; committed, but its answer is lost; or the writer dies before it, and with it
 * everything behind it of the same generation.
 */
export type LinkFate = 'usual' | 'answerLost' | 'lost';

/** See the head of this file. */
export class LossyLink implements LogLink {
  readonly #link: LogLink;
  /** The fates of the next appends, in order; `usual` when there are no more. */
  readonly fates: LinkFate[] = [];
  #deadGeneration = 0;
  trouble: RamaxError | undefined;
  readonly #waiting: (() => void)[] = [];

  constructor(link: LogLink) {
    this.#link = link;
  }

  append(append: ChainedAppend, waiter: Answerable<Appended>): void {
    this.#append(append).then(
      (appended) => waiter.answered(appended),
      (error: RamaxError) => waiter.failed(error),
    );
  }

  async #append(append: ChainedAppend): Promise<Appended> {
    const fate = this.fates.shift() ?? 'usual';
    if (fate === 'lost') this.#deadGeneration = append.generation;
    const answer = append.generation <= this.#deadGeneration ? undefined : appendTo(this.#link, append);
    // Answers come later, as from another thread: several appends are under way at once.
    await promisesSettle();
    if (answer === undefined || fate === 'answerLost') throw lost();
    return answer;
  }

  async openSpace(spaceId: number, wait?: 'untilUp'): Promise<OpenedSpace> {
    while (this.trouble !== undefined) {
      if (wait === undefined) throw new WriterIsDown(this.trouble);
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    }
    return this.#link.openSpace(spaceId);
  }

  /** There is no writer, and there may be none for long. Appends under way are lost. */
  down(error: RamaxError): void {
    this.trouble = error;
  }

  /** A writer is there again. */
  up(): void {
    this.trouble = undefined;
    for (const wake of this.#waiting.splice(0)) wake();
  }

  openForReading(
    ...parameters: Parameters<LogLink['openForReading']>
  ): ReturnType<LogLink['openForReading']> {
    return this.#link.openForReading(...parameters);
  }

  selectEvents(...parameters: Parameters<LogLink['selectEvents']>): ReturnType<LogLink['selectEvents']> {
    return this.#link.selectEvents(...parameters);
  }

  readSpace(...parameters: Parameters<LogLink['readSpace']>): ReturnType<LogLink['readSpace']> {
    return this.#link.readSpace(...parameters);
  }

  timersOf(...parameters: Parameters<LogLink['timersOf']>): ReturnType<LogLink['timersOf']> {
    return this.#link.timersOf(...parameters);
  }

  importsOf(spaceId: number): ReturnType<LogLink['importsOf']> {
    return this.#link.importsOf(spaceId);
  }

  allCommands(...parameters: Parameters<LogLink['allCommands']>): ReturnType<LogLink['allCommands']> {
    return this.#link.allCommands(...parameters);
  }

  findCommands(...parameters: Parameters<LogLink['findCommands']>): ReturnType<LogLink['findCommands']> {
    return this.#link.findCommands(...parameters);
  }
}

function lost(): RamaxError {
  return new RamaxError('unavailable', 'the link to the writer was lost');
}

/** An append whose answer is awaited. */
export function appendTo(link: Pick<LogLink, 'append'>, append: ChainedAppend): Promise<Appended> {
  const waiter = new PromisedAnswer<Appended>();
  link.append(append, waiter);
  return waiter.promise;
}

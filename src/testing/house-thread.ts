/**
 * A thread of the testing house: code that can be killed between two happenings. What it had planned never runs, its
 * ports close, and its stores refuse.
 */

import type { Platform } from '../core/clock.js';
import type { ErrorData } from '../core/errors.js';
import { asRamaxError, RamaxError } from '../core/errors.js';
import { nodePlatform } from '../platform/node-platform.js';
import type { Port } from '../protocol/port.js';
import type { Thread } from '../supervisor/thread-host.js';
import { type HousePort, houseChannel } from './house-port.js';
import { planWork, type Scheduler, schedulerClock } from './scheduler.js';

/** How long after its death a thread's end is noticed, at most. */
const noticeMsMax = 5;

/** See the head of this file. */
export class HouseThread implements Thread {
  readonly #scheduler: Scheduler;
  readonly #ports: HousePort[] = [];
  #isAlive = true;
  #end: (error: ErrorData | undefined) => void = () => {};
  /** Main's end of the link to it. */
  readonly port: Port;
  /** The thread's end of the link to main. */
  readonly main: Port;
  readonly ended: Promise<ErrorData | undefined>;
  /** The thread's clock, ids and digests. */
  readonly platform: Platform;

  constructor(scheduler: Scheduler) {
    this.#scheduler = scheduler;
    this.ended = new Promise((resolve) => {
      this.#end = resolve;
    });
    const [port, main] = houseChannel(scheduler);
    this.port = port;
    this.main = main;
    this.owns(main);
    this.platform = {
      ...nodePlatform,
      clock: schedulerClock(scheduler, () => this.#isAlive),
      ids: { newId: () => scheduler.random.uuid() },
    };
  }

  get isAlive(): boolean {
    return this.#isAlive;
  }

  /** Runs the thread's code; the thread ends with it. */
  run(body: () => Promise<void>): void {
    this.platform.clock.soon(() => {
      body().then(
        () => this.#die(undefined),
        (error: unknown) => this.#die(asRamaxError(error, 'unavailable', 'the thread failed').toData()),
      );
    });
  }

  /** Resolves after a random time up to `msMax`, unless the thread dies before. */
  works(msMax: number): Promise<void> {
    return new Promise((resolve) => {
      planWork(this.#scheduler, () => this.#isAlive, this.#scheduler.workMs(msMax), resolve);
    });
  }

  /** The port dies with the thread. */
  owns(port: HousePort): void {
    this.#ports.push(port);
    port.onHandedOver = (handedOver) => this.owns(handedOver);
    if (!this.#isAlive) port.close();
  }

  /** The thread is gone, as after an uncaught error. */
  kill(): void {
    this.#die(new RamaxError('unavailable', 'the thread was killed').toData());
  }

  async stop(): Promise<void> {
    this.kill();
    await this.ended;
  }

  #die(error: ErrorData | undefined): void {
    if (!this.#isAlive) return;
    this.#isAlive = false;
    for (const port of this.#ports) port.close();
    const { nowMs } = this.#scheduler;
    this.#scheduler.planWorkAt(nowMs + this.#scheduler.workMs(noticeMsMax), () => this.#end(error));
  }
}

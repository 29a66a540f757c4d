/**
 * A port of the testing house: carries bytes and text by the scheduler, later and in order, and never by reference.
 * Messages that were sent before their sender died are delivered all the same, as with real threads.
 */

import type { Message, Port } from '../protocol/port.js';
import type { Scheduler } from './scheduler.js';

/** How long a message is under way at most: nearly always, and once in a while. */
const latencyMsMax = 2;
const rareLatencyMsMax = 90;
const rareOneIn = 12;

/** See the head of this file. */
export class HousePort implements Port {
  readonly #scheduler: Scheduler;
  #other: HousePort | undefined;
  #receive: ((message: Message, ports: readonly Port[]) => void) | undefined;
  #closed: (() => void) | undefined;
  #isClosed = false;
  #isCloseTold = false;
  /** What arrived before anyone listened. */
  readonly #early: (() => void)[] = [];
  /** When the last message to the other end arrives: none may overtake it. */
  #lastArrivalMs = 0;

  /** Told of every port that is handed over through this one: it belongs to the same thread from then on. */
  onHandedOver: ((port: HousePort) => void) | undefined;

  constructor(scheduler: Scheduler) {
    this.#scheduler = scheduler;
  }

  /** Connects two ends. */
  static connect(left: HousePort, right: HousePort): void {
    left.#joins(right);
    right.#joins(left);
  }

  #joins(other: HousePort): void {
    this.#other = other;
  }

  post(message: Message, ports: readonly Port[] = []): void {
    if (this.#isClosed) return;
    const copy = typeof message === 'string' ? message : structuredClone(message);
    this.#sendLater(() => this.#other?.deliver(copy, ports));
  }

  onMessage(receive: (message: Message, ports: readonly Port[]) => void): void {
    this.#receive = receive;
    for (const deliver of this.#early.splice(0)) deliver();
  }

  onClose(closed: () => void): void {
    this.#closed = closed;
    if (this.#isCloseTold) closed();
  }

  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#tellClosed();
    this.#sendLater(() => this.#other?.otherClosed());
  }

  /** A message has arrived. */
  deliver(message: Message, ports: readonly Port[]): void {
    if (this.#isClosed) return;
    if (this.#receive === undefined) {
      this.#early.push(() => this.deliver(message, ports));
      return;
    }
    for (const port of ports) if (port instanceof HousePort) this.onHandedOver?.(port);
    this.#receive(message, ports);
  }

  /** The other end has closed, and everything that it sent before has arrived. */
  otherClosed(): void {
    this.#isClosed = true;
    this.#tellClosed();
  }

  /** When a message that is sent now arrives: behind those before it. */
  arrivalMs(): number {
    this.#lastArrivalMs = Math.max(this.#lastArrivalMs, this.unorderedArrivalMs());
    return this.#lastArrivalMs;
  }

  /** When it would arrive if messages could overtake one another. */
  unorderedArrivalMs(): number {
    const { nowMs, random } = this.#scheduler;
    return nowMs + this.#scheduler.workMs(random.oneIn(rareOneIn) ? rareLatencyMsMax : latencyMsMax);
  }

  #sendLater(send: () => void): void {
    this.#scheduler.planWorkAt(this.arrivalMs(), send);
  }

  #tellClosed(): void {
    if (this.#isCloseTold) return;
    this.#isCloseTold = true;
    this.#closed?.();
  }
}

/** Two connected ports. */
export function houseChannel(scheduler: Scheduler): [HousePort, HousePort] {
  const [left, right] = [new HousePort(scheduler), new HousePort(scheduler)];
  HousePort.connect(left, right);
  return [left, right];
}

/**
 * A bank to try things with: an HTTP server that is out of order at the first attempt of every charge, and for as long as it is closed.
 * It counts what it has really charged.
 */

import { createServer } from 'node:http';
import { json } from 'node:stream/consumers';
import type { Charge } from './bank.js';

export class BankServer {
  readonly #asked = new Set<string>();
  readonly #charged = new Map<string, string>();
  readonly #server = createServer(async (request, response) => {
    const charge = (await json(request)) as Charge;
    response.writeHead(this.#statusOf(charge)).end();
  });
  /** Whether it answers nothing but that it is out of order. */
  isOutOfOrder = false;

  static async open(): Promise<BankServer> {
    const bank = new BankServer();
    await new Promise<void>((resolve) => bank.#server.listen(0, '127.0.0.1', resolve));
    return bank;
  }

  get url(): string {
    const address = this.#server.address();
    if (address === null || typeof address === 'string') throw new Error('the bank is not open');
    return `http://127.0.0.1:${address.port}`;
  }

  /** The orders that were charged for, once for each charge. */
  get charged(): readonly string[] {
    return [...this.#charged.values()].sort();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  #statusOf({ key, order, card }: Charge): number {
    const isFirst = !this.#asked.has(key);
    this.#asked.add(key);
    if (this.isOutOfOrder || isFirst) return 503;
    if (card === 'empty') return 402;
    this.#charged.set(key, order);
    return 200;
  }
}

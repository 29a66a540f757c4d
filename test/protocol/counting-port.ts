import type { Port } from '../../src/protocol/port.js';

/** A port that says how many messages went out through it. */
export class CountingPort implements Port {
  readonly #port: Port;
  sent = 0;

  constructor(port: Port) {
    this.#port = port;
  }

  post(message: string | Uint8Array, ports?: readonly Port[]): void {
    this.sent++;
    this.#port.post(message, ports);
  }

  onMessage(receive: Parameters<Port['onMessage']>[0]): void {
    this.#port.onMessage(receive);
  }

  onClose(closed: () => void): void {
    this.#port.onClose(closed);
  }

  close(): void {
    this.#port.close();
  }
}

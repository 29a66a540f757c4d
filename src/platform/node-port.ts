/** A `Port` over Node's MessagePort. Handed-over ports travel beside the message; a message without any travels bare. */

import { MessageChannel, type MessagePort, type TransferListItem } from 'node:worker_threads';
import { assert } from '../core/assert.js';
import type { Message, Port } from '../protocol/port.js';

/** A message that hands over ports. */
interface Envelope {
  readonly message: Message;
  readonly ports: readonly MessagePort[];
}

const noPorts: readonly Port[] = [];

/** See the head of this file. */
export class NodePort implements Port {
  readonly #port: MessagePort;
  #isClosed = false;

  constructor(port: MessagePort) {
    this.#port = port;
  }

  /** The port underneath, to be transferred. */
  get raw(): MessagePort {
    return this.#port;
  }

  post(message: Message, ports?: readonly Port[]): void {
    if (this.#isClosed) return;
    if (ports === undefined) {
      this.#port.postMessage(message);
      return;
    }
    const raw = ports.map((port) => {
      assert(port instanceof NodePort, 'only a port of this platform can be handed over');
      return port.raw;
    });
    this.#port.postMessage({ message, ports: raw } satisfies Envelope, raw as TransferListItem[]);
  }

  onMessage(receive: (message: Message, ports: readonly Port[]) => void): void {
    this.#port.on('message', (received: Message | Envelope) => {
      if (!isEnvelope(received)) receive(received, noPorts);
      else {
        receive(
          received.message,
          received.ports.map((port) => new NodePort(port)),
        );
      }
    });
  }

  onClose(closed: () => void): void {
    this.#port.on('close', () => {
      this.#isClosed = true;
      closed();
    });
  }

  close(): void {
    this.#isClosed = true;
    this.#port.close();
  }
}

function isEnvelope(received: Message | Envelope): received is Envelope {
  return typeof received === 'object' && 'ports' in received;
}

/** Two connected ports. */
export function nodeChannel(): [NodePort, NodePort] {
  const { port1, port2 } = new MessageChannel();
  return [new NodePort(port1), new NodePort(port2)];
}

/** What a port carries: text, bytes, or both beside one another. */
export type Message = string | Uint8Array | { readonly text: string; readonly bytes: Uint8Array };

/**
 * A port: one end of a two-way channel between threads. Production wraps a MessagePort (`platform/node-port.ts`), the
 * simulation delivers by a seeded scheduler (`testing/`). Both clone what they carry and deliver later, in order.
 */
export interface Port {
  /** Sends `message` and hands over `ports`. Does nothing once closed. */
  post(message: Message, ports?: readonly Port[]): void;
  /** Starts delivery. Called once. */
  onMessage(receive: (message: Message, ports: readonly Port[]) => void): void;
  /** Called once when either end has closed or the other thread is gone. */
  onClose(closed: () => void): void;
  close(): void;
}

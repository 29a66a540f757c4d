/** The channels of a runtime as those of Node; they are the process's, so all runtimes of a process publish on them. */

import { channel, tracingChannel } from 'node:diagnostics_channel';
import type { Channel, Channels, TracedChannel } from '../telemetry/channels.js';

/** Node adds the result or the error to the message. */
function traced<Message extends object>(name: string): TracedChannel<Message> {
  const channels = tracingChannel<unknown, Message>(name);
  const { start, end, asyncStart, asyncEnd, error } = channels;
  return {
    // Node 20 has this getter of a tracing channel in its later releases only.
    get hasSubscribers() {
      return (
        start.hasSubscribers ||
        asyncEnd.hasSubscribers ||
        error.hasSubscribers ||
        end.hasSubscribers ||
        asyncStart.hasSubscribers
      );
    },
    trace: (message, run) => channels.tracePromise(run, message),
  };
}

function plain<Message>(name: string): Channel<Message> {
  return channel(name) as Channel<Message>;
}

/** See the head of this file. Held here: a channel that nobody holds is forgotten. */
export const diagnosticChannels: Channels = {
  command: traced('ramax:command'),
  rebuild: traced('ramax:rebuild'),
  migration: traced('ramax:migration'),
  rebuildProgress: plain('ramax:rebuild:progress'),
  commit: plain('ramax:commit'),
  restart: plain('ramax:restart'),
};

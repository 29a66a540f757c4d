/**
 * SQLite storage whose writer is harmed when it is told to: when the file `options.order` is there, the next commit of
 * events takes it away and does what it says. `lie` is for controls: it answers for a batch that it does not write.
 */

import { readFileSync, rmSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import type { LogStore } from 'ramax';
import { withLog } from './sound.js';

type Commit = LogStore['commit'];
type Batch = Parameters<Commit>[0];
type Outcomes = Awaited<ReturnType<Commit>>;

const harms: Readonly<Record<string, (log: LogStore, batch: Batch) => Promise<Outcomes>>> = {
  async before() {
    throw new Error('the disk is gone before the commit');
  },
  async after(log, batch) {
    await log.commit(batch);
    throw new Error('the disk is gone after the commit');
  },
  exitBefore: () => process.exit(9),
  async exitAfter(log, batch) {
    await log.commit(batch);
    process.exit(9);
  },
  async throwLater(log, batch) {
    setTimeout(() => {
      throw new Error('nobody catches this');
    }, 3);
    return log.commit(batch);
  },
  async rejectLater(log, batch) {
    setTimeout(() => void Promise.reject(new Error('nobody awaits this')), 3);
    return log.commit(batch);
  },
  async heap() {
    const hoard: unknown[] = [];
    for (;;) hoard.push(new Array(500_000).fill(hoard.length));
  },
  async pause(log, batch) {
    await pause(400);
    return log.commit(batch);
  },
  async lie(log, batch) {
    let eventId = await log.latestEventId();
    return batch.map((write) => {
      if (write.kind !== 'append') throw new Error('only appends are lied about');
      const firstEventId = eventId + 1;
      eventId += write.events.length;
      return { kind: 'appended', firstEventId, spaceSequence: write.previousSequence + write.events.length };
    });
  },
};

/** Every way in which the writer can be harmed, but for lies. */
export const writerHarms: readonly string[] = Object.keys(harms).filter((name) => name !== 'lie');

export const adapter = withLog((log, { options }) => ({
  commit(batch) {
    const order = batch.every(({ kind }) => kind === 'append')
      ? takeOrder(String(options['order']))
      : undefined;
    const harm = order === undefined ? undefined : harms[order];
    return harm === undefined ? log.commit(batch) : harm(log, batch);
  },
}));

function takeOrder(file: string): string | undefined {
  try {
    const order = readFileSync(file, 'utf8');
    rmSync(file);
    return order;
  } catch {
    return undefined;
  }
}

/** How far a run is, on stderr: a bar in a terminal, a line for each trial elsewhere. */

import cliProgress from 'cli-progress';

export interface Progress {
  /** One more trial has ended. */
  add(text: string): void;
  stop(): void;
}

export function startProgress(total: number): Progress {
  return process.stderr.isTTY ? bar(total) : lines(total);
}

function bar(total: number): Progress {
  const format = '{bar} {value}/{total} trials, {eta_formatted} left | {text}';
  const one = new cliProgress.SingleBar(
    { format, stream: process.stderr, hideCursor: true, etaBuffer: 50 },
    cliProgress.Presets.shades_classic,
  );
  one.start(total, 0, { text: 'the first trial' });
  return { add: (text) => one.increment({ text }), stop: () => one.stop() };
}

function lines(total: number): Progress {
  let count = 0;
  return { add: (text) => process.stderr.write(`${++count}/${total}  ${text}\n`), stop: () => {} };
}

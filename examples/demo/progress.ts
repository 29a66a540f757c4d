/**
 * Progress on stderr: a bar on a terminal, a line a second elsewhere, so that stdout holds the summary alone.
 */

import cliProgress from 'cli-progress';

/** How far a run has come. */
export interface Sample {
  readonly done: number;
  readonly total: number;
  /** What else a person wants to see, such as the rate. */
  readonly note: string;
}

/** Progress that is being shown. */
export interface Progress {
  stop(): void;
}

/** Shows `sample()` again and again until it is stopped. Does not keep the process alive. */
export function showProgress(sample: () => Sample, options: { readonly quiet: boolean }): Progress {
  if (options.quiet) return { stop: () => {} };
  return process.stderr.isTTY ? showBar(sample) : showLines(sample);
}

function showBar(sample: () => Sample): Progress {
  const bar = new cliProgress.SingleBar(
    { format: '{bar} {percentage}%  {note}', stream: process.stderr, clearOnComplete: true },
    cliProgress.Presets.shades_classic,
  );
  const { total, done, note } = sample();
  bar.start(total, done, { note });
  const timer = setInterval(() => {
    const now = sample();
    bar.update(now.done, { note: now.note });
  }, 100).unref();
  return {
    stop() {
      clearInterval(timer);
      bar.stop();
    },
  };
}

function showLines(sample: () => Sample): Progress {
  const timer = setInterval(() => {
    const { done, total, note } = sample();
    process.stderr.write(`${Math.floor((100 * done) / Math.max(total, 1))}%  ${note}\n`);
  }, 1_000).unref();
  return { stop: () => clearInterval(timer) };
}

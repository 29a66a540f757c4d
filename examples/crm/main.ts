/**
 * The demo program. It reads its options, lets one of four runs do the work, prints what came of it and chooses the
 * exit code; `--help` says the rest. The data of a run that went wrong stays, as evidence.
 */

import pc from 'picocolors';
import { RamaxError } from 'ramax';
import { runImport } from '../claims/run-import.js';
import { runReplay } from '../claims/run-replay.js';
import { DataDirectory } from '../demo/data-directory.js';
import { Interruption } from '../demo/interruption.js';
import { type DemoOptions, parseOptions, usage } from '../demo/options.js';
import { messageOf, runProgram } from '../demo/program.js';
import { allHold, type Report, reportText } from '../demo/report.js';
import type { RunContext } from '../demo/run-context.js';
import { runLoad } from './run-load.js';
import { verifyLog } from './verify-log.js';

async function main(args: readonly string[]): Promise<number> {
  const options = parseOptions(args);
  if (options === 'help') {
    process.stdout.write(usage);
    return 0;
  }
  if (options.verifyLog !== undefined && options.directory !== undefined) {
    return verify(options.verifyLog, options.directory, options.shards);
  }
  return run(options);
}

async function run(options: DemoOptions): Promise<number> {
  const interruption = new Interruption();
  const data = await DataDirectory.open(options.directory);
  let isSound = false;
  let isEvidence = false;
  try {
    const context = { options, directory: data.path, signal: interruption.signal };
    const report = await runOf(context);
    process.stdout.write(reportText(report, pc));
    isSound = allHold(report);
    isEvidence = !isSound;
  } catch (error) {
    isEvidence = error instanceof RamaxError;
    throw error;
  } finally {
    const isKept = await data.leave({ keep: options.keep || isEvidence });
    if (isKept) process.stderr.write(`data directory: ${data.path}\n`);
    interruption.dispose();
  }
  if (interruption.exitCode !== undefined) process.stderr.write('interrupted: the figures are partial\n');
  return interruption.exitCode ?? (isSound ? 0 : 1);
}

function runOf(context: RunContext): Promise<Report> {
  const { csv, history } = context.options;
  if (csv === undefined) return runLoad(context);
  return history ? runImport(csv, context) : runReplay(csv, context);
}

async function verify(file: string, directory: string, shards: number | undefined): Promise<number> {
  try {
    const verdict = await verifyLog(file, { directory, shards });
    process.stdout.write(`${JSON.stringify(verdict)}\n`);
    return verdict.ok ? 0 : 1;
  } catch (error) {
    process.stdout.write(`${JSON.stringify({ ok: false, error: messageOf(error) })}\n`);
    return 1;
  }
}

await runProgram(main);

// Kills the demo with SIGKILL at random moments, again and again on one data directory, and holds every acknowledged
// command against what is found after each kill. Needs a build: `npm run build`.
//
//   node test/journey/kill-nine.mjs --times 20 [--seed 1] [--tenants 40] [--longest-ms 1500] [--program FILE]
//
// Prints one line per round and a summary. Exit code 0 when every round held, 1 otherwise; the directory of a run that
// did not hold stays, as evidence.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const { values } = parseArgs({
  options: {
    times: { type: 'string', default: '20' },
    seed: { type: 'string', default: '1' },
    tenants: { type: 'string', default: '40' },
    'longest-ms': { type: 'string', default: '1500' },
    program: {
      type: 'string',
      default: fileURLToPath(new URL('../../dist/examples/crm/main.js', import.meta.url)),
    },
  },
});
const times = Number(values.times);
const longestMs = Number(values['longest-ms']);
const random = randomFrom(Number(values.seed));

const directory = mkdtempSync(join(tmpdir(), 'ramax-kill-nine-'));
const log = join(directory, 'acknowledged.jsonl');
const data = join(directory, 'data');
let acknowledged = 0;
let failures = 0;

for (let round = 1; round <= times; round++) {
  const plan = {
    seed: Math.floor(random() * 2 ** 31),
    shards: 1 + Math.floor(random() * 4),
    inFlight: [1, 16, 256, 2048][Math.floor(random() * 4)],
    // One in five kills comes while the program is starting.
    afterMs: Math.floor(random() < 0.2 ? random() * 500 : 400 + random() * longestMs),
  };
  const end = await runAndKill(plan);
  const verdict = await verify(plan.shards);
  const isSound = end === 'killed' && verdict.ok === true && verdict.acknowledged >= acknowledged;
  if (!isSound) failures++;
  console.log(
    [
      `round ${String(round).padStart(2)}`,
      `seed ${String(plan.seed).padStart(10)}`,
      `${plan.shards} shards`,
      `${String(plan.inFlight).padStart(4)} in flight`,
      `${end} after ${String(plan.afterMs).padStart(4)} ms`,
      `+${verdict.acknowledged - acknowledged} acknowledged`,
      isSound ? `ok (${verdict.events} events)` : `FAILED ${JSON.stringify(verdict)}`,
    ].join('  '),
  );
  acknowledged = verdict.acknowledged ?? acknowledged;
}

console.log(
  `${times} kills, ${acknowledged} commands acknowledged, ${failures === 0 ? 'every one of them there once' : `${failures} rounds FAILED`}`,
);
if (failures === 0) rmSync(directory, { recursive: true });
else console.log(`evidence: ${directory}`);
process.exitCode = failures === 0 ? 0 : 1;

async function runAndKill({ seed, shards, inFlight, afterMs }) {
  const options = ['--quiet', '--directory', data, '--acknowledged-log', log, '--commands', '10000000'];
  const choices = ['--seed', seed, '--shards', shards, '--in-flight', inFlight, '--tenants', values.tenants];
  const demo = spawn(process.execPath, [values.program, ...options, ...choices.map(String)], {
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  const exited = once(demo, 'exit');
  await Promise.race([setTimeout(afterMs), exited]);
  demo.kill('SIGKILL');
  const [code, signal] = await exited;
  return signal === 'SIGKILL' ? 'killed' : `ENDED BY ITSELF (${code ?? signal})`;
}

/** The program's own verdict; a kill that came before the first acknowledgement leaves no log to verify. */
async function verify(shards) {
  const options = ['--verify-log', log, '--directory', data, '--shards', String(shards)];
  const check = spawn(process.execPath, [values.program, ...options], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const exited = once(check, 'exit');
  let output = '';
  for await (const chunk of check.stdout) output += chunk;
  await exited;
  const verdict = JSON.parse(output);
  const isUntouched = verdict.ok === false && /ENOENT/.test(verdict.error ?? '') && acknowledged === 0;
  return isUntouched ? { ok: true, acknowledged: 0, events: 0 } : verdict;
}

/** A small seeded generator of numbers from 0 to 1 (mulberry32). */
function randomFrom(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

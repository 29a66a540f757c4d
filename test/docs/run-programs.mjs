/**
 * Runs programs of the documentation one after the other, each in a directory of its own, and prints how each one went. What
 * a program that fails leaves running does not keep this one.
 */

import { mkdirSync, writeSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

/** Far more than any of them takes, on a machine that is busy with something else, too. */
const programMsMax = 120_000;

const root = dirname(fileURLToPath(import.meta.url));
const checks = await import(pathToFileURL(join(root, 'built/checks.js')).href);
for (const program of JSON.parse(process.argv[2])) {
  const directory = join(root, 'work', program.replaceAll('/', '-'));
  mkdirSync(directory, { recursive: true });
  process.chdir(directory);
  checks.checked.clear();
  const error = await Promise.race([run(program), tooLong()]);
  writeSync(1, `\noutcome ${JSON.stringify({ program, error, checked: [...checks.checked] })}\n`);
}
process.exit(0);

/** Why it failed, or null. */
function run(program) {
  return import(pathToFileURL(join(root, 'built', `${program}.js`)).href).then(
    () => null,
    (thrown) => (thrown instanceof Error ? thrown.stack : String(thrown)),
  );
}

function tooLong() {
  return new Promise((resolve) => setTimeout(() => resolve('it did not end'), programMsMax).unref());
}

/** Watching a key and a query: the newest committed value after each change, and of the own space alone. */

import { check, checkEqual } from '../demo/checks.js';
import { formatCounted } from '../demo/format.js';
import type { Chapter } from '../demo/run-tour.js';
import type { Notes } from './start-notes.js';

const oneByOne = 3;
const changes = 20;

export async function watching({ spaces }: Notes, signal: AbortSignal): Promise<Chapter> {
  const board = await spaces.getOrCreate('tour_board');
  const other = await spaces.getOrCreate('tour_other_board');
  const write = (change: number) => board.execute('write', { id: 'news', text: `change ${change}` });
  const news = board.watch<string>('note:news', { signal });
  const counts = board.watch({ query: 'noteCount' }, { signal });
  const countBefore = (await counts.next()).value;

  // The first value is what is there now: it is awaited, so that the watcher is known to be watching.
  const before = (await news.next()).value;
  await other.execute('write', { id: 'news', text: 'of another space' });
  const seen: (string | undefined)[] = [];
  for (let change = 1; change <= oneByOne; change++) {
    await write(change);
    seen.push((await news.next()).value);
  }
  const written = Promise.all(Array.from({ length: changes }, (_, index) => write(oneByOne + index + 1)));
  const lastText = `change ${oneByOne + changes}`;
  for await (const text of news) {
    seen.push(text);
    if (text === lastText) break;
  }
  await written;
  const countAfter = (await counts.next()).value;
  await counts.return?.();
  const numbers = seen.map((text) => Number(text?.replace('change ', '')));
  return {
    title: 'Watch: what changes comes by itself',
    text: [
      `A watcher gets what is there, then the newest committed value after changes. A note is written ${oneByOne} times, each`,
      `time awaited, and then ${changes} times at once: values in between may be left out, their order is kept, and the last`,
      'one always comes.',
    ],
    rows: [
      { label: 'changes one by one', value: `${oneByOne}, and as many values seen` },
      {
        label: 'changes at once',
        value: `${changes}, and ${formatCounted(seen.length - oneByOne, 'value')} seen`,
      },
    ],
    checks: [
      checkEqual('the first value is what is there: nothing yet', before, undefined),
      checkEqual('what is awaited is seen', seen.slice(0, oneByOne), ['change 1', 'change 2', 'change 3']),
      checkEqual('the last value comes', seen.at(-1), lastText),
      check(
        'values come in their order, none twice, none of another space',
        numbers.every((number, index) => number > (numbers[index - 1] ?? 0)),
        formatCounted(seen.length, 'value'),
      ),
      checkEqual('a watched query is run again when its result changes', [countBefore, countAfter], [0, 1]),
    ],
  };
}

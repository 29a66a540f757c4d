import { formatCount } from '../demo/format.js';
import type { Check } from '../demo/report.js';
import type { Tally } from '../demo/tally.js';

/** The load knows how each command must end; what ended otherwise was decided out of order or on a wrong state. */
export function checkPlan(planned: ReadonlyMap<string, number>, tally: Tally): Check {
  const says = 'commands were accepted and rejected as the load planned';
  const seen = new Map([['accepted', tally.accepted], ...tally.rejectedByReason]);
  const ends = new Set([...planned.keys(), ...seen.keys()]);
  const different = [...ends].filter((end) => (planned.get(end) ?? 0) !== (seen.get(end) ?? 0));
  if (different.length === 0) return { says, holds: true, seen: `${formatCount(tally.rejected)} rejections` };
  const differences = different.map(
    (end) => `${end} ${seen.get(end) ?? 0}, planned ${planned.get(end) ?? 0}`,
  );
  return { says, holds: false, seen: differences.join('; ') };
}

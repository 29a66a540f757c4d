/**
 * Fresh ids: random UUIDs (version 4), as `randomUUID` makes them, at half its cost. Every command has one.
 *
 * Randomness is drawn for many ids at once and written as text beside it; an id is cut out of that. It is a string of its own in one
 * piece: what is put together of pieces, or shares them, lives as long as the longest-lived of them.
 */

import { randomFillSync } from 'node:crypto';
import type { IdSource } from '../core/clock.js';

/** Drawing and writing them takes some 0.03 ms, which no call notices. */
const idsAtOnce = 512;
const bytesPerId = 16;
const unitsPerId = 36;

const random = Buffer.allocUnsafeSlow(idsAtOnce * bytesPerId);
const written = Buffer.alloc(idsAtOnce * unitsPerId, '-');
const digits = Buffer.from('0123456789abcdef');
let next = written.length;

/** See the head of this file. */
export const randomIds: IdSource = {
  newId() {
    if (next === written.length) draw();
    next += unitsPerId;
    return written.toString('latin1', next - unitsPerId, next);
  },
};

function draw(): void {
  randomFillSync(random);
  let unit = 0;
  for (let index = 0; index < random.length; index++) {
    const byte = random[index] ?? 0;
    const place = index % bytesPerId;
    // The dashes are there already.
    if (place === 4 || place === 6 || place === 8 || place === 10) unit++;
    const marked = place === 6 ? (byte & 0x0f) | 0x40 : place === 8 ? (byte & 0x3f) | 0x80 : byte;
    written[unit++] = digits[marked >> 4] ?? 0;
    written[unit++] = digits[marked & 0x0f] ?? 0;
  }
  next = 0;
}

/**
 * A weakened engine for controls: SQLite storage whose log is opened with `synchronous=NORMAL`, which is what SQLite in WAL
 * mode does unless it is told otherwise. No kill shows it; a power cut does.
 */

import Database from 'better-sqlite3';
import { sound } from './sound.js';

const weakened = new WeakSet<Database.Database>();
const { pragma } = Database.prototype;

function weakPragma(this: Database.Database, source: string, options?: Database.PragmaOptions): unknown {
  if (/\bsynchronous = FULL$/.test(source)) {
    weakened.add(this);
    return pragma.call(this, source.replace('FULL', 'NORMAL'), options);
  }
  if (/\bsynchronous$/.test(source) && weakened.has(this)) return 2;
  return pragma.call(this, source, options);
}

export const adapter: typeof sound = {
  ...sound,
  openLog(ref, platform, options) {
    Database.prototype.pragma = weakPragma as typeof pragma;
    return sound.openLog(ref, platform, options);
  },
};

/**
 * A weakened engine for controls: SQLite storage whose writer answers when a batch is in its transaction, and commits once
 * in a while. Whoever kills it loses what was acknowledged.
 */

import Database from 'better-sqlite3';
import { replaced, sound } from './sound.js';

const commitOneIn = 60;
/** Said before each batch: whether its COMMIT is to commit. */
let isDue = true;

/** Transactions of this thread run on into one another from here on, unless they are due. */
function weaken(): void {
  const { prepare } = Database.prototype;
  function weakened(this: Database.Database, sql: string): Database.Statement {
    const statement = prepare.call(this, sql) as Database.Statement;
    if (sql === 'BEGIN IMMEDIATE') return only(statement, () => !this.inTransaction);
    if (sql === 'COMMIT') return only(statement, () => isDue);
    return statement;
  }
  Database.prototype.prepare = weakened as typeof prepare;
}

/** The statement, run only when `isAllowed`. */
function only(statement: Database.Statement, isAllowed: () => boolean): Database.Statement {
  const run = statement.run.bind(statement);
  const nothing = { changes: 0, lastInsertRowid: 0 };
  return Object.assign(statement, { run: () => (isAllowed() ? run() : nothing) });
}

export const adapter: typeof sound = {
  ...sound,
  async openLog(ref, platform, options) {
    weaken();
    const log = await sound.openLog(ref, platform, options);
    let batches = 0;
    const commit: typeof log.commit = (batch) => {
      isDue = batch.some(({ kind }) => kind !== 'append') || ++batches % commitOneIn === 0;
      return log.commit(batch);
    };
    return replaced(log, { commit });
  },
};

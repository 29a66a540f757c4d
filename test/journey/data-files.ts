import Database from 'better-sqlite3';
import { logFile, partitionFiles } from './runtime-bed.js';

/** The rows of one space in every table of a closed data directory. */
export interface RowCounts {
  readonly spaces: number;
  readonly space_sequences: number;
  readonly events: number;
  readonly commands: number;
  readonly pstate_entities: number;
  readonly projection_checkpoints: number;
}

/** Counts the rows of a space in all files; to be called while no runtime has them. */
export function rowsOf(directory: string, spaceId: number): RowCounts {
  const log = [logFile(directory)];
  const partitions = partitionFiles(directory);
  return {
    spaces: count(log, 'spaces', spaceId),
    space_sequences: count(log, 'space_sequences', spaceId),
    events: count(log, 'events', spaceId),
    commands: count(log, 'commands', spaceId),
    pstate_entities: count(partitions, 'pstate_entities', spaceId),
    projection_checkpoints: count(partitions, 'projection_checkpoints', spaceId),
  };
}

/** No row anywhere. */
export const noRows: RowCounts = {
  spaces: 0,
  space_sequences: 0,
  events: 0,
  commands: 0,
  pstate_entities: 0,
  projection_checkpoints: 0,
};

function count(files: readonly string[], table: string, spaceId: number): number {
  return files.reduce((sum, file) => {
    const database = new Database(file, { readonly: true });
    try {
      const rows = database.prepare(`SELECT count(*) FROM ${table} WHERE space_id = ?`).pluck().get(spaceId);
      return sum + Number(rows);
    } finally {
      database.close();
    }
  }, 0);
}

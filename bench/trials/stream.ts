/** W5: all events of the log, in order; the yardstick goes over the rows of a prepared statement and decodes them. */

import type { StreamConfiguration } from '../configuration.js';
import type { Contact } from '../contact-load.js';
import { byHandFile } from '../subjects/by-hand.js';
import { EventTable } from '../subjects/event-table.js';
import { startRamax } from '../subjects/ramax.js';
import type { TrialSpec } from '../trial-spec.js';
import type { Finding } from './finding.js';
import { repeat } from './repeat.js';

export async function measureStream(spec: TrialSpec, asked: StreamConfiguration): Promise<Finding> {
  const options = { warmUps: 1, timesMin: 1, bound: spec.measured };
  const checked = (events: number): number => {
    if (events === asked.history) return events;
    throw new Error(`the stream had ${events} events and not ${asked.history}`);
  };
  if (asked.subject === 'by hand') {
    const table = new EventTable(byHandFile(spec.directory));
    const figures = await repeat(() => checked(iterateRows(table)), options);
    table.close();
    return { figures };
  }
  const ramax = await startRamax(spec);
  const stream = async (): Promise<number> => {
    let events = 0;
    for await (const { payload } of ramax.streamAllEvents()) if (payload !== null) events++;
    return checked(events);
  };
  try {
    return { figures: await repeat(stream, options) };
  } finally {
    await ramax.close();
  }
}

interface Row {
  readonly payload: string;
}

/** Each event becomes one object with its payload decoded, as a reader would want it. */
function iterateRows({ connection }: EventTable): number {
  const rows = connection.prepare<[], Row>('SELECT * FROM events ORDER BY event_id');
  let events = 0;
  for (const row of rows.iterate()) {
    const event = { ...row, payload: JSON.parse(row.payload) as Contact };
    if (event.payload !== null) events++;
  }
  return events;
}

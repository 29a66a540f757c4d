import { Ramax, RamaxError } from 'ramax';
import { sqlite } from 'ramax/storage/sqlite';
import type counter from './counter.app.js';

await using ramax = await Ramax.start<typeof counter>({
  app: new URL('./counter.app.js', import.meta.url),
  storage: sqlite({ directory: './data' }),
});
const acme = await ramax.spaces.getOrCreate('acme');
const { eventIds, spaceSequence } = await acme.execute('add', { by: 2 }); // on disk when it resolves
console.log(`event ${eventIds[0]}, sequence ${spaceSequence}, total ${await acme.query('total')}`);

const answer = await acme.execute('add', { by: 1_000 }).catch((error: RamaxError) => error);
if (answer instanceof RamaxError) console.log(answer.code, answer.reason, answer.details);

for await (const event of acme.streamEvents()) console.log(event.spaceSequence, event.type, event.payload);

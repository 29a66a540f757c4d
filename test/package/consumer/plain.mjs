// A consumer in plain JavaScript, where `await using` is a syntax error on Node 20 and 22.
import { strictEqual } from 'node:assert';
import { Ramax } from 'ramax';
import { memory } from 'ramax/storage/memory';

const ramax = await Ramax.start({
  app: new URL('./crm.app.js', import.meta.url),
  storage: memory(),
});
try {
  const acme = await ramax.spaces.getOrCreate('crm_acme');
  await acme.execute('addContact', { id: 'c1', name: 'John', email: 'j@acme.com' });
  strictEqual((await acme.query('contacts')).length, 1);
} finally {
  await ramax.close();
}
console.log('plain consumer: done');

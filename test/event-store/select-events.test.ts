import { MemoryLog } from '../../src/event-store/memory/memory-log.js';
import { MemoryLogReader } from '../../src/event-store/memory/memory-log-reader.js';
import { MemoryLogStore } from '../../src/event-store/memory/memory-log-store.js';
import { describeSelectEvents } from './select-events.contract.js';
import { createSqliteFixture } from './sqlite-fixture.js';

describeSelectEvents('the memory adapter', async (platform) => {
  const log = new MemoryLog(platform.ids.newId());
  return {
    open: async () => new MemoryLogStore(log, platform.clock),
    openReader: async () => new MemoryLogReader(log),
    dispose: async () => {},
  };
});

describeSelectEvents('the SQLite adapter', createSqliteFixture);

import { MemoryLog } from '../../src/event-store/memory/memory-log.js';
import { MemoryLogReader } from '../../src/event-store/memory/memory-log-reader.js';
import { MemoryLogStore } from '../../src/event-store/memory/memory-log-store.js';
import { describeDrafts } from './drafts.contract.js';
import type { LogFixtureFactory } from './log-fixture.js';
import { describeLogStore } from './log-store.contract.js';
import { describeLogStoreModel } from './log-store.model.js';

const createFixture: LogFixtureFactory = async (platform) => {
  const log = new MemoryLog(platform.ids.newId());
  return {
    open: async () => new MemoryLogStore(log, platform.clock),
    openReader: async () => new MemoryLogReader(log),
    dispose: async () => {},
  };
};

describeLogStore('the memory adapter', createFixture);
describeLogStoreModel('the memory adapter', createFixture);
describeDrafts('the memory adapter', createFixture);

import { describe, it } from 'vitest';
import { type MemoryMedium, MemoryStore } from '../../../src/host/memory-store.ts';
import { eventStoreContract } from '../../contract/event-store.contract.ts';

describe('Store in memory: the contract of every store', () => {
  for (const { name, run } of eventStoreContract) {
    it(name, async () => {
      const medium: MemoryMedium = { events: [] };
      await run({ open: async () => new MemoryStore(medium) });
    });
  }
});

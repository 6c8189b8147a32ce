import type { NodeConfig } from '../../../src/core/node/config.ts';
import { createMucNode } from '../../../src/core/node/muc-node.ts';
import { LevelStore, nodeDirectory } from '../../../src/headless/level-store.ts';

/** What the log of a node that has ended says was said: the identity of each message, in order, with all that users see of it. */
export async function historyOf(directory: string, config: NodeConfig) {
  const store = await LevelStore.open(nodeDirectory(directory, config.address));
  try {
    const { snapshot, events, damage } = await store.load();
    if (damage !== undefined) throw new Error(damage);
    const node = createMucNode(config);
    if (snapshot !== undefined) node.restore(snapshot);
    for (const event of events) node.apply(event);
    // Only the primary knows the authors' addresses.
    return node.snapshot().rooms.flatMap(({ history }) => history.map(({ author: _, ...item }) => item));
  } finally {
    await store.close();
  }
}

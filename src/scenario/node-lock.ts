/** Web Lock that the worker of a node holds for its life: two pages of one browser never run the same node. */
export function nodeLock(scenario: string, address: string): string {
  return `netsplit:node:${scenario}:${address}`;
}

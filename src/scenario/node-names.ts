/** How a browser names what belongs to one node of an instance of a network; the instance without a name is everybody's. */
export interface NodeOf {
  readonly scenario: string;
  readonly instance: string;
  readonly address: string;
}

/** Web Lock that the worker of a node holds for its life: two pages of one browser never run the same node. */
export function nodeLock({ address, ...network }: NodeOf): string {
  return `netsplit:node:${networkOf(network)}:${address}`;
}

/** Its database. */
export function nodeDatabase({ address, ...network }: NodeOf): string {
  return `${databasesOf(network)}${address}`;
}

/** What the names of the databases of all nodes of a network begin with. */
export function databasesOf(network: Omit<NodeOf, 'address'>): string {
  return `netsplit:${networkOf(network)}:`;
}

function networkOf({ scenario, instance }: Omit<NodeOf, 'address'>): string {
  return instance === '' ? scenario : `${scenario}/${instance}`;
}

/** The BroadcastChannel on which a page has all connections of its browser try again at once. */
export const retryChannel = 'netsplit-retry';

/** The server whose node this one joins, in a tree in which so many join each, level by level. */
export function parentOf(server: number, fanOut: number): number {
  return Math.floor((server - 1) / fanOut);
}

/** The ways in a tree of nodes, by server: all that the formulas ask of it, in time that grows as the number of servers. */
export interface Tree {
  /** Links from the root. */
  readonly depth: readonly number[];
  /** How many nodes a node is linked with. */
  readonly degree: readonly number[];
  /** Links to all others, added up. */
  readonly distances: readonly number[];
  /** Links to the farthest other. */
  readonly farthest: readonly number[];
}

export function treeOf(servers: number, fanOut: number): Tree {
  const all = Array.from({ length: servers }, (_, server) => server);
  const parent = all.map((server) => (server === 0 ? 0 : parentOf(server, fanOut)));
  const zeros = () => all.map(() => 0);
  const at = (list: readonly number[], server: number) => list[server] as number;
  const [depth, degree, size, distances, farthest] = [zeros(), zeros(), zeros(), zeros(), zeros()];
  // Of each node: the farthest below it, and the farthest by another of those that joined it.
  const [deepest, second] = [zeros(), zeros()];
  for (const server of all.slice(1)) {
    const up = at(parent, server);
    depth[server] = at(depth, up) + 1;
    degree[server] = at(degree, server) + 1;
    degree[up] = at(degree, up) + 1;
  }
  for (const server of [...all].reverse()) {
    size[server] = at(size, server) + 1;
    if (server === 0) continue;
    const up = at(parent, server);
    size[up] = at(size, up) + at(size, server);
    const below = at(deepest, server) + 1;
    if (below > at(deepest, up)) [deepest[up], second[up]] = [below, at(deepest, up)];
    else second[up] = Math.max(at(second, up), below);
  }
  distances[0] = depth.reduce((sum, one) => sum + one, 0);
  farthest[0] = at(deepest, 0);
  // Above a node: the farthest that is not below it.
  const above = zeros();
  for (const server of all.slice(1)) {
    const up = at(parent, server);
    // One step down: those below come nearer by one, all others go away by one.
    distances[server] = at(distances, up) + servers - 2 * at(size, server);
    const beside = at(deepest, server) + 1 === at(deepest, up) ? at(second, up) : at(deepest, up);
    above[server] = 1 + Math.max(at(above, up), beside);
    farthest[server] = Math.max(at(above, server), at(deepest, server));
  }
  return { depth, degree, distances, farthest };
}

import { createServer } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { describe, expect, it } from 'vitest';
import { guardSockets, HalfOpen } from '../../../src/headless/half-open.ts';

describe('sockets of those who have not said what they want', () => {
  it('of one address are so many; then the oldest goes, and other addresses are not touched', () => {
    const gone: string[] = [];
    const halfOpen = new HalfOpen(3);
    const add = (name: string, address = 'a') => halfOpen.add(address, () => gone.push(name));
    add('b1', 'b');
    const done = add('a1');
    for (const name of ['a2', 'a3']) add(name);
    done();
    add('a4');
    expect(gone).toEqual([]);
    add('a5');
    add('a6');
    expect(gone).toEqual(['a2', 'a3']);
  });

  it('are closed when there are too many, and one that asks is answered all the same', async () => {
    const server = createServer((_, response) => response.end('here'));
    const unguard = guardSockets(server, 20);
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;
    let closed = 0;
    const silent = Array.from({ length: 60 }, () => {
      const socket = connect(port, '127.0.0.1');
      socket.on('error', () => undefined);
      socket.on('close', () => closed++);
      return socket;
    });
    await expect.poll(() => closed, { timeout: 10_000 }).toBe(40);
    expect(await (await fetch(`http://127.0.0.1:${port}/`)).text()).toBe('here');
    for (const socket of silent) socket.destroy();
    unguard();
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });
});

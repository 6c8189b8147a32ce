import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, expect, it } from 'vitest';
import { hostPage } from '../../../src/headless/page-host.ts';

/** What the policy of an answer says of the pages that may embed it. */
async function ancestorsOf(path: string, frameAncestors: readonly string[]): Promise<string | undefined> {
  const server = createServer((request, response) => hosted.handle(request, response, () => response.end('the page')));
  const hosted = hostPage(server, { token: 'a0', frameAncestors }, { isBuilt: true });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  try {
    const { port } = server.address() as AddressInfo;
    const { headers } = await fetch(`http://127.0.0.1:${port}${path}`);
    const policy = headers.get('content-security-policy') ?? '';
    return policy.split('; ').find((rule) => rule.startsWith('frame-ancestors'));
  } finally {
    server.closeAllConnections();
    server.close();
  }
}

describe('which pages may embed the page of npm start', () => {
  const notes = ['https://notes.example.org', 'http://localhost:8000'];

  it('those of its own server', async () => {
    expect(await ancestorsOf('/?embed=1', [])).toBe("frame-ancestors 'self'");
  });

  it('those of the sites that --frame-ancestors names, as long as it is embedded', async () => {
    const all = "frame-ancestors 'self' https://notes.example.org http://localhost:8000";
    expect(await ancestorsOf('/?embed=1', notes)).toBe(all);
    expect(await ancestorsOf('/?scenario=coven&embed=1&keys=0', notes)).toBe(all);
  });

  it('not the whole page, where a click can do more', async () => {
    for (const path of ['/', '/?embed=0', '/?embed=10', '/?scenario=embed=1', '//?x', '/netsplit.json'])
      expect(await ancestorsOf(path, notes), path).toBe("frame-ancestors 'self'");
  });
});

import { gzipSync } from 'node:zlib';
import { cast, expect, test, wallopsNodes } from './support/netsplit.ts';

test.describe('Start', () => {
  test('progress node by node, then all seven in the room; the time it takes is noted', async ({ room }, info) => {
    // The list is gone as soon as all is well: what it said is kept from the first moment on.
    await room.page.addInitScript(() => {
      const seen: string[] = [];
      Object.assign(window, { progressSeen: seen });
      new MutationObserver(() => {
        for (const item of document.querySelectorAll<HTMLElement>('[data-progress-node]')) {
          const line = `${item.dataset.progressNode} ${item.dataset.phase}`;
          if (seen.at(-1) !== line && !seen.includes(line)) seen.push(line);
        }
      }).observe(document, { subtree: true, childList: true, attributes: true });
    });
    const began = performance.now();
    await room.page.goto(room.address());
    await expect(room.page.locator('[data-occupant][data-phase=joined]')).toHaveCount(7, { timeout: 45_000 });
    const joinedMs = Math.round(performance.now() - began);
    await room.ready();
    const quietMs = Math.round(performance.now() - began);
    const figure = `all seven joined after ${joinedMs} ms, quiet after ${quietMs} ms`;
    info.annotations.push({ type: 'measured', description: figure });
    console.log(figure);
    // Noted and not judged: it says more of the machine than of the page.

    const seen = await room.page.evaluate(() => (window as unknown as { progressSeen: string[] }).progressSeen);
    for (const node of wallopsNodes) {
      const phases = seen.filter((line) => line.startsWith(`${node} `)).map((line) => line.split(' ')[1]);
      expect(phases.length, `${node}: ${phases}`).toBeGreaterThan(1);
      expect(['waiting', 'restoring', 'connecting', 'logged-in', 'bound', 'ready']).toEqual(
        expect.arrayContaining(phases),
      );
    }
    await expect(room.testId('startup')).toHaveCount(0);
    await expect(room.testId('mode-badge')).toHaveText('Live');
    await expect(room.testId('model-badge')).toHaveText('XEP-0282');
    await expect(room.page.evaluate(() => window.lab.step())).rejects.toThrow(/live session/);
    await expect(room.page.evaluate(() => window.lab.seek({ t: 0 }))).rejects.toThrow(/live session/);
  });

  test('150 kB of script at first, gzipped; nothing is asked of another origin', async ({ room, baseURL }) => {
    const urls: string[] = [];
    const scripts: Promise<number>[] = [];
    const sockets: string[] = [];
    room.page.on('request', (request) => urls.push(request.url()));
    room.page.on('websocket', (socket) => sockets.push(socket.url()));
    room.page.on('response', (response) => {
      const page = response.request().frame().url() === room.page.url() && !response.url().includes('worker');
      if (page && response.headers()['content-type']?.includes('javascript'))
        scripts.push(response.body().then((body) => gzipSync(body).length));
    });
    await room.open();
    await room.say(cast.WiZ, 'nothing leaves');
    const sizes = await Promise.all(scripts);
    expect(sizes.length).toBeGreaterThan(0);
    const total = sizes.reduce((sum, size) => sum + size, 0);
    console.log(`script at first: ${(total / 1000).toFixed(1)} kB gzipped`);
    expect(total).toBeLessThanOrEqual(150_000);
    const { host } = new URL(baseURL ?? '');
    expect(urls.length).toBeGreaterThan(4);
    expect([...urls, ...sockets].filter((url) => new URL(url).host !== host && !/^(data|blob):/.test(url))).toEqual([]);
    expect(sockets.length).toBeGreaterThanOrEqual(12);
  });

  test('a scenario that nobody knows: the page names it, and those there are', { tag: '@long' }, async ({
    room,
    troubles,
  }) => {
    troubles.allow(/404 \(Not Found\)/);
    await room.page.goto(room.address('atlantis'));
    const message = room.testId('fatal');
    await expect(message.getByRole('alert')).toHaveText(/atlantis.*wallops.*wonderland.*plain|atlantis.*plain/);
    for (const known of ['wallops', 'growing', 'frozen', 'local', 'wonderland', 'plain'])
      await expect(message).toContainText(known);
    await expect(room.phase).toHaveAttribute('data-phase', 'failed');
    await message.getByRole('link', { name: 'Open the first scenario' }).click();
    await room.ready();
    await expect(room.testId('model-badge')).toHaveText('XEP-0282');
  });
});

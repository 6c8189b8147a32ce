import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

/**
 * A page of another site that has Netsplit in a frame, below a long way to scroll. It keeps the keys that reach it, and what the frame
 * tells it.
 *
 * @param frame  the HTML that it has in it
 */
export async function serveParent(frame: string): Promise<{ readonly url: string; close(): Promise<void> }> {
  const body = `<!doctype html><html lang="en"><title>Lecture</title>
<style>iframe { display: block } .far { height: 5000px }</style>
<label>Notes <input id="notes" value="of the lecture"></label>
${frame}
<p class="far">A long way down</p>
<script>
  window.keys = [];
  window.told = [];
  addEventListener('keydown', ({ key }) => keys.push(key));
  addEventListener('message', ({ data, origin }) => told.push({ ...data, origin }));
</script></html>`;
  const server = createServer((_, response) => {
    response.writeHead(200, { 'Content-Type': 'text/html; charset=utf-8' });
    response.end(body);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    // Not 127.0.0.1, where the tests’ pages are: another site, so that the browser keeps both apart.
    url: `http://localhost:${(server.address() as AddressInfo).port}/`,
    close: () =>
      new Promise((resolve) => {
        server.closeAllConnections();
        server.close(() => resolve());
      }),
  };
}

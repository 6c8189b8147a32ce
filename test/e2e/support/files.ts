import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { extname } from 'node:path';
import { root } from '../../../src/headless/install.mjs';

const types: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript',
  '.css': 'text/css',
  '.svg': 'image/svg+xml',
  '.map': 'application/json',
};

/**
 * The files of `npm run build` on a web server that knows nothing of Netsplit, in a folder of it.
 *
 * @param directory  where they are
 */
export async function serveFiles(directory = `${root}dist`): Promise<{ readonly url: string; close(): Promise<void> }> {
  const folder = '/some/folder/';
  const server = createServer(async (request, response) => {
    const { pathname } = new URL(request.url ?? '', 'http://localhost');
    const name = pathname === folder ? 'index.html' : pathname.slice(folder.length);
    const body = pathname.startsWith(folder)
      ? await readFile(`${directory}/${name}`).catch(() => undefined)
      : undefined;
    const type = types[extname(name)] ?? 'text/plain';
    response.writeHead(body ? 200 : 404, { 'Content-Type': body ? type : 'text/html' });
    response.end(body ?? '<!doctype html><title>404</title>');
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}${folder}`,
    close: () =>
      new Promise((resolve) => {
        server.closeAllConnections();
        server.close(() => resolve());
      }),
  };
}

import { readdirSync, readFileSync, statSync } from 'node:fs';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { extname } from 'node:path';

const types: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.json': 'application/json; charset=utf-8',
  '.svg': 'image/svg+xml',
};

/** Beside the page in dist/, and no part of it: what is for Node (node-package.mjs, testing-package.mjs). */
const notOfThePage = /^(?:node|testing)\//;

/**
 * Answers with the files of the built page. They are listed once, so no address leads out of the folder.
 *
 * @throws Error that says what to do if there is no page
 */
export function serveFiles(folder: string): (request: IncomingMessage, response: ServerResponse) => void {
  const files = new Map(listOf(folder).map((name) => [`/${name}`, folder + name]));
  const index = files.get('/index.html');
  if (index === undefined) throw new Error(`there is no page in ${folder}: npm run build makes one`);
  files.set('/', index);
  return (request, response) => {
    const file = files.get(new URL(request.url ?? '/', 'http://localhost').pathname);
    if (file === undefined) {
      response.writeHead(404, { 'Content-Type': 'text/plain; charset=utf-8' });
      response.end('there is no such file\n');
      return;
    }
    // What is in assets/ has a hash of its text in its name. Four workers run the same one.
    const cache = file.includes('/assets/') ? 'public, max-age=31536000, immutable' : 'no-cache';
    const type = types[extname(file)] ?? 'application/octet-stream';
    response.writeHead(200, { 'Content-Type': type, 'Cache-Control': cache });
    response.end(readFileSync(file));
  };
}

function listOf(folder: string): string[] {
  try {
    return readdirSync(folder, { recursive: true, encoding: 'utf8' })
      .filter((name) => statSync(folder + name).isFile())
      .map((name) => name.replaceAll('\\', '/'))
      .filter((name) => !notOfThePage.test(name));
  } catch {
    return [];
  }
}

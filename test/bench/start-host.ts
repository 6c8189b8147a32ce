/** The built page and the embedded server, as `npm start` has them; says when somebody asks for the page, and when all are in. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { TraceRecord } from '../../src/core/node/trace.ts';
import { serveFiles } from '../../src/headless/built-page.ts';
import { hostPage } from '../../src/headless/page-host.ts';

const [directory = '', id] = process.argv.slice(2);
const files = serveFiles(directory);
let askedAt: number | undefined;
const http = createServer((request, response) => {
  if (request.url?.startsWith('/?')) askedAt ??= performance.now();
  hosted.handle(request, response, () => files(request, response));
});
const hosted = hostPage(http, {}, { isBuilt: true });
const live = hosted.live.networks.find(({ scenario }) => scenario.id === id);
if (live === undefined) throw new Error(`no scenario ${id}`);
const outside = new Set(live.scenario.occupants.map(({ jid }) => jid));
live.network.trace.subscribe({
  ready: () => true,
  batch: (json) => {
    // XEP-0045 §7.2.2: with 110 the room says that they are in.
    for (const record of JSON.parse(json) as TraceRecord[])
      if (record.kind === 'hop' && record.leg === 'out' && /<status code=["']110["']/.test(record.stanza.xml))
        if (outside.delete(record.to) && outside.size === 0)
          console.log(`joined ${performance.now() - (askedAt ?? Number.NaN)}`);
  },
});
http.listen(0, '127.0.0.1', () => {
  console.log(`ready http://127.0.0.1:${(http.address() as AddressInfo).port}`);
});

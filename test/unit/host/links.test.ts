import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { jid } from '../../../src/core/xmpp/jid.ts';
import { LocalLink } from '../../../src/headless/local-link.ts';
import { nodeServerHost } from '../../../src/headless/node-host.ts';
import { attachWebSocketHost, websocketPath } from '../../../src/headless/websocket-host.ts';
import type { LinkHost } from '../../../src/host/reconnecting-link.ts';
import { Network } from '../../../src/server/network.ts';
import { browserHost, XmppLink } from '../../../src/worker/xmpp-link.ts';
import { type LinkHarness, stanzaLinkContract } from '../../contract/stanza-link.contract.ts';
import { cast } from '../../support/server.ts';
import { withWebSocket } from '../../support/websocket.ts';

withWebSocket();

/** No test waits for a back-off. */
const impatient: LinkHost = {
  ...browserHost,
  setTimer: (afterMs, fn) => browserHost.setTimer(afterMs < 1_000 ? 0 : afterMs, fn),
};

stanzaLinkContract('Link over WebSocket (@xmpp/client)', async (): Promise<LinkHarness> => {
  const host = nodeServerHost();
  const network = new Network(cast, host);
  const http = createServer();
  const detach = attachWebSocketHost(http, { host, find: () => network });
  await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve));
  const service = `ws://127.0.0.1:${(http.address() as AddressInfo).port}${websocketPath}`;
  return {
    network,
    link: (account) => new XmppLink({ service, account, password: 'pw', host: impatient }),
    close: () =>
      new Promise((resolve) => {
        detach();
        http.closeAllConnections();
        http.close(() => resolve());
      }),
  };
});

stanzaLinkContract('Link inside one process', async (): Promise<LinkHarness> => {
  const network = new Network(cast, nodeServerHost());
  return {
    network,
    link: (of) =>
      new LocalLink({
        network,
        account: jid(of.kind === 'service' ? of.domain : of.jid),
        bind: [jid(of.kind === 'service' ? of.domain : of.room)],
      }),
    close: () => Promise.resolve(),
  };
});

import type { IncomingMessage, Server } from 'node:http';
import type { Plugin } from 'vite';
import { hostPage, type NetsplitOptions } from './page-host.ts';

/** The embedded XMPP server on the page's own port, in development and preview (page-host.ts). */
export function netsplit(options: NetsplitOptions = {}): Plugin {
  return {
    name: 'netsplit',
    configureServer({ httpServer, config, middlewares }) {
      if (!isHttp1(httpServer)) return;
      const served = { names: servedNames(config.server), isTaken: isOfVite, isBuilt: false };
      middlewares.use(hostPage(httpServer, options, served).handle);
    },
    configurePreviewServer({ httpServer, config, middlewares }) {
      if (!isHttp1(httpServer)) return;
      middlewares.use(hostPage(httpServer, options, { names: servedNames(config.preview), isBuilt: true }).handle);
    },
  };
}

/** Its own WebSocket reloads the page when the sources have changed. */
function isOfVite({ url = '', headers }: IncomingMessage): boolean {
  return url.split('?')[0] === '/' && /^vite-(?:hmr|ping)$/.test(headers['sec-websocket-protocol'] ?? '');
}

function isHttp1(server: unknown): server is Server {
  return typeof server === 'object' && server !== null && 'on' in server;
}

/** Hosts beside the loopback names: an address to listen on, and what Vite's own check allows. */
function servedNames(options: { readonly host?: string | boolean; readonly allowedHosts?: string[] | true }): string[] {
  const host = typeof options.host === 'string' ? [options.host] : [];
  return [...host, ...(Array.isArray(options.allowedHosts) ? options.allowedHosts : [])].map((name) =>
    name.toLowerCase(),
  );
}

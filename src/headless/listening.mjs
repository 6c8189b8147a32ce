// Where `start` listens, with Vite in the project's folder and without it in the package.
import { connect, createServer as createTcpServer } from 'node:net';
import { called } from './called.mjs';

/**
 * Prints the addresses of a page that is served, the operator's token with it.
 *
 * @param {{ port: number, host: string | undefined, publicUrl: string | undefined, token: string, components?: readonly import('./gateway.ts').GatewayPlace[] }} where
 */
export function announce({ port, host, publicUrl, token, components = [] }) {
  const services = components.map(
    (at) => `  component  ${at.service} on ${at.host}:${at.port}, while the page runs it\n`,
  );
  const at = `localhost:${port}`;
  if (host !== undefined && !/^(localhost|127\.|::1$)/.test(host)) {
    console.warn(
      `Warning: listening on ${host}. Everyone who can reach this address may join, and nothing is encrypted. Browsers\n` +
        'on other machines need HTTPS in front of it, since a worker has no cryptography without it.',
    );
  }
  console.log(`
  page       ${publicUrl === undefined ? `http://${at}` : new URL(publicUrl).origin}/#token=${token}
  WebSocket  ws://${at}/xmpp-websocket   (for your own XMPP client, RFC 7395)

${services.join('')}
  The page at this very address runs the rooms. Without the token it takes part as a guest.
  Ctrl-C stops.`);
}

/** @param {number} port @param {string} reason  of the system, such as EADDRINUSE or EACCES */
export function portTrouble(port, reason) {
  if (/EADDRINUSE|already in use/i.test(reason))
    return `Port ${port} is in use: choose another with "${called('start')} --port ${port < 65535 ? port + 1 : 5173}", or stop what listens there.`;
  if (/EACCES/.test(reason))
    return `Port ${port} needs privileges: choose one above 1023 with "${called('start')} --port ${port + 8000}".`;
  return reason;
}

/**
 * @param {number} port
 * @param {string} host
 * @returns {Promise<string | undefined>} what stands against listening there
 */
export async function whyNotListen(port, host) {
  const refused = await new Promise((resolve) => {
    const probe = createTcpServer();
    probe.once('error', (/** @type {NodeJS.ErrnoException} */ error) => resolve(error.code ?? error.message));
    probe.listen(port, host, () => probe.close(() => resolve(undefined)));
  });
  if (typeof refused === 'string') return portTrouble(port, refused);
  // A browser tries ::1 first for "localhost": whoever listens there would get our visitors.
  const other = await new Promise((resolve) => {
    const socket = connect({ port, host: '::1', timeout: 500 });
    const done = (/** @type {boolean} */ taken) => {
      socket.destroy();
      resolve(taken);
    };
    socket.once('connect', () => done(true));
    socket.once('error', () => done(false));
    socket.once('timeout', () => done(false));
  });
  return other ? portTrouble(port, 'EADDRINUSE') : undefined;
}

import { called, isInstalled } from './called.mjs';
import { rateHelp, rateUsage, readRates } from './rates.mjs';

/**
 * @typedef {object} PageOptions
 * @property {number} port  0 lets the system choose
 * @property {string | undefined} host  undefined: this machine only
 * @property {string | undefined} publicUrl  where a proxy in front of it is
 * @property {string | undefined} scenario  name of a built-in scenario, or a file
 * @property {import('./gateway-arguments.ts').GatewayFlags} [gateway]  the real servers of which services are components
 * @property {readonly string[]} [frameAncestors]  origins whose pages may embed this one, besides its own
 * @property {import('./rates.mjs').GivenBudgets} [budgets]
 */

export const defaultPort = 5173;
/** The one that the page opens with. */
export const defaultScenario = 'wallops';

/** Ends a command. @param {number} status @param {string} line @returns {never} */
export function stopWith(status, line) {
  console.error(line);
  process.exit(status);
}

/**
 * Says in one line why `parseArgs` refused its arguments. Its own message spans several lines; the first sentence says what
 * is wrong, the rest is advice.
 *
 * @param {unknown} error
 */
export function badArgument(error) {
  const [sentence = ''] = String(/** @type {Error} */ (error).message).split(/\.\s|\n/);
  return `${sentence.replace(/\.$/, '')} (--help lists the flags)`;
}

/**
 * What `npm start`, `npm run dev` and `npm run preview` are told (settings.mjs).
 *
 * @param {import('./settings.mjs').Values} values
 * @param {Readonly<Record<string, string | undefined>>} env  PORT is read
 * @returns {PageOptions | { error: string }}
 */
export function pageOptions(values, env) {
  const text = String(values['port'] ?? (env['PORT'] || defaultPort));
  const port = /^\d{1,5}$/.test(text) ? Number(text) : Number.NaN;
  if (!(port <= 65535)) return { error: `PORT: ${JSON.stringify(text)} is not a port (0 to 65535)` };
  const { host, scenario, 'public-url': publicUrl } = /** @type {Record<string, string | undefined>} */ (values);
  const wrong = publicUrl === undefined ? undefined : badPublicUrl(publicUrl);
  if (wrong !== undefined) return { error: wrong };
  const frames = readFrameAncestors(/** @type {readonly string[] | undefined} */ (values['frame-ancestors']));
  if ('error' in frames) return { error: frames.error };
  const budgets = readRates(values);
  const { server: servers = [], 'secret-file': secretFiles = [] } =
    /** @type {Record<string, readonly string[] | undefined>} */ (values);
  if (servers.length === 0 && secretFiles.length > 0)
    return { error: '--secret-file: --server HOST:PORT is needed, too' };
  return {
    ...{ port, host, publicUrl, scenario },
    ...(Object.keys(budgets).length === 0 ? {} : { budgets }),
    ...(frames.origins.length === 0 ? {} : { frameAncestors: frames.origins }),
    ...(servers.length === 0 ? {} : { gateway: { servers, secretFiles } }),
  };
}

/** @param {readonly string[] | undefined} lists @returns {{ origins: readonly string[] } | { error: string }} */
function readFrameAncestors(lists) {
  const given = lists?.flatMap((list) => list.split(',')) ?? [];
  const wrong = given.find((one) => originOf(one) === undefined);
  if (wrong !== undefined)
    return {
      error: `--frame-ancestors: ${JSON.stringify(wrong)} is not the address of a web site, such as https://notes.example.org`,
    };
  return { origins: given.map((one) => originOf(one) ?? '') };
}

/** @param {string} text  an address without a path @returns {string | undefined} undefined: it is none */
function originOf(text) {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  const isOne =
    url !== undefined &&
    /^https?:$/.test(url.protocol) &&
    /^\/?$/.test(url.pathname + url.search + url.hash) &&
    // What else a host may be to a browser, such as one with a star, means more in a policy.
    /^[a-z0-9.:[\]-]+$/.test(url.host) &&
    url.username === '';
  return isOne ? url.origin : undefined;
}

/** @param {string} text @returns {string | undefined} what is wrong with it */
export function badPublicUrl(text) {
  if (originOf(text) !== undefined) return undefined;
  return `--public-url: ${JSON.stringify(text)} is not an address such as https://chat.example.org`;
}

/** @param {string} command */
export function startHelp(command) {
  const what = {
    start: `Serves the page and the embedded XMPP server on one port.${isInstalled ? '' : ' Builds the page first if its sources have changed.'}`,
    dev: 'Serves the page from its sources, reloading it on every change, and the embedded XMPP server on the same port.',
    preview: 'Serves dist/ as it is, and the embedded XMPP server on the same port.',
  }[command];
  return `${called(command)} [--port N] [--host ADDRESS] [--public-url URL] [--scenario NAME|FILE]
                 [--frame-ancestors URL,URL…] [--config FILE]
                 [--server [SERVICE=]HOST:PORT --secret-file [SERVICE=]FILE]
                 ${rateUsage}

${what}

  --port N              port to listen on (default ${defaultPort}, or the PORT environment variable; 0: any free one)
  --host ADDRESS        listen on this address; the default is this machine only. Everyone who can reach it may join
  --public-url URL      where a proxy in front of it is, such as https://chat.example.org (README of src/headless)
  --scenario NAME|FILE  wallops (default), wonderland, plain, or a scenario file of your own
  --server [SERVICE=]HOST:PORT
                        the scenario's room services are components (XEP-0114) of the server whose port for components
                        this is; with SERVICE only that one is. May be given several times (README of src/headless)
  --secret-file [SERVICE=]FILE
                        a file with the secret that the server has for them. The environment variable
                        NETSPLIT_COMPONENT_SECRET works too
  --frame-ancestors URL,URL…
                        web sites whose pages may embed this one, such as https://notes.example.org (README of src/ui).
                        Without it only pages of this server may
  --config FILE         all that flags say, as JSON: {"port": 5173, "publicUrl": "https://chat.example.org"}
${rateHelp}
  --help                print this text`;
}

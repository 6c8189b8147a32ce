import { parseArgs } from 'node:util';
import { rateHelp, rateOptions, rateUsage, readRates } from './rates.mjs';

/**
 * @typedef {object} PageOptions
 * @property {number} port  0 lets the system choose
 * @property {string | undefined} host  undefined: this machine only
 * @property {string | undefined} publicUrl  where a proxy in front of it is
 * @property {string | undefined} scenario  name of a built-in scenario, or a file
 * @property {readonly string[]} [frameAncestors]  origins whose pages may embed this one, besides its own
 * @property {import('./rates.mjs').GivenBudgets} [budgets]
 */

export const defaultPort = 5173;

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
 * Flags of `npm start`, `npm run dev` and `npm run preview`.
 *
 * @param {readonly string[]} args
 * @param {Readonly<Record<string, string | undefined>>} env  PORT is read
 * @returns {{ ok: true, help: boolean, options: PageOptions } | { ok: false, error: string }}
 */
export function parsePageArguments(args, env) {
  /** @type {{ port?: string | undefined, host?: string | undefined, 'public-url'?: string | undefined, 'frame-ancestors'?: string | undefined, scenario?: string | undefined, help?: boolean | undefined } & { [K in keyof typeof rateOptions]?: string | undefined }} */
  let values;
  try {
    ({ values } = parseArgs({
      args: [...args],
      options: {
        port: { type: 'string' },
        host: { type: 'string' },
        'public-url': { type: 'string' },
        'frame-ancestors': { type: 'string' },
        scenario: { type: 'string' },
        ...rateOptions,
        help: { type: 'boolean', short: 'h' },
      },
    }));
  } catch (error) {
    return { ok: false, error: badArgument(error) };
  }
  const [source, text] =
    values.port === undefined ? ['PORT', env['PORT'] || String(defaultPort)] : ['--port', values.port];
  const port = /^\d{1,5}$/.test(text) ? Number(text) : Number.NaN;
  if (!(port <= 65535)) return { ok: false, error: `${source}: ${JSON.stringify(text)} is not a port (0 to 65535)` };
  if (values.host === '') return { ok: false, error: '--host: an address is needed, such as 0.0.0.0' };
  if (values.scenario === '') return { ok: false, error: '--scenario: a name or a file is needed' };
  const publicUrl = values['public-url'];
  const wrong = publicUrl === undefined ? undefined : badPublicUrl(publicUrl);
  if (wrong !== undefined) return { ok: false, error: wrong };
  const frames = readFrameAncestors(values['frame-ancestors']);
  if ('error' in frames) return { ok: false, error: frames.error };
  const rates = readRates(values);
  if ('error' in rates) return { ok: false, error: rates.error };
  const given = {
    ...(Object.keys(rates.budgets).length === 0 ? {} : { budgets: rates.budgets }),
    ...(frames.origins.length === 0 ? {} : { frameAncestors: frames.origins }),
  };
  return {
    ok: true,
    help: values.help === true,
    options: { port, host: values.host, publicUrl, scenario: values.scenario, ...given },
  };
}

/** @param {string | undefined} text @returns {{ origins: readonly string[] } | { error: string }} */
function readFrameAncestors(text) {
  const given = text?.split(',') ?? [];
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
    start:
      'Serves the page and the embedded XMPP server on one port. Builds the page first if its sources have changed.',
    dev: 'Serves the page from its sources, reloading it on every change, and the embedded XMPP server on the same port.',
    preview: 'Serves dist/ as it is, and the embedded XMPP server on the same port.',
  }[command];
  return `npm ${command === 'start' ? 'start' : `run ${command}`} -- [--port N] [--host ADDRESS] [--public-url URL] [--scenario NAME|FILE]
                 [--frame-ancestors URL,URL…]
                 ${rateUsage}

${what}

  --port N              port to listen on (default ${defaultPort}, or the PORT environment variable; 0: any free one)
  --host ADDRESS        listen on this address; the default is this machine only. Everyone who can reach it may join
  --public-url URL      where a proxy in front of it is, such as https://chat.example.org (README of src/headless)
  --scenario NAME|FILE  wallops (default), wonderland, plain, or a scenario file of your own
  --frame-ancestors URL,URL…
                        web sites whose pages may embed this one, such as https://notes.example.org (README of src/ui).
                        Without it only pages of this server may
${rateHelp}
  --help                print this text`;
}

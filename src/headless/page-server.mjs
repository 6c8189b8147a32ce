import { randomBytes } from 'node:crypto';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { build, createServer, preview } from 'vite';
import { defaultScenario, stopWith } from './arguments.mjs';
import { root } from './install.mjs';
import { announce, portTrouble, whyNotListen } from './listening.mjs';

/** What the page is made of. A folder's own time changes when a file in it comes or goes. */
const sources = ['src', 'index.html', 'vite.config.ts', 'package-lock.json', 'tsconfig.base.json'];

/** @param {string} path @returns {number} ms since the epoch, 0 if there is nothing */
function newest(path) {
  const stat = statSync(path, { throwIfNoEntry: false });
  if (stat === undefined) return 0;
  let time = stat.mtimeMs;
  if (stat.isDirectory()) for (const name of readdirSync(path)) time = Math.max(time, newest(`${path}/${name}`));
  return time;
}

/** Whether dist/ is older than a source, or absent. */
export function isStale() {
  const built = statSync(`${root}dist/index.html`, { throwIfNoEntry: false })?.mtimeMs ?? 0;
  return sources.some((path) => newest(root + path) > built);
}

/** @param {import('vite').LogLevel} [logLevel] */
export async function buildPage(logLevel = 'info') {
  await build({ root, logLevel });
}

/**
 * Serves until Ctrl-C. Ends the process with one line where the port is taken or the scenario is wrong.
 *
 * @param {'start' | 'dev' | 'preview'} command
 * @param {import('./arguments.mjs').PageOptions} options
 */
export async function servePage(command, { port, host, publicUrl, scenario, budgets, frameAncestors, gateway }) {
  // vite.config.ts hands all on. Whoever has the address that is printed below may run the rooms and operate the network.
  const token = randomBytes(16).toString('hex');
  process.env['NETSPLIT_TOKEN'] = token;
  if (publicUrl !== undefined) process.env['NETSPLIT_PUBLIC_URL'] = publicUrl;
  if (frameAncestors !== undefined) process.env['NETSPLIT_FRAME_ANCESTORS'] = frameAncestors.join(' ');
  if (budgets !== undefined) process.env['NETSPLIT_BUDGETS'] = JSON.stringify(budgets);
  // The real servers' components are the services of one scenario.
  const named = scenario ?? (gateway === undefined ? undefined : defaultScenario);
  const chosen = named === undefined ? undefined : await chooseScenario(named);
  const components = gateway && chosen ? await chooseGateway(gateway, chosen) : [];
  const busy = port === 0 ? undefined : await whyNotListen(port, host ?? '127.0.0.1');
  if (busy !== undefined) stopWith(1, busy);
  if (command === 'start' && isStale()) {
    console.log('Building the page …');
    await buildPage('warn');
  } else if (command === 'preview' && newest(`${root}dist/index.html`) === 0) {
    stopWith(1, 'dist/ is empty: npm run build first');
  }

  // 127.0.0.1 and not "localhost": that may be ::1 alone, where a client that speaks IPv4 finds nobody.
  const allowedHosts = publicUrl === undefined ? [] : [new URL(publicUrl).hostname];
  const listen = { port, host: host ?? '127.0.0.1', strictPort: true, allowedHosts };
  /** @type {import('vite').ViteDevServer | import('vite').PreviewServer} */
  let server;
  try {
    if (command === 'dev') {
      const dev = await createServer({ root, server: listen });
      server = await dev.listen();
    } else {
      server = await preview({ root, logLevel: 'warn', preview: listen });
    }
  } catch (error) {
    stopWith(1, portTrouble(port, /** @type {Error} */ (error).message));
  }

  delete process.env['NETSPLIT_TOKEN'];
  const address = server.httpServer?.address();
  announce({
    port: address !== null && typeof address === 'object' ? address.port : port,
    ...{ host, publicUrl, token, components },
  });

  let stopping = false;
  const stop = () => {
    if (stopping) return;
    stopping = true;
    // Browsers keep their sockets open; two seconds are enough to say goodbye.
    setTimeout(() => process.exit(0), 2000).unref();
    server.close().then(
      () => process.exit(0),
      () => process.exit(0),
    );
  };
  process.on('SIGINT', stop);
  process.on('SIGTERM', stop);
}

/**
 * Checks a scenario before anything starts, and hands it to vite.config.ts by the environment.
 *
 * @param {string} nameOrFile
 */
async function chooseScenario(nameOrFile) {
  const { tsImport } = await import('tsx/esm/api');
  /** @type {typeof import('../scenario/load.ts')} */
  const { formatErrors, parseScenario } = await tsImport('../scenario/load.ts', import.meta.url);
  const file = /^[a-z0-9-]+$/.test(nameOrFile) ? `${root}src/scenario/${nameOrFile}.json` : nameOrFile;
  let text = '';
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    stopWith(2, `--scenario ${nameOrFile}: ${/** @type {Error} */ (error).message}`);
  }
  const parsed = parseScenario(text);
  if (!parsed.ok) stopWith(2, formatErrors(nameOrFile, parsed.errors));
  process.env['NETSPLIT_SCENARIO_FILE'] = file;
  return parsed.scenario;
}

/**
 * Checks the flags, and whether the real servers take the components, before anything starts.
 *
 * @param {import('./gateway-arguments.ts').GatewayFlags} flags
 * @param {import('../scenario/scenario.ts').Scenario} scenario
 */
async function chooseGateway(flags, scenario) {
  const { tsImport } = await import('tsx/esm/api');
  /** @type {typeof import('./gateway-arguments.ts')} */
  const { readGateway } = await tsImport('./gateway-arguments.ts', import.meta.url);
  /** @type {typeof import('./gateway.ts')} */
  const { refusalOf } = await tsImport('./gateway.ts', import.meta.url);
  const setup = readGateway(flags, scenario, process.env);
  if ('error' in setup) stopWith(2, setup.error);
  for (const place of setup.places) {
    const why = await refusalOf(place);
    if (why !== undefined) stopWith(1, `${place.host}:${place.port} does not take ${place.service}: ${why}`);
  }
  process.env['NETSPLIT_GATEWAY'] = JSON.stringify(flags);
  return setup.places;
}

// `netsplit start`: the page and the embedded server, from the package. In the project's folder page-server.mjs does it with
// Vite, which builds the page first.
import { randomBytes } from 'node:crypto';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { builtInScenario } from '../scenario/built-in.ts';
import { defaultScenario, type PageOptions, pageOptions, startHelp, stopWith } from './arguments.mjs';
import { serveFiles } from './built-page.ts';
import { refusalOf } from './gateway.ts';
import { root } from './install.mjs';
import { announce, portTrouble, whyNotListen } from './listening.mjs';
import { hostPage, type NetsplitOptions } from './page-host.ts';
import { readSettings } from './settings-file.ts';

/** @throws Error whose message names the scenario's file, and the line of each mistake */
async function start({ port, host, publicUrl, scenario, ...options }: PageOptions): Promise<void> {
  const token = randomBytes(16).toString('hex');
  const busy = port === 0 ? undefined : await whyNotListen(port, host ?? '127.0.0.1');
  if (busy !== undefined) stopWith(1, busy);
  // The real servers' components are the services of one scenario.
  const named = scenario ?? (options.gateway === undefined ? undefined : defaultScenario);
  const files = serveFiles(`${root}dist/`);
  const http = createServer((request, response) => hosted.handle(request, response, () => files(request, response)));
  const names = [host, publicUrl && new URL(publicUrl).hostname].flatMap((name) => name?.toLowerCase() ?? []);
  const hosted = hostPage(http, { ...options, token, publicUrl, ...chosen(named) }, { names, isBuilt: true });
  for (const place of hosted.components) {
    const why = await refusalOf(place);
    if (why !== undefined) stopWith(1, `${place.host}:${place.port} does not take ${place.service}: ${why}`);
  }
  await new Promise<void>((resolve, reject) => {
    http.once('error', reject);
    http.listen(port, host ?? '127.0.0.1', resolve);
  });
  const { port: at } = http.address() as AddressInfo;
  announce({ port: at, host, publicUrl, token, components: hosted.components });

  const stop = () => {
    // Browsers keep their sockets open.
    http.close(() => process.exit(0));
    http.closeAllConnections();
  };
  process.once('SIGINT', stop);
  process.once('SIGTERM', stop);
}

function chosen(nameOrFile: string | undefined): Pick<NetsplitOptions, 'scenario' | 'scenarioFile'> {
  const scenario = nameOrFile === undefined ? undefined : builtInScenario(nameOrFile);
  return scenario === undefined ? { scenarioFile: nameOrFile } : { scenario };
}

const settings = readSettings('start', process.argv.slice(2));
if ('error' in settings) stopWith(2, settings.error);
else if (settings.values['help'] === true) console.log(startHelp('start'));
else {
  const options = pageOptions(settings.values, process.env);
  if ('error' in options) stopWith(2, settings.told(options.error));
  start(options).catch((error: NodeJS.ErrnoException) =>
    stopWith(error.code === undefined ? 2 : 1, portTrouble(options.port, error.message)),
  );
}

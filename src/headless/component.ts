import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { createMucNode } from '../core/node/muc-node.ts';
import { domainOf, type Jid, parseJid } from '../core/xmpp/jid.ts';
import { Driver } from '../host/driver.ts';
import { defaultConfig, type Mode, modes, readComponentConfig } from './component-config.ts';
import { ComponentLink } from './component-link.ts';
import { nodeDirectory } from './jsonl-store.ts';
import { openStore } from './local-nodes.ts';
import { nodeServerHost } from './node-host.ts';

const secretVariable = 'NETSPLIT_COMPONENT_SECRET';

const help = `npm run component -- --server HOST:PORT --domain DOMAIN [--secret-file FILE] [--mode MODE] [--config FILE] [--store DIR]

Rooms as an external component (XEP-0114) of an XMPP server of your own, such as Prosody or ejabberd.
Prints "ready DOMAIN on HOST:PORT" when the server has accepted it. Ctrl-C stops.

  --server HOST:PORT    the server's port for components (Prosody: component_ports, 5347)
  --domain DOMAIN       the component's domain: rooms are name@DOMAIN
  --secret-file FILE    file with the secret that the server has for the domain; or the variable
                        ${secretVariable}. Never on the command line, where every user can read it
  --mode plain          rooms of XEP-0045, made by entering them (the default)
  --mode fmuc           rooms that join others or are joined (XEP-0289); needs --config
  --mode primary        rooms with replicas elsewhere (XEP-0282); needs --config
  --config FILE         JSON {"rooms": […], "admins": […], "openCreation": true}, as a scenario's service
  --store DIR           keep the rooms' log in DIR; without it a restart begins anew
  --log                 what was refused or dropped, on standard error
  --help                this text`;

interface ComponentOptions {
  readonly host: string;
  readonly port: number;
  readonly domain: Jid;
  readonly secret: string;
  readonly config: ReturnType<typeof defaultConfig>;
  readonly store?: string;
  readonly log: boolean;
}

const flags = {
  server: { type: 'string' },
  domain: { type: 'string' },
  'secret-file': { type: 'string' },
  // Only to say why not.
  secret: { type: 'string' },
  mode: { type: 'string' },
  config: { type: 'string' },
  store: { type: 'string' },
  log: { type: 'boolean' },
  help: { type: 'boolean', short: 'h' },
} as const;

/** @returns the options, 'help', or what is wrong */
function readArguments(args: readonly string[], env: NodeJS.ProcessEnv): ComponentOptions | 'help' | string[] {
  let values: ReturnType<typeof parseArgs<{ options: typeof flags }>>['values'];
  try {
    ({ values } = parseArgs({ args: [...args], options: flags }));
  } catch (error) {
    const [sentence = ''] = String((error as Error).message).split(/\.\s|\n/);
    return [`${sentence.replace(/\.$/, '')} (--help lists the flags)`];
  }
  if (values.help === true) return 'help';
  if (values.secret !== undefined)
    return [`--secret: every user can read a command line; use --secret-file or ${secretVariable}`];

  const mode = (values.mode ?? 'plain') as Mode;
  if (!modes.includes(mode)) return [`--mode: ${JSON.stringify(mode)} is none of ${modes.join(', ')}`];
  if (mode === 'source') return ['--mode source comes with XEP-0281, which is not there yet'];

  if (values.server === undefined) return ['--server HOST:PORT is needed'];
  const [, host = '', portText = ''] = /^(?:\[(?=.*\]:))?(.+?)\]?:(\d{1,5})$/.exec(values.server) ?? [];
  const port = Number(portText);
  if (host === '' || port < 1 || port > 65535) return [`--server: ${JSON.stringify(values.server)} is not HOST:PORT`];

  if (values.domain === undefined) return ['--domain DOMAIN is needed'];
  const domain = parseJid(values.domain);
  if (domain === undefined || domain !== domainOf(domain))
    return [`--domain: ${JSON.stringify(values.domain)} is not a domain`];

  const secret = readSecret(values['secret-file'], env);
  if (typeof secret !== 'string') return [secret.error];
  if (values.store === '') return ['--store: a directory is needed'];

  let config = defaultConfig(domain);
  if (values.config !== undefined) {
    const text = tryRead(values.config);
    if (typeof text !== 'string') return [`--config: ${text.error}`];
    const read = readComponentConfig(values.config, text, domain, mode);
    if (!read.ok) return [read.error];
    config = read.config;
  } else if (mode !== 'plain') return [`--mode ${mode} needs --config FILE: which rooms, and with whom`];

  return {
    host,
    port,
    domain,
    secret,
    config,
    log: values.log === true,
    ...(values.store === undefined ? {} : { store: values.store }),
  };
}

function readSecret(file: string | undefined, env: NodeJS.ProcessEnv): string | { readonly error: string } {
  if (file === undefined) {
    const secret = env[secretVariable];
    return secret ? secret : { error: `a secret is needed: --secret-file FILE, or the variable ${secretVariable}` };
  }
  const text = tryRead(file);
  if (typeof text !== 'string') return { error: `--secret-file: ${text.error}` };
  const secret = text.replace(/\r?\n$/, '');
  return secret === '' ? { error: `--secret-file: ${file} is empty` } : secret;
}

function tryRead(file: string): string | { readonly error: string } {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    return { error: (error as Error).message };
  }
}

async function run({ host, port, domain, secret, config, store, log }: ComponentOptions): Promise<void> {
  const { now, setTimer, randomId } = nodeServerHost();
  const place = `${host.includes(':') ? `[${host}]` : host}:${port}`;
  let driver: Driver | undefined;
  const stop = async (status: number) => {
    // XEP-0045 §11.2: those inside are told that the service goes.
    await driver?.command({ name: 'stop' });
    await driver?.stop();
    process.exit(status);
  };
  const link = new ComponentLink({
    host,
    port,
    domain,
    server: config.server,
    secret,
    ...(log ? { log: (line: string) => console.error(line) } : {}),
  });
  driver = new Driver({
    address: domain,
    node: createMucNode(config),
    store: await openStore(store === undefined ? undefined : nodeDirectory(store, domain)),
    link,
    host: { now, setTimer, newId: randomId },
    failed: (error) => {
      console.error(`${domain} failed: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`);
      void stop(1);
    },
    progress: (phase, detail) => {
      if (phase === 'reconnecting') console.error(`${place}: ${detail}`);
      else if (phase === 'bound' && isReady) console.error(`${place}: connected again`);
      else if (phase === 'failed' && isReady) {
        console.error(`${place}: ${detail}`);
        void stop(1);
      }
    },
  });
  let isReady = false;
  process.once('SIGINT', () => void stop(0));
  process.once('SIGTERM', () => void stop(0));
  await driver.start(({ damage }) => {
    if (damage !== undefined) console.error(`${domain}: ${damage}`);
  });
  isReady = true;
  console.log(`ready ${domain} on ${place}`);
}

function stopWith(status: number, line: string): never {
  console.error(line);
  process.exit(status);
}

const options = readArguments(process.argv.slice(2), process.env);
delete process.env[secretVariable];
if (options === 'help') console.log(help);
else if (Array.isArray(options)) stopWith(2, options[0] ?? '');
else run(options).catch((error: Error) => stopWith(1, error.message));

import { parseArgs } from 'node:util';
import { defaultTimes } from '../core/distribution/keepalive.ts';
import type { NodeConfig } from '../core/node/config.ts';
import { bareOf, domainOf, type Jid, parseJid, partsOf } from '../core/xmpp/jid.ts';
import { roomsMax } from '../scenario/node-config.ts';
import { badArgument } from './arguments.mjs';
import {
  defaultConfig,
  type Mode,
  modes,
  readComponentConfig,
  replicaConfig,
  type ServiceConfig,
  serverOf,
} from './component-config.ts';
import { readSourceFlags, type SourceFlags, sourceFlagNames } from './component-source.ts';
import { readTextFile } from './text-file.ts';

export const secretVariable = 'NETSPLIT_COMPONENT_SECRET';

export const help = `npm run component -- --server HOST:PORT --domain DOMAIN [--secret-file FILE] [--mode MODE] [--config FILE] [--store DIR [--accept-loss]]
npm run component -- --server HOST:PORT --domain JID --replica-of ROOM [--serves DOMAIN,…] [--secret-file FILE] [--store DIR [--accept-loss]]

Runs rooms as an external component (XEP-0114) of your own XMPP server, such as Prosody or ejabberd. On Prosody it can
also run a replica of a room on another server (XEP-0282): your users then take part in that room through the replica.
Prints "ready DOMAIN on HOST:PORT" once the server has accepted it. Ctrl-C stops it.

  --server HOST:PORT    the server's port for components (Prosody: component_ports, 5347)
  --domain DOMAIN       the component's domain: rooms are name@DOMAIN
  --secret-file FILE    a file with the secret that the server has for the domain. The environment variable
                        ${secretVariable} works too. There is no flag for the secret itself,
                        since every user of a machine can read its command lines
  --mode plain          rooms of XEP-0045, created by users who enter them (the default)
  --mode fmuc           rooms that join other rooms or are joined by them (XEP-0289); needs --config
  --mode primary        rooms that may have replicas on other servers (XEP-0282); each owner lists those of a room
  --mode source         rooms that are on other services, too, and live on when one is cut off (XEP-0281)
  --peerhost DOMAIN,…   --mode source: services that get a shadow of each room; each has --firsthost with this domain.
                        Owners choose others in a room's configuration
  --firsthost DOMAIN,…  --mode source: services whose rooms get a shadow here when they ask for it
  --max-rooms N         --mode source: shadows of so many rooms of each of them (default ${roomsMax})
  --config FILE         JSON {"rooms": […], "admins": […], "openCreation": true}, like a service in a scenario
  --unlocked            rooms that users create are open at once. Otherwise nobody else enters before their owner has
                        configured them (XEP-0045 §10.1), which some clients never do
  --replica-of ROOM     run a replica of this room instead. The server needs two components with the same secret:
                        one for ROOM, and one for --domain, the replica's own address (such as replica@DOMAIN)
  --serves DOMAIN,…     the domains of the users that the replica serves (default: the domain in --domain)
  --keepalive S[/T]     ping the primary after S seconds of silence (10 to 3600, default 60) and wait T seconds for
                        the answer (default 15)
  --store DIR           keep the rooms' log in DIR; without it, a restart begins with empty rooms
  --accept-loss         start even if the log in DIR is damaged and bans, affiliations or configuration may be lost
  --log                 print what was refused or dropped to standard error
  --help                print this text`;

export interface ComponentOptions {
  readonly host: string;
  readonly port: number;
  readonly domain: Jid;
  readonly secret: string;
  readonly config: NodeConfig;
  readonly store?: string;
  readonly acceptLoss: boolean;
  readonly log: boolean;
}

const flags = {
  server: { type: 'string' },
  domain: { type: 'string' },
  'secret-file': { type: 'string' },
  // Only to say why not.
  secret: { type: 'string' },
  mode: { type: 'string' },
  peerhost: { type: 'string', multiple: true },
  firsthost: { type: 'string', multiple: true },
  'max-rooms': { type: 'string' },
  config: { type: 'string' },
  unlocked: { type: 'boolean' },
  'replica-of': { type: 'string' },
  serves: { type: 'string', multiple: true },
  keepalive: { type: 'string' },
  store: { type: 'string' },
  'accept-loss': { type: 'boolean' },
  log: { type: 'boolean' },
  help: { type: 'boolean', short: 'h' },
} as const;

/** @returns the options, 'help', or what is wrong */
export function readArguments(args: readonly string[], env: NodeJS.ProcessEnv): ComponentOptions | 'help' | string[] {
  let values: ReturnType<typeof parseArgs<{ options: typeof flags }>>['values'];
  try {
    ({ values } = parseArgs({ args: [...args], options: flags }));
  } catch (error) {
    return [badArgument(error)];
  }
  if (values.help === true) return 'help';
  if (values.secret !== undefined)
    return [`--secret: every user of this machine can read a command line; use --secret-file or ${secretVariable}`];

  const mode = (values.mode ?? 'plain') as Mode;
  if (!modes.includes(mode)) return [`--mode: ${JSON.stringify(mode)} is not one of ${modes.join(', ')}`];

  if (values.server === undefined) return ['--server HOST:PORT is needed'];
  const [, host = '', portText = ''] = /^(?:\[(?=.*\]:))?(.+?)\]?:(\d{1,5})$/.exec(values.server) ?? [];
  const port = Number(portText);
  if (host === '' || port < 1 || port > 65535) return [`--server: ${JSON.stringify(values.server)} is not HOST:PORT`];

  if (values.domain === undefined) return ['--domain DOMAIN is needed'];
  const domain = parseJid(values.domain);
  const isReplica = values['replica-of'] !== undefined;
  if (domain === undefined || domain !== (isReplica ? bareOf(domain) : domainOf(domain)))
    return [`--domain: ${JSON.stringify(values.domain)} is not a domain${isReplica ? ', nor a bare JID' : ''}`];

  const secret = readSecret(values['secret-file'], env);
  if (typeof secret !== 'string') return [secret.error];
  if (values.store === '') return ['--store: a directory is needed'];
  if (values['accept-loss'] === true && values.store === undefined)
    return ['--accept-loss has no effect without --store'];

  const config = isReplica ? readReplica(values, domain) : readService(values, domain, mode);
  if (Array.isArray(config)) return config;
  return {
    host,
    port,
    domain,
    secret,
    config,
    log: values.log === true,
    acceptLoss: values['accept-loss'] === true,
    ...(values.store === undefined ? {} : { store: values.store }),
  };
}

type Values = ReturnType<typeof parseArgs<{ options: typeof flags }>>['values'];

function readService(values: Values, domain: Jid, mode: Mode): NodeConfig | string[] {
  for (const name of ['serves', 'keepalive'] as const)
    if (values[name] !== undefined) return [`--${name} is for a replica: --replica-of ROOM says of which room`];
  for (const name of sourceFlagNames)
    if (mode !== 'source' && values[name] !== undefined) return [`--${name} is for --mode source`];
  const flags = readSourceFlags(values, domain);
  if (typeof flags === 'string') return [flags];
  const config = readRooms(values, domain, mode, flags);
  return Array.isArray(config) || values.unlocked !== true ? config : { ...config, lockNewRooms: false };
}

function readRooms(values: Values, domain: Jid, mode: Mode, flags: SourceFlags): ServiceConfig | string[] {
  if (values.config === undefined)
    return mode === 'fmuc'
      ? ['--mode fmuc needs --config FILE: which rooms, and with whom']
      : defaultConfig(domain, mode, flags);
  const text = readTextFile(values.config);
  if (typeof text !== 'string') return [`--config: ${text.error}`];
  const read = readComponentConfig(values.config, text, domain, mode, flags);
  return read.ok ? read.config : [read.error];
}

function readReplica(values: Values, self: Jid): NodeConfig | string[] {
  for (const name of ['mode', 'config', 'unlocked', ...sourceFlagNames] as const)
    if (values[name] !== undefined) return [`--${name}: a replica has one room, which its primary configures`];
  const room = parseJid(values['replica-of'] ?? '');
  if (room === undefined || room !== bareOf(room) || partsOf(room).local === '')
    return [`--replica-of: ${JSON.stringify(values['replica-of'])} is not a room`];
  if (room === self) return ['--domain: a replica has an address of its own, beside that of the room'];
  if (domainOf(room) === self) return [`--domain: ${self} is where the primary is; a replica is elsewhere`];
  const serves: Jid[] = [];
  const named = (values.serves ?? []).flatMap((list) => list.split(','));
  for (const name of named) {
    const served = parseJid(name.trim());
    if (served === undefined || served !== domainOf(served))
      return [`--serves: ${JSON.stringify(name)} is not a domain`];
    serves.push(served);
  }
  if (serves.length === 0) serves.push(partsOf(self).local === '' ? serverOf(self) : domainOf(self));
  if (values.keepalive === undefined) return replicaConfig(self, room, serves, undefined);
  const [, seconds, timeoutText] = /^(\d{1,4})(?:\/(\d{1,4}))?$/.exec(values.keepalive) ?? [];
  const interval = Number(seconds);
  const timeout = timeoutText === undefined ? Math.min(defaultTimes.timeout, interval) : Number(timeoutText);
  if (!(interval >= 10 && interval <= 3600 && timeout >= 1 && timeout <= interval))
    return [
      `--keepalive: ${JSON.stringify(values.keepalive)} is not S or S/T with S from 10 to 3600 s, T from 1 s to S`,
    ];
  return replicaConfig(self, room, serves, { interval, timeout });
}

function readSecret(file: string | undefined, env: NodeJS.ProcessEnv): string | { readonly error: string } {
  if (file === undefined) {
    const secret = env[secretVariable];
    return secret ? secret : { error: `a secret is needed: --secret-file FILE, or the variable ${secretVariable}` };
  }
  const text = readTextFile(file);
  if (typeof text !== 'string') return { error: `--secret-file: ${text.error}` };
  const secret = text.replace(/\r?\n$/, '');
  return secret === '' ? { error: `--secret-file: ${file} is empty` } : secret;
}

import { defaultTimes } from '../core/distribution/keepalive.ts';
import type { NodeConfig } from '../core/node/config.ts';
import { bareOf, domainOf, type Jid, parseJid, partsOf } from '../core/xmpp/jid.ts';
import { roomsMax } from '../scenario/node-config.ts';
import { called } from './called.mjs';
import {
  defaultConfig,
  type Mode,
  readComponentConfig,
  replicaConfig,
  type ServiceConfig,
  serverOf,
} from './component-config.ts';
import { readSourceFlags, type SourceFlags, sourceFlagNames } from './component-source.ts';
import { type LogSettings, logSettings } from './log.ts';
import { type MetricsPlace, metricsPlace } from './metrics-place.ts';
import { hostAndPort, readSecret, secretVariable } from './real-place.ts';
import { serviceHelp } from './service-help.ts';
import type { Values } from './settings.mjs';
import { readSettings, type Settings, type SettingsFile } from './settings-file.ts';

export const help = `${called('component')} --server HOST:PORT --domain DOMAIN [--secret-file FILE] [--mode MODE] [--config FILE] [--store DIR [--accept-loss]]
${called('component')} --server HOST:PORT --domain JID --replica-of ROOM [--serves DOMAIN,…] [--secret-file FILE] [--store DIR [--accept-loss]]

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
  --config FILE         all that flags say, as JSON: {"server": "127.0.0.1:5347", "domain": …}, and the rooms:
                        {"rooms": […], "admins": […], "openCreation": true}, like a service in a scenario
  --unlocked            rooms that users create are open at once. Otherwise nobody else enters before their owner has
                        configured them (XEP-0045 §10.1), which some clients never do
  --replica-of ROOM     run a replica of this room instead. The server needs two components with the same secret:
                        one for ROOM, and one for --domain, the replica's own address (such as replica@DOMAIN)
  --serves DOMAIN,…     the domains of the users that the replica serves (default: the domain in --domain)
  --keepalive S[/T]     ping the primary after S seconds of silence (10 to 3600, default 60) and wait T seconds for
                        the answer (default 15)
  --store DIR           keep the rooms' log in DIR; without it, a restart begins with empty rooms
  --shards N            this is one of N processes that share the rooms of the domain (ejabberd's domain_balancing). Each has
                        the same command line, and N + 1 of them are one that waits until another is gone. Needs --store
  --accept-loss         start even if the log in DIR is damaged and bans, affiliations or configuration may be lost
${serviceHelp}
  --help                print this text`;

export interface ComponentOptions {
  readonly host: string;
  readonly port: number;
  readonly domain: Jid;
  readonly secret: string;
  readonly config: NodeConfig;
  readonly store?: string;
  /** How many processes share the rooms; absent: this one has them all. */
  readonly seats?: number;
  readonly acceptLoss: boolean;
  readonly log: LogSettings;
  readonly metrics?: MetricsPlace;
  readonly traceBodies: boolean;
  readonly settings: Settings;
}

/** As they are now: the file and the secret are read again by each call. @returns what is wrong */
export function readComponentSettings(args: readonly string[]): Settings | { readonly error: string } {
  return readSettings('component', args, ['secret']);
}

/** @returns the options, 'help', or what is wrong */
export function readArguments(args: readonly string[], env: NodeJS.ProcessEnv): ComponentOptions | 'help' | string[] {
  const settings = readComponentSettings(args);
  if ('error' in settings) return [settings.error];
  if (settings.values['help'] === true) return 'help';
  const options = optionsOf(settings, env);
  return Array.isArray(options) ? options.map((error) => settings.told(error)) : options;
}

type Given = Readonly<
  Partial<
    Record<
      | 'server'
      | 'domain'
      | 'secret-file'
      | 'secret'
      | 'mode'
      | 'max-rooms'
      | 'shards'
      | 'replica-of'
      | 'keepalive'
      | 'store'
      | 'config'
      | 'metrics',
      string
    > &
      Record<'peerhost' | 'firsthost' | 'serves', readonly string[]> &
      Record<'unlocked' | 'accept-loss' | 'trace-bodies', boolean>
  >
>;

/** By the schema they have these types. */
const given = (values: Values) => values as Given;

function optionsOf(settings: Settings, env: NodeJS.ProcessEnv): ComponentOptions | string[] {
  const { file } = settings;
  const values = given(settings.values);
  if (values.secret !== undefined)
    return [`--secret: every user of this machine can read a command line; use --secret-file or ${secretVariable}`];

  const mode = (values.mode ?? 'plain') as Mode;

  if (values.server === undefined) return ['--server HOST:PORT is needed'];
  const place = hostAndPort(values.server);
  if (place === undefined) return [`--server: ${JSON.stringify(values.server)} is not HOST:PORT`];

  if (values.domain === undefined) return ['--domain DOMAIN is needed'];
  const domain = parseJid(values.domain);
  const isReplica = values['replica-of'] !== undefined;
  if (domain === undefined || domain !== (isReplica ? bareOf(domain) : domainOf(domain)))
    return [`--domain: ${JSON.stringify(values.domain)} is not a domain${isReplica ? ', nor a bare JID' : ''}`];

  const secret = secretOf(settings.values, env);
  if (typeof secret !== 'string') return [secret.error];
  if (values['accept-loss'] === true && values.store === undefined)
    return ['--accept-loss has no effect without --store'];

  if (values.shards !== undefined) {
    if (values.store === undefined) return ['--shards needs --store DIR, where the processes meet'];
    // What goes by way of the service's own address does not reach the process that has the room.
    if (isReplica || (mode !== 'plain' && mode !== 'fmuc')) return ['--shards is for --mode plain and --mode fmuc'];
  }

  const metrics = values.metrics === undefined ? undefined : metricsPlace(values.metrics);
  if (metrics !== undefined && 'error' in metrics) return [`--metrics: ${metrics.error}`];
  const config = isReplica ? readReplica(values, file, domain) : readService(values, file, domain, mode);
  if (Array.isArray(config)) return config;
  return {
    ...place,
    domain,
    secret,
    config,
    settings,
    log: logSettings(settings.values),
    traceBodies: values['trace-bodies'] === true,
    ...(metrics === undefined ? {} : { metrics }),
    acceptLoss: values['accept-loss'] === true,
    ...(values.store === undefined ? {} : { store: values.store }),
    ...(values.shards === undefined ? {} : { seats: Number(values.shards) }),
  };
}

function readService(values: Given, file: SettingsFile | undefined, domain: Jid, mode: Mode): NodeConfig | string[] {
  for (const name of ['serves', 'keepalive'] as const)
    if (values[name] !== undefined) return [`--${name} is for a replica: --replica-of ROOM says of which room`];
  for (const name of sourceFlagNames)
    if (mode !== 'source' && values[name] !== undefined) return [`--${name} is for --mode source`];
  const flags = readSourceFlags(values, domain);
  if (typeof flags === 'string') return [flags];
  const config = readRooms(file, domain, mode, flags);
  return Array.isArray(config) || values.unlocked !== true ? config : { ...config, lockNewRooms: false };
}

function readRooms(
  file: SettingsFile | undefined,
  domain: Jid,
  mode: Mode,
  flags: SourceFlags,
): ServiceConfig | string[] {
  if (file?.rooms === undefined)
    return mode === 'fmuc'
      ? ['--mode fmuc needs --config FILE: which rooms, and with whom']
      : defaultConfig(domain, mode, flags);
  const read = readComponentConfig(file.path, file.rooms, domain, mode, flags);
  return read.ok ? read.config : [read.error];
}

function readReplica(values: Given, file: SettingsFile | undefined, self: Jid): NodeConfig | string[] {
  for (const name of ['mode', 'unlocked', ...sourceFlagNames] as const)
    if (values[name] !== undefined) return [`--${name}: a replica has one room, which its primary configures`];
  if (file?.rooms !== undefined) return ['--config: a replica has one room, which its primary configures'];
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

/** @returns the secret, or why there is none */
export function secretOf(values: Values, env: NodeJS.ProcessEnv): string | { readonly error: string } {
  return readSecret(given(values)['secret-file'], env);
}

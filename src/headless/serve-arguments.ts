import { existsSync } from 'node:fs';
import { parseJid } from '../core/xmpp/jid.ts';
import { builtIn, builtInScenario } from '../scenario/built-in.ts';
import { formatErrors, parseScenario } from '../scenario/load.ts';
import type { Scenario } from '../scenario/scenario.ts';
import type { Budgets } from '../server/budget.ts';
import { badPublicUrl } from './arguments.mjs';
import { called } from './called.mjs';
import { givenBudgets } from './given-budgets.ts';
import { type LogSettings, logSettings } from './log.ts';
import { type MetricsPlace, metricsPlace } from './metrics-place.ts';
import { rateHelp, rateUsage, readRates } from './rates.mjs';
import { serviceHelp } from './service-help.ts';
import { readSettings, type Settings } from './settings-file.ts';
import { readTextFile } from './text-file.ts';
import { websocketPath } from './websocket-host.ts';

export const serveHelp = `${called('serve')} [--scenario NAME|FILE] [--port N] [--auth open|accounts] [--accounts FILE]
                 [--public-url URL] [--store DIR [--accept-loss]] [--config FILE] [--metrics PORT]
                 ${rateUsage}

Runs the embedded XMPP server and the scenario's room nodes in one process, without a browser. Clients connect over
WebSocket (RFC 7395) to 127.0.0.1. Prints "ready ws://127.0.0.1:N${websocketPath}" once every node is up. Ctrl-C stops it.

  --scenario NAME|FILE  ${builtIn.map(({ id }) => id).join(', ')}, or a scenario file (default: plain)
  --port N              port to listen on (default 5280; 0: any free one)
  --auth open           any user may log in with any password; unknown accounts are created on the spot
  --auth accounts       only the scenario's characters and the accounts in --accounts may log in (the default)
  --accounts FILE       JSON {"user@domain": "password", …}; without it, passwords are generated and printed
  --public-url URL      where a proxy in front of it is, such as https://chat.example.org
  --store DIR           keep the rooms' logs in DIR, one directory per node; without it, a restart begins with empty rooms
  --accept-loss         start even if a log in DIR is damaged and bans, affiliations or configuration may be lost
${rateHelp}
  --config FILE         all that flags say, as JSON: {"port": 5280, "store": "/var/lib/netsplit"}
${serviceHelp}
  --help                print this text`;

export interface ServeOptions {
  readonly scenario: Scenario;
  readonly port: number;
  readonly open: boolean;
  readonly passwords?: Readonly<Record<string, string>>;
  readonly store?: string;
  readonly acceptLoss: boolean;
  readonly publicUrl?: URL;
  readonly budgets: Partial<Budgets>;
  readonly log: LogSettings;
  readonly metrics?: MetricsPlace;
  readonly traceBodies: boolean;
  readonly settings: Settings;
}

/** As they are now: the file is read again by each call. */
export function readServeSettings(args: readonly string[]): Settings | { readonly error: string } {
  return readSettings('serve', args);
}

/** @returns the options, 'help', or what is wrong */
export function readServeArguments(args: readonly string[]): ServeOptions | 'help' | { readonly error: string } {
  const settings = readServeSettings(args);
  if ('error' in settings) return settings;
  if (settings.values['help'] === true) return 'help';
  const options = optionsOf(settings);
  return 'error' in options ? { error: settings.told(options.error) } : options;
}

type Given = Readonly<
  Partial<
    Record<'scenario' | 'port' | 'auth' | 'accounts' | 'store' | 'public-url' | 'metrics', string> &
      Record<'accept-loss' | 'trace-bodies', boolean>
  >
>;

function optionsOf(settings: Settings): ServeOptions | { readonly error: string } {
  // By the schema they have these types.
  const values = settings.values as Given;
  const { auth = 'accounts' } = values;
  if (auth === 'open' && values.accounts !== undefined) return { error: '--accounts has no effect with --auth open' };
  if (values['accept-loss'] === true && values.store === undefined)
    return { error: '--accept-loss has no effect without --store' };
  const metrics = values.metrics === undefined ? undefined : metricsPlace(values.metrics);
  if (metrics !== undefined && 'error' in metrics) return { error: `--metrics: ${metrics.error}` };
  const publicUrl = values['public-url'];
  const wrong = publicUrl === undefined ? undefined : badPublicUrl(publicUrl);
  if (wrong !== undefined) return { error: wrong };
  const rates = readRates(settings.values);
  const scenario = readScenario(values.scenario ?? 'plain');
  if ('error' in scenario) return scenario;
  const passwords = values.accounts === undefined ? undefined : readAccounts(values.accounts, scenario);
  if (passwords !== undefined && 'error' in passwords) return { error: String(passwords['error']) };
  return {
    scenario,
    port: Number(values.port ?? 5280),
    settings,
    traceBodies: values['trace-bodies'] === true,
    ...(metrics === undefined ? {} : { metrics }),
    open: auth === 'open',
    budgets: givenBudgets(rates),
    ...(publicUrl === undefined ? {} : { publicUrl: new URL(publicUrl) }),
    log: logSettings(settings.values),
    acceptLoss: values['accept-loss'] === true,
    ...(values.store === undefined ? {} : { store: values.store }),
    ...(passwords ? { passwords: passwords.accounts } : {}),
  };
}

function readScenario(nameOrFile: string): Scenario | { readonly error: string } {
  const known = builtInScenario(nameOrFile);
  if (known !== undefined) return known;
  if (!existsSync(nameOrFile))
    return {
      error: `--scenario: ${JSON.stringify(nameOrFile)} is neither a file nor one of ${builtIn.map(({ id }) => id).join(', ')}`,
    };
  const text = readTextFile(nameOrFile);
  if (typeof text !== 'string') return { error: `--scenario: ${text.error}` };
  const parsed = parseScenario(text);
  return parsed.ok ? parsed.scenario : { error: formatErrors(nameOrFile, parsed.errors) };
}

function readAccounts(
  file: string,
  scenario: Scenario,
): { readonly accounts: Readonly<Record<string, string>> } | { readonly error: string } {
  const text = readTextFile(file);
  if (typeof text !== 'string') return { error: `--accounts: ${text.error}` };
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    return { error: `--accounts ${file}: not JSON: ${(error as Error).message}` };
  }
  const accounts: Record<string, string> = {};
  for (const [name, password] of Object.entries(value ?? {})) {
    const address = parseJid(name);
    if (address === undefined || !scenario.servers.some(({ domain }) => address.endsWith(`@${domain}`)))
      return {
        error: `--accounts ${file}: ${JSON.stringify(name)} is not a user of ${scenario.servers.map(({ domain }) => domain).join(', ')}`,
      };
    if (typeof password !== 'string' || password === '')
      return { error: `--accounts ${file}: the password of ${name} is not a string` };
    accounts[address] = password;
  }
  return { accounts };
}

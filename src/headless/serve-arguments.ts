import { existsSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { parseJid } from '../core/xmpp/jid.ts';
import { builtIn, builtInScenario } from '../scenario/built-in.ts';
import { formatErrors, parseScenario } from '../scenario/load.ts';
import type { Scenario } from '../scenario/scenario.ts';
import { type Budgets, defaultBudgets } from '../server/budget.ts';
import { badArgument, badPublicUrl } from './arguments.mjs';
import { readTextFile } from './text-file.ts';
import { websocketPath } from './websocket-host.ts';

export const serveHelp = `npm run serve -- [--scenario NAME|FILE] [--port N] [--auth open|accounts] [--accounts FILE]
                 [--public-url URL] [--store DIR [--accept-loss]]
                 [--client-rate N[/B]] [--fan-out-rate N[/B]] [--room-rate N[/B]]
                 [--node-rate N[/B]] [--trace-bytes N] [--log]

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
  --client-rate N[/B]   bytes a second that a user may send, and at once (default 10000/5242880; 0: unlimited)
  --fan-out-rate N[/B]  the same of what rooms send because of a user, a copy being 1 KiB or more (default 2000000/16777216)
  --room-rate N[/B]     the same of all users of one room together (default 2000000/33554432)
  --node-rate N[/B]     the same of a node's session (default 20000000/268435456)
  --trace-bytes N       memory for the trace that a page which begins to watch is shown (default 16777216)
  --log                 print what the server refused to standard error
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
  readonly log: boolean;
}

/** @returns the options, 'help', or one line that says what is wrong */
export function readServeArguments(args: readonly string[]): ServeOptions | 'help' | { readonly error: string } {
  let values: {
    scenario?: string;
    port?: string;
    auth?: string;
    accounts?: string;
    store?: string;
    'accept-loss'?: boolean;
    'public-url'?: string;
    'client-rate'?: string;
    'fan-out-rate'?: string;
    'room-rate'?: string;
    'node-rate'?: string;
    'trace-bytes'?: string;
    log?: boolean;
    help?: boolean;
  };
  try {
    ({ values } = parseArgs({
      args: [...args],
      options: {
        scenario: { type: 'string' },
        port: { type: 'string' },
        auth: { type: 'string' },
        accounts: { type: 'string' },
        store: { type: 'string' },
        'accept-loss': { type: 'boolean' },
        'public-url': { type: 'string' },
        'client-rate': { type: 'string' },
        'fan-out-rate': { type: 'string' },
        'room-rate': { type: 'string' },
        'node-rate': { type: 'string' },
        'trace-bytes': { type: 'string' },
        log: { type: 'boolean' },
        help: { type: 'boolean', short: 'h' },
      },
    }));
  } catch (error) {
    return { error: badArgument(error) };
  }
  if (values.help === true) return 'help';
  const port = Number(values.port ?? '5280');
  if (!/^\d{1,5}$/.test(values.port ?? '5280') || port > 65535)
    return { error: `--port: ${JSON.stringify(values.port)} is not a port (0 to 65535)` };
  const auth = values.auth ?? 'accounts';
  if (auth !== 'open' && auth !== 'accounts')
    return { error: `--auth: ${JSON.stringify(auth)} is neither open nor accounts` };
  if (auth === 'open' && values.accounts !== undefined) return { error: '--accounts has no effect with --auth open' };
  if (values.store === '') return { error: '--store: a directory is needed' };
  if (values['accept-loss'] === true && values.store === undefined)
    return { error: '--accept-loss has no effect without --store' };
  const publicUrl = values['public-url'];
  const wrong = publicUrl === undefined ? undefined : badPublicUrl(publicUrl);
  if (wrong !== undefined) return { error: wrong };
  const budgets = readRates(values);
  if ('error' in budgets) return { error: budgets.error };
  const scenario = readScenario(values.scenario ?? 'plain');
  if ('error' in scenario) return scenario;
  const passwords = values.accounts === undefined ? undefined : readAccounts(values.accounts, scenario);
  if (passwords !== undefined && 'error' in passwords) return { error: String(passwords['error']) };
  return {
    scenario,
    port,
    open: auth === 'open',
    budgets,
    ...(publicUrl === undefined ? {} : { publicUrl: new URL(publicUrl) }),
    log: values.log === true,
    acceptLoss: values['accept-loss'] === true,
    ...(values.store === undefined ? {} : { store: values.store }),
    ...(passwords ? { passwords: passwords.accounts } : {}),
  };
}

const rateNames = {
  'client-rate': 'client',
  'fan-out-rate': 'fanOut',
  'room-rate': 'roomIn',
  'node-rate': 'node',
} as const;

/** Whoever has no limit of bytes has none of markup or of what it causes either. */
function readRates(values: {
  readonly 'client-rate'?: string;
  readonly 'fan-out-rate'?: string;
  readonly 'room-rate'?: string;
  readonly 'node-rate'?: string;
  readonly 'trace-bytes'?: string;
}): Partial<Budgets> | { readonly error: string } {
  const budgets: { -readonly [K in keyof Budgets]?: Budgets[K] } = {};
  for (const flag of ['client-rate', 'fan-out-rate', 'room-rate', 'node-rate'] as const) {
    const text = values[flag];
    if (text === undefined) continue;
    const match = /^(\d{1,15})(?:\/(\d{1,15}))?$/.exec(text);
    if (match === null)
      return { error: `--${flag}: ${JSON.stringify(text)} is not bytes a second, such as 10000 or 10000/5242880` };
    const perSecond = Number(match[1]);
    const name = rateNames[flag];
    budgets[name] = { perSecond, burst: Number(match[2] ?? defaultBudgets[name].burst) };
    if (perSecond > 0 || name === 'node') continue;
    const unlimited = { perSecond: 0, burst: 0 };
    if (name === 'client') Object.assign(budgets, { markup: unlimited, fanOut: unlimited, turnsPerSecond: 0 });
    else if (name === 'fanOut') budgets.turnsPerSecond = 0;
    else budgets.roomOut = unlimited;
  }
  const trace = values['trace-bytes'];
  if (trace !== undefined) {
    if (!/^[1-9]\d{5,11}$/.test(trace))
      return { error: `--trace-bytes: ${JSON.stringify(trace)} is not a number of bytes from 100000` };
    budgets.traceBytes = Number(trace);
  }
  return budgets;
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

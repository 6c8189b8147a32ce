import { existsSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { parseJid } from '../core/xmpp/jid.ts';
import { builtIn, builtInScenario } from '../scenario/built-in.ts';
import { formatErrors, parseScenario } from '../scenario/load.ts';
import type { Scenario } from '../scenario/scenario.ts';
import type { Budgets } from '../server/budget.ts';
import { badArgument, badPublicUrl } from './arguments.mjs';
import { givenBudgets } from './given-budgets.ts';
import { rateHelp, rateOptions, rateUsage, readRates } from './rates.mjs';
import { readTextFile } from './text-file.ts';
import { websocketPath } from './websocket-host.ts';

export const serveHelp = `npm run serve -- [--scenario NAME|FILE] [--port N] [--auth open|accounts] [--accounts FILE]
                 [--public-url URL] [--store DIR [--accept-loss]]
                 ${rateUsage} [--log]

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
  let values: { [K in keyof typeof rateOptions]?: string } & {
    scenario?: string;
    port?: string;
    auth?: string;
    accounts?: string;
    store?: string;
    'accept-loss'?: boolean;
    'public-url'?: string;
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
        ...rateOptions,
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
  const rates = readRates(values);
  if ('error' in rates) return rates;
  const scenario = readScenario(values.scenario ?? 'plain');
  if ('error' in scenario) return scenario;
  const passwords = values.accounts === undefined ? undefined : readAccounts(values.accounts, scenario);
  if (passwords !== undefined && 'error' in passwords) return { error: String(passwords['error']) };
  return {
    scenario,
    port,
    open: auth === 'open',
    budgets: givenBudgets(rates.budgets),
    ...(publicUrl === undefined ? {} : { publicUrl: new URL(publicUrl) }),
    log: values.log === true,
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

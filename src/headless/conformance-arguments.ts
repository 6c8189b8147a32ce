import { parseArgs } from 'node:util';
import { listOf, parts } from '../conformance/parts.ts';
import { type Mode, modes, type Protocol, protocols, type Role, roles, type Setting } from '../conformance/setting.ts';
import { bareOf, domainOf, type Jid, parseJid, partsOf } from '../core/xmpp/jid.ts';
import { badArgument } from './arguments.mjs';
import { readTextFile } from './text-file.ts';

export const conformanceHelp = `npm run conformance -- --protocol 0281|0282|0289 --role ROLE --peer ADDRESS --server HOST:PORT --domain DOMAIN --secret-file FILE …

Plays the other side of XEP-0281, XEP-0282 or XEP-0289 against somebody's implementation. It connects to your server as a
component (XEP-0114) and speaks from there to the room, replica or service under test, which may be on any server. Prints
what passed, what failed (what was expected, and what came) and what is not offered, by section.

  --protocol NUMBER     0281, 0282 or 0289
  --role ROLE           what the implementation under test is:
                        0281: source or shadow; 0282: primary or replica; 0289: joined or joining
  --peer ADDRESS        its room; of a shadow its service; of a replica the replica itself.
                        --peer ROLE=ADDRESS, several times, tries several roles in one run, without --role
  --server HOST:PORT    the port of your server for components (Prosody: component_ports, 5347)
  --domain DOMAIN       our domain: our node is NODE@DOMAIN, and the users behind it are there
  --secret-file FILE    a file with the secret that your server has for the domain
  --users DOMAIN        a second component with the same secret: the users who deal with the room under test directly.
                        Without it they are of DOMAIN, and some checks cannot be tried
  --node NODE           the local part of our node (default conformance)
  --mode MODE           0289: primary-primary (the default) or primary-replica
  --extension           try our extension urn:x-netsplit:sync:0, too; --no-extension (the default): the XEP alone
  --only LIST           sections or checks, such as 5.1,0289-joined-nick; 5 is all of 5.1, 5.2 …
  --timeout SECONDS     how long an answer may take (default 10)
  --quiet SECONDS       how long to wait where nothing may come (default 1)
  --patience SECONDS    how long the peer may take to notice that we are there (default 120)
  --junit FILE          writes the report as JUnit's XML
  --json FILE           writes it as JSON
  --list                prints what you have to set up at your side, and every check; it connects to nothing, and needs
                        no --server and no --secret-file
  --log                 prints every stanza to standard error
  --help                prints this text

Exit status: 0 if nothing failed, 1 if something did, 2 if the arguments are wrong or the connection is lost.

What you have to set up at your side, with your own addresses in the place of these:

${parts.map((part) => `  ${part.protocol} ${part.role}\n${setUpText(exampleOf(part.protocol, part.role), '    ')}`).join('\n')}`;

export interface ConformanceOptions {
  readonly host: string;
  readonly port: number;
  readonly secret: string;
  readonly settings: readonly Omit<Setting, 'run'>[];
  only(check: { readonly id: string; readonly section: string }): boolean;
  readonly junit?: string;
  readonly json?: string;
  readonly log: boolean;
  readonly list: boolean;
}

const text = { type: 'string' } as const;
const flag = { type: 'boolean' } as const;
const flags = {
  protocol: text,
  role: text,
  peer: { type: 'string', multiple: true },
  server: text,
  domain: text,
  'secret-file': text,
  // Only to say why not.
  secret: text,
  users: text,
  node: text,
  mode: text,
  extension: flag,
  'no-extension': flag,
  only: { type: 'string', multiple: true },
  timeout: text,
  quiet: text,
  patience: text,
  junit: text,
  json: text,
  list: flag,
  log: flag,
  help: { type: 'boolean', short: 'h' },
} as const;
type Values = ReturnType<typeof parseArgs<{ options: typeof flags }>>['values'];

/** Something is wrong with what was given. It names the flag. */
class Wrong extends Error {}

/** @returns the options, 'help', or one line that says what is wrong */
export function readConformanceArguments(
  args: readonly string[],
): ConformanceOptions | 'help' | { readonly error: string } {
  let values: Values;
  try {
    ({ values } = parseArgs({ args: [...args], options: flags }));
  } catch (error) {
    return { error: badArgument(error) };
  }
  if (values.help === true) return 'help';
  try {
    return read(values);
  } catch (error) {
    if (error instanceof Wrong) return { error: error.message };
    throw error;
  }
}

function read(values: Values): ConformanceOptions {
  const list = values.list === true;
  if (values.secret !== undefined)
    throw new Wrong('--secret: every user of this machine can read a command line; use --secret-file');
  const protocol = oneOf('protocol', values.protocol, protocols);
  const domain = domainIn('domain', values.domain ?? (list ? 'conformance.example' : undefined));
  const users = values.users === undefined ? domain : domainIn('users', values.users);
  const node = values.node ?? 'conformance';
  const address = parseJid(`${node}@${domain}`);
  if (node === '' || address === undefined || partsOf(address).local !== node)
    throw new Wrong(`--node: ${JSON.stringify(node)} is no local part`);
  const mode = oneOf('mode', values.mode ?? 'primary-primary', modes);
  if (values.mode !== undefined && protocol !== '0289') throw new Wrong('--mode is for --protocol 0289');
  if (values.extension && values['no-extension']) throw new Wrong('--extension and --no-extension: one of the two');
  const common = {
    ...{ protocol, domain, users, node, mode, extension: values.extension === true },
    timeoutMs: secondsIn('timeout', values.timeout, 10),
    quietMs: secondsIn('quiet', values.quiet, 1),
    patienceMs: secondsIn('patience', values.patience, 120),
  };
  const settings = peersIn(values, protocol, list).map(([role, peer]) => ({ ...common, role, peer }));
  const { host, port } = list ? { host: '', port: 0 } : serverIn(values.server);
  const secret = list ? '' : secretIn(values['secret-file']);
  const only = onlyIn(values.only, settings);
  for (const name of ['junit', 'json'] as const)
    if (values[name] === '') throw new Wrong(`--${name}: the name of a file is needed`);
  return {
    ...{ host, port, secret, settings, only, list, log: values.log === true },
    ...(values.junit === undefined ? {} : { junit: values.junit }),
    ...(values.json === undefined ? {} : { json: values.json }),
  };
}

function oneOf<T extends string>(name: string, given: string | undefined, known: readonly T[]): T {
  if (given === undefined) throw new Wrong(`--${name} is needed: one of ${known.join(', ')}`);
  const found = known.find((one) => one === given);
  if (found === undefined) throw new Wrong(`--${name}: ${JSON.stringify(given)} is not one of ${known.join(', ')}`);
  return found;
}

function domainIn(name: string, given: string | undefined): Jid {
  if (given === undefined) throw new Wrong(`--${name} DOMAIN is needed`);
  const address = parseJid(given);
  if (address === undefined || address !== domainOf(address))
    throw new Wrong(`--${name}: ${JSON.stringify(given)} is not a domain`);
  return address;
}

function secondsIn(name: string, given: string | undefined, usual: number): number {
  if (given === undefined) return usual * 1000;
  const seconds = /^\d{1,4}(\.\d{1,3})?$/.test(given) ? Number(given) : 0;
  if (seconds <= 0) throw new Wrong(`--${name}: ${JSON.stringify(given)} is no number of seconds above 0`);
  return seconds * 1000;
}

function serverIn(given: string | undefined): { readonly host: string; readonly port: number } {
  if (given === undefined) throw new Wrong('--server HOST:PORT is needed');
  const [, host = '', port = '0'] = /^(?:\[(?=.*\]:))?(.+?)\]?:(\d{1,5})$/.exec(given) ?? [];
  if (host === '' || Number(port) < 1 || Number(port) > 65535)
    throw new Wrong(`--server: ${JSON.stringify(given)} is not HOST:PORT`);
  return { host, port: Number(port) };
}

function secretIn(file: string | undefined): string {
  if (file === undefined) throw new Wrong('--secret-file FILE is needed');
  const read = readTextFile(file);
  if (typeof read !== 'string') throw new Wrong(`--secret-file: ${read.error}`);
  const secret = read.replace(/\r?\n$/, '');
  if (secret === '') throw new Wrong(`--secret-file: ${file} is empty`);
  return secret;
}

function peersIn({ peer = [], role }: Values, protocol: Protocol, list: boolean): readonly (readonly [Role, Jid])[] {
  const known: readonly Role[] = roles[protocol];
  const only = role === undefined ? undefined : oneOf('role', role, known);
  if (peer.length === 0 && list)
    return known.filter((one) => only === undefined || one === only).map((one) => [one, exampleOf(protocol, one).peer]);
  if (peer.length === 0) throw new Wrong('--peer ADDRESS is needed');
  const found = peer.map((given): readonly [Role, Jid] => {
    const [, named = '', address = given] = new RegExp(`^(${known.join('|')})=(.*)$`).exec(given) ?? [];
    const of = known.find((one) => one === named) ?? only;
    if (of === undefined) throw new Wrong(`--role is needed for --peer ${given}: one of ${known.join(', ')}`);
    return [of, addressOf(of, address)];
  });
  if (new Set(found.map(([of]) => of)).size < found.length) throw new Wrong('--peer: one address for each role');
  return found.filter(([of]) => only === undefined || of === only);
}

/** A shadow is made by a service; all else has a name of its own there. */
function addressOf(role: Role, given: string): Jid {
  const address = parseJid(given);
  const isService = role === 'shadow';
  if (address === undefined || address !== (isService ? domainOf(address) : bareOf(address)))
    throw new Wrong(`--peer: ${JSON.stringify(given)} is not ${isService ? 'a domain' : 'a bare address'}`);
  if (!isService && role !== 'replica' && partsOf(address).local === '')
    throw new Wrong(`--peer: ${JSON.stringify(given)} is a service, and not a room`);
  return address;
}

function onlyIn(given: readonly string[] | undefined, settings: readonly Pick<Setting, 'protocol' | 'role'>[]) {
  const wanted = (given ?? []).flatMap((list) => list.split(',')).map((one) => one.trim().replace(/^§/, ''));
  const fits = ({ id, section }: { readonly id: string; readonly section: string }) =>
    wanted.length === 0 || wanted.some((one) => one === id || one === section || section.startsWith(`${one}.`));
  const known = settings.flatMap(({ protocol, role }) =>
    parts.filter((part) => part.protocol === protocol && part.role === role).flatMap(listOf),
  );
  for (const one of wanted)
    if (!known.some(({ id, section }) => one === id || one === section || section.startsWith(`${one}.`)))
      throw new Wrong(`--only: ${JSON.stringify(one)} is no section and no check; --list prints them`);
  return fits;
}

function exampleOf(protocol: Protocol, role: Role): Setting {
  const peers: Readonly<Record<Role, string>> = {
    source: 'coven@rooms.example.org',
    shadow: 'rooms.example.org',
    primary: 'wallops@rooms.example.org',
    replica: 'replica@example.org',
    joined: 'rabbithole@rooms.example.org',
    joining: 'elsinore@rooms.example.org',
  };
  const mode: Mode = 'primary-primary';
  return {
    ...{ protocol, role, mode, extension: false, node: 'conformance', run: '' },
    ...{ timeoutMs: 0, quietMs: 0, patienceMs: 0 },
    peer: parseJid(peers[role]) as Jid,
    domain: parseJid('kit.example.net') as Jid,
    users: parseJid('users.example.net') as Jid,
  };
}

export function setUpText(setting: Setting, indent = '  '): string {
  const part = parts.find(({ protocol, role }) => protocol === setting.protocol && role === setting.role);
  return (part?.setUp(setting) ?? []).map((line) => `${indent}- ${line}`).join('\n');
}

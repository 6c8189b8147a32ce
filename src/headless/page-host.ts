import { readFileSync } from 'node:fs';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import { builtIn } from '../scenario/built-in.ts';
import { formatErrors, parseScenario } from '../scenario/load.ts';
import type { Scenario } from '../scenario/scenario.ts';
import type { Gateway } from '../server/real-server.ts';
import { type GatewayPlace, openGateway } from './gateway.ts';
import { type GatewayFlags, readGateway } from './gateway-arguments.ts';
import { givenBudgets } from './given-budgets.ts';
import { badInstance, instancesMax } from './instances.ts';
import { hostScenarios, type Live } from './live-config.ts';
import { nodeServerHost } from './node-host.ts';
import type { GivenBudgets } from './rates.mjs';
import { foreignRequest, hasToken, isPlainLoopback } from './served-hosts.ts';
import { attachWebSocketHost } from './websocket-host.ts';

export interface NetsplitOptions {
  /** A scenario of one's own; it comes first, and takes the place of built-in ones with its id or its domains. */
  readonly scenarioFile?: string | undefined;
  /** The same, where it is no file. */
  readonly scenario?: Scenario | undefined;
  /**
   * Whoever shows it gets the passwords of the nodes and of the operator. `npm start` makes one and prints it as a part of
   * the page's address. Without one, requests from this machine that come through no proxy get them.
   */
  readonly token?: string | undefined;
  /** Where a proxy in front of the page is, such as https://chat.example.org. */
  readonly publicUrl?: string | undefined;
  /** Origins whose pages may embed this one, besides its own. */
  readonly frameAncestors?: readonly string[] | undefined;
  /** What the flags say of the limits of the embedded server. */
  readonly budgets?: GivenBudgets | undefined;
  /** Real servers of which the services of the scenario are components: it is the only one then. */
  readonly gateway?: GatewayFlags | undefined;
}

/** How a server of the page is reached, and what else is on it. */
export interface Served {
  /** Hosts beside the loopback names. */
  readonly names?: readonly string[];
  /** Whether an upgrade to a WebSocket is somebody else's. */
  readonly isTaken?: (request: IncomingMessage) => boolean;
  /** The files are those that were built: they need no script but their own. */
  readonly isBuilt: boolean;
}

interface Access {
  readonly names: readonly string[];
  readonly token: string | undefined;
  readonly publicUrl: URL | undefined;
  /** A real server has one component of each name. */
  readonly isOneNetwork: boolean;
}

export interface HostedPage {
  /** Sets the headers of every answer, and answers `/netsplit.json`; everything else is the next one's. */
  handle(request: IncomingMessage, response: ServerResponse, next: () => void): void;
  readonly live: Live;
  /** Of real servers. */
  readonly components: readonly GatewayPlace[];
}

/**
 * Puts the embedded XMPP server on the page's own server: `/xmpp-websocket` (RFC 7395), and `/netsplit.json`, which tells a
 * page of this server what it needs to take part. It ends with the server.
 *
 * @throws Error whose message names the scenario's file, and the line of each mistake
 */
export function hostPage(
  server: Server,
  options: NetsplitOptions,
  { names = [], isTaken, isBuilt }: Served,
): HostedPage {
  const { token, budgets = {}, frameAncestors = [] } = options;
  const publicUrl = options.publicUrl === undefined ? undefined : new URL(options.publicUrl);
  const access = { names, token, publicUrl, isOneNetwork: options.gateway !== undefined };
  const host = nodeServerHost(process.env['NETSPLIT_LOG'] ? (line) => console.error(line) : undefined);
  const { scenarios, gateway, components } = withGateway(chosenScenarios(options), options.gateway, (line) =>
    host.log?.(line),
  );
  const live = hostScenarios(scenarios, host, { budgets: givenBudgets(budgets), gateway });
  const { find, finder } = live;
  const detach = attachWebSocketHost(server, {
    ...{ host, find, finder, names, publicUrl },
    ...(isTaken ? { isTaken } : {}),
  });
  // Node's close() waits for every socket, upgraded ones too: ours go first.
  const close = server.close.bind(server);
  server.close = (callback) => {
    detach();
    return close(callback);
  };
  return {
    handle(request, response, next) {
      setHeaders(response, commonHeaders);
      if (isBuilt) response.setHeader('Content-Security-Policy', contentSecurityPolicy(request, frameAncestors));
      if (/^\/netsplit\.json(?:\?|$)/.test(request.url ?? '')) answerConfig(live, access, request, response);
      else next();
    },
    live,
    components,
  };
}

/** @throws Error whose message names the file, and the line of each mistake */
function chosenScenarios({ scenarioFile, scenario: given }: NetsplitOptions): readonly Scenario[] {
  if (scenarioFile === undefined && given === undefined) return builtIn;
  const text = scenarioFile === undefined ? JSON.stringify(given, null, 2) : readFileSync(scenarioFile, 'utf8');
  const parsed = parseScenario(text);
  if (!parsed.ok) throw new Error(formatErrors(scenarioFile ?? 'scenario', parsed.errors));
  const { scenario } = parsed;
  const own = domainsOf(scenario);
  return [
    scenario,
    ...builtIn.filter((other) => other.id !== scenario.id && !domainsOf(other).some((domain) => own.includes(domain))),
  ];
}

/** @throws Error with what is wrong with the flags */
function withGateway(
  [scenario, ...more]: readonly Scenario[],
  flags: GatewayFlags | undefined,
  log: (line: string) => void,
): {
  readonly scenarios: readonly Scenario[];
  readonly gateway?: Gateway;
  readonly components: readonly GatewayPlace[];
} {
  if (scenario === undefined || flags === undefined)
    return { scenarios: scenario ? [scenario, ...more] : [], components: [] };
  const setup = readGateway(flags, scenario, process.env);
  if ('error' in setup) throw new Error(setup.error);
  return { scenarios: [setup.scenario], gateway: openGateway(setup.places, log), components: setup.places };
}

function domainsOf({ servers, nodes }: Scenario): string[] {
  return [...servers.map(({ domain }) => domain), ...nodes.map(({ address }) => address)];
}

/** Credentials: only for pages of this very server, never cached, and those of nodes and operator only for the operator. */
function answerConfig(
  live: Live,
  { names, token, publicUrl, isOneNetwork }: Access,
  request: IncomingMessage,
  response: ServerResponse,
) {
  const answer = (status: number, body: unknown) => {
    response.writeHead(status, { 'Content-Type': 'application/json; charset=utf-8', 'Cache-Control': 'no-store' });
    response.end(`${JSON.stringify(body)}\n`);
  };
  const foreign = foreignRequest(request, names, publicUrl);
  if (foreign !== undefined) return answer(403, { error: foreign });
  const site = request.headers['sec-fetch-site'];
  if (site !== undefined && site !== 'same-origin' && site !== 'none')
    return answer(403, { error: 'only for pages of this server' });
  if (request.method !== 'GET') return answer(405, { error: `${request.method}: only GET` });
  const known = live.networks.map(({ scenario }) => scenario.id);
  const query = new URL(request.url ?? '/', 'http://localhost').searchParams;
  const id = query.get('scenario') ?? known[0] ?? '';
  if (!known.includes(id))
    return answer(404, { error: `no scenario ${JSON.stringify(id)}: there are ${known.join(', ')}` });
  const instance = query.get('room') ?? '';
  const wrong = badInstance(instance);
  if (wrong !== undefined) return answer(400, { error: `room: ${wrong}` });
  if (isOneNetwork && instance !== '')
    return answer(409, {
      error: `no room ${instance}: on a real server there is one network, because each service is one component there`,
    });
  const isOperator = token === undefined ? isPlainLoopback(request) : hasToken(request, token);
  const config = live.configFor(id, isOperator, query.has('look'), instance);
  if (config === undefined)
    return isOperator
      ? answer(503, { error: `there are ${instancesMax} rooms already; one that nobody uses is gone after a minute` })
      : answer(404, { error: `no room ${instance}: a page with the token of the address that was printed opens it` });
  answer(200, config);
}

const commonHeaders: Readonly<Record<string, string>> = {
  'X-Content-Type-Options': 'nosniff',
  'Referrer-Policy': 'no-referrer',
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Resource-Policy': 'same-origin',
};

/**
 * No inline script, nothing from elsewhere. Style attributes are lit's and positions of the drawing.
 * The WebSocket is named besides 'self', which not every browser extends to ws:.
 */
function contentSecurityPolicy(
  { url = '', headers: { host } }: IncomingMessage,
  frameAncestors: readonly string[],
): string {
  // The whole page, where more can be done with a click, is for no other site.
  const ancestors = /[?&]embed=1(?:&|$)/.test(url) ? frameAncestors : [];
  const sockets = host !== undefined && /^[\w.:[\]-]+$/.test(host) ? ` ws://${host} wss://${host}` : '';
  return [
    "default-src 'none'",
    "script-src 'self'",
    "worker-src 'self'",
    "style-src 'self'",
    "style-src-attr 'unsafe-inline'",
    "img-src 'self' data:",
    "font-src 'self'",
    "manifest-src 'self'",
    `connect-src 'self'${sockets}`,
    "base-uri 'none'",
    "form-action 'none'",
    ["frame-ancestors 'self'", ...ancestors].join(' '),
    "require-trusted-types-for 'script'",
    // 'default' and 'netsplit-xml' are src/ui/trusted-types.ts; lit makes its own for its templates.
    'trusted-types default lit-html netsplit-xml',
  ].join('; ');
}

function setHeaders(response: ServerResponse, headers: Readonly<Record<string, string>>): void {
  for (const [name, value] of Object.entries(headers)) response.setHeader(name, value);
}

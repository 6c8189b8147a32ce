import * as Comlink from 'comlink';
import { bareOf, type Jid } from '../../core/xmpp/jid.ts';
import type { LeaseState, LeaseWorkerApi } from '../../host/control.ts';
import type { LiveConfig } from '../../scenario/live-config-type.ts';
import { randomSuffix } from './accounts.ts';
import { within } from './within.ts';

/** Without an answer the page begins as one that does not run the nodes: it says itself what is wrong with the server. */
const answerMs = 8_000;
const stopMs = 1_000;

/** The lease of an instance's nodes: the one page that has it runs them, and plays their characters. */
export interface HeldLease {
  /** Another page may have it. */
  stop(): void;
}

/**
 * Asks for the lease, and goes on asking.
 *
 * @param token  names this tab, also after it was reloaded
 * @param become  called with the configuration of a page that runs the nodes, or does not; again whenever that changes
 */
export function followLease(
  config: LiveConfig,
  websocket: string,
  token: string,
  become: (config: LiveConfig) => void,
): HeldLease {
  const { operator } = config.credentials;
  const worker = new Worker(new URL('../../worker/lease.worker.ts', import.meta.url), {
    type: 'module',
    name: 'lease',
  });
  const api = Comlink.wrap<LeaseWorkerApi>(worker);
  let isOver = false;
  const take = (state: LeaseState) => {
    clearTimeout(patience);
    if (!isOver) become(state.isOurs ? withSecret(config, state.secret) : withoutNodes(config));
  };
  const patience = setTimeout(() => take({ isOurs: false }), answerMs);
  const account = {
    jid: `${bareOf((operator?.jid ?? '') as Jid)}/lease-${randomSuffix()}`,
    password: operator?.password ?? '',
  };
  void api.start({ ...account, websocket, token }, Comlink.proxy(take));
  return {
    stop: () => {
      isOver = true;
      clearTimeout(patience);
      void within(api.stop(), stopMs).then(() => worker.terminate());
    },
  };
}

/** What a page gets that runs the nodes: their passwords change with each lease, so that no other page can go on. */
function withSecret(config: LiveConfig, secret: string): LiveConfig {
  const { credentials } = config;
  const all = (passwords: Readonly<Record<string, string>>) =>
    Object.fromEntries(Object.entries(passwords).map(([account, password]) => [account, password + secret]));
  return {
    ...config,
    credentials: { ...credentials, nodes: all(credentials.nodes), occupants: all(credentials.occupants) },
  };
}

/** What a page gets that does not. */
export function withoutNodes(config: LiveConfig): LiveConfig {
  return { ...config, credentials: { ...config.credentials, nodes: {} } };
}

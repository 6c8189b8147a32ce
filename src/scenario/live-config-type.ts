import type { Scenario } from './scenario.ts';

/** What `GET /netsplit.json?scenario=ID` answers: all that a page needs to take part in a live scenario. */
export interface LiveConfig {
  readonly scenario: Scenario;
  /** Path of the WebSocket on the server that answered. */
  readonly websocket: string;
  /** New each time the server is started: all passwords change then, and the servers' state is gone. */
  readonly run: string;
  /** Of several instances of the same network, side by side, the one that was asked for; empty is that of those who ask for none. */
  readonly instance: string;
  /** How often that network has begun anew since the server was started. */
  readonly begun: number;
  /** Nodes that some page is running: the page that asks joins it instead of fighting for them. */
  readonly running: readonly string[];
  readonly scenarios: readonly { readonly id: string; readonly title: string }[];
  readonly credentials: LiveCredentials;
}

export interface LiveLogin {
  /** Bare JID. */
  readonly jid: string;
  readonly password: string;
}

export interface LiveCredentials {
  /**
   * Password by address of the node (a service's domain, a replica's account), those of replicas that may be added
   * included (replicas.ts). Empty for a page without the operator's token.
   */
  readonly nodes: Readonly<Record<string, string>>;
  /** Password by bare JID of the scenario's characters and administrators. Empty for a page without the operator's token. */
  readonly occupants: Readonly<Record<string, string>>;
  /** Two for each server, for people with clients of their own; for a page without the operator's token one of its own. */
  readonly guests: readonly LiveLogin[];
  /** May change links and pause them; absent for a page without the operator's token. */
  readonly operator?: LiveLogin;
  /** May watch the trace. */
  readonly observer: LiveLogin;
}

/**
 * A scenario: who runs which server, which room nodes stand on them, who is in the rooms.
 * The JSON Schema beside this file (schema.json) says the same for editors and for people.
 */
export interface Scenario {
  readonly format: 'netsplit-scenario';
  readonly version: 1;
  readonly id: string;
  readonly title: string;
  /** One or two sentences for the page. */
  readonly description: string;
  /** The XEP it illustrates, such as "0282". */
  readonly xep: '0045' | '0281' | '0282' | '0289';
  readonly servers: readonly ScenarioServer[];
  /** Links that differ from the default (20 ms, no jitter, unlimited). Every pair of servers has a link. */
  readonly links?: readonly ScenarioLink[];
  readonly nodes: readonly ScenarioNode[];
  readonly occupants: readonly ScenarioOccupant[];
  /** What happens once all nodes are ready, in order. */
  readonly script: readonly ScenarioAct[];
}

export interface ScenarioServer {
  /** Domain of the XMPP server; its users are `someone@domain`. */
  readonly domain: string;
  /** Where the page draws it: 0..1 in both directions, left to right and top to bottom. */
  readonly at: readonly [number, number];
  /**
   * A real server, not one of the network's own: the services that are its components. No file has it; `npm start --server` adds
   * such servers (real-servers.ts).
   */
  readonly components?: readonly string[];
}

export interface ScenarioLink {
  readonly between: readonly [string, string];
  readonly latencyMs?: number;
  readonly jitterMs?: number;
  /** 0 or absent: unlimited. */
  readonly bytesPerSecond?: number;
}

export type ScenarioNode =
  /** A MUC service that owns a domain (XEP-0225 host binding) on `server`. */
  | {
      readonly kind: 'service';
      /** The service's domain, such as channel.avalon.irc. */
      readonly address: string;
      readonly server: string;
      readonly rooms: readonly ScenarioRoom[];
      /** Whether anyone may create a room by joining it; default false. */
      readonly openCreation?: boolean;
      /** Whether a room that is made so lets others in only once its maker has configured it (XEP-0045 §10.1); default true. */
      readonly lockNewRooms?: boolean;
      /** Rooms that users may make by entering them: each of them 1,000, and all together 100,000. */
      readonly limits?: { readonly perUser?: number; readonly all?: number };
      /** How much the archive of a room keeps; absent: 1 GiB. */
      readonly archive?: ScenarioArchive;
      /** Bare JIDs that are owners of every room of the service. */
      readonly admins?: readonly string[];
      /** XEP-0281: how rooms that are made so are distributed; absent: they are plain rooms. */
      readonly onDemand?: ScenarioSource;
      /** XEP-0281: whose rooms it replicates. */
      readonly hosting?: ScenarioHosting;
    }
  /** An XEP-0282 replica: an account of the server whose users it serves. */
  | {
      readonly kind: 'replica';
      /** The replica's account, such as replica@vesa.yeggmaex.irc. */
      readonly address: string;
      readonly server: string;
      /** The primary's room. */
      readonly replicaOf: string;
      /** Domains whose users it serves. */
      readonly serves: readonly string[];
      /** Seconds of silence before a ping, and for its answer (XEP-0282 §4.10); default 60 and 15. */
      readonly keepalive?: { readonly interval: number; readonly timeout: number };
    };

/** How much an archive keeps: messages, bytes, days. What is absent is no limit, so `{}` is for ever. */
export interface ScenarioArchive {
  readonly count?: number;
  readonly bytes?: number;
  readonly days?: number;
}

export interface ScenarioRoom {
  readonly jid: string;
  readonly name?: string;
  readonly subject?: string;
  /** Who sees real JIDs (XEP-0045 §4.2); default semi-anonymous: moderators only. */
  readonly whois?: 'moderators' | 'anyone';
  readonly moderated?: boolean;
  readonly membersOnly?: boolean;
  readonly password?: string;
  readonly maxOccupants?: number;
  /** Messages sent to those who enter later; default 200. */
  readonly historyMax?: number;
  /** Whether the archive (XEP-0313) may be read, which status 170 tells; default false. */
  readonly logging?: boolean;
  /** How much the archive keeps; absent: as any room of the service. */
  readonly archive?: ScenarioArchive;
  /** Whether participants may change the subject (XEP-0045 §8.1); default false: only moderators. */
  readonly changeSubject?: boolean;
  readonly affiliations?: readonly {
    readonly jid: string;
    readonly affiliation: 'owner' | 'admin' | 'member' | 'outcast';
  }[];
  /** How the room is distributed; default none, the plain room of XEP-0045. */
  readonly distribution?: ScenarioDistribution;
}

export type ScenarioDistribution =
  | { readonly kind: 'none' }
  /** XEP-0282: which replicas may be created, and whose users each may serve; what they may do while they are cut off. */
  | {
      readonly kind: 'primary';
      readonly replicas: readonly { readonly jid: string; readonly serves: readonly string[] }[];
      readonly split?: ScenarioSplit;
    }
  /** XEP-0289: the room to join (the joining node), or several, and which rooms may join us; `mode`: primary-primary if absent. */
  | {
      readonly kind: 'fmuc';
      readonly outbound?: string | readonly string[];
      readonly allowedNodes?: readonly string[];
      readonly trust?: ScenarioTrust;
      readonly mode?: 'primary-primary' | 'primary-replica';
    }
  | ScenarioSource;

/** XEP-0281: a room that has shadows on the services `peerhosts`. */
export interface ScenarioSource {
  readonly kind: 'source';
  readonly peerhosts: readonly string[];
  /** Whether it is distributed at the start, or as soon as an owner wants it, or without asking owners; default always. */
  readonly distribute?: 'always' | 'on-request' | 'background';
  /** What its shadows are called before the @: as the room (default), opaque, or this text. */
  readonly id?: 'own' | 'uuid' | 'sha-256' | { readonly text: string };
  /** When a service is asked: at once (default), or with so many of its users in the room. */
  readonly replicate?: 'at-once' | number;
  /** Which user of a service that has a shadow is sent there: every one (default), none, or all from this one on. */
  readonly redirect?: 'always' | 'never' | number;
  readonly trust?: ScenarioInstanceTrust;
}

/** XEP-0281 §3.2: a service that hosts shadows. */
export interface ScenarioHosting {
  /** The services whose rooms it replicates. */
  readonly firsthosts: readonly string[];
  /** So many rooms of each; default 100. */
  readonly maxRooms?: number;
  readonly trust?: ScenarioInstanceTrust;
}

/** XEP-0281: what an instance believes of others, and what it lets them know. */
export interface ScenarioInstanceTrust {
  /** By service: the domains whose users its instance may bring in; default: those of its own server. */
  readonly scope?: Readonly<Record<string, readonly string[]>>;
  /** Services that are told real addresses; default all. */
  readonly seeJids?: readonly string[];
}

/** XEP-0281 §1.3: the local part of the shadows of a room, if the scenario knows it. */
export function shadowLocalOf(room: ScenarioRoom): string | undefined {
  if (room.distribution?.kind !== 'source') return undefined;
  const { id = 'own' } = room.distribution;
  if (id === 'own') return room.jid.slice(0, room.jid.lastIndexOf('@'));
  return typeof id === 'object' ? id.text : undefined;
}

/** XEP-0289: what a room believes of other nodes, and what it lets them know. */
export interface ScenarioTrust {
  /** The domains whose users each of these nodes may bring in, `*` for any; default: that of its own server. */
  readonly scope?: Readonly<Record<string, readonly string[]>>;
  /** Nodes whose users count as having given the password; default none. */
  readonly vouching?: readonly string[];
  /** Nodes that are told real addresses; default all. */
  readonly seeJids?: readonly string[];
  /** Nodes whose moderators may kick users of this one; default none. */
  readonly mayKick?: readonly string[];
  /** Whether users of other nodes are shown with the rank that is claimed for them, or with their own here; default claimed. */
  readonly ranks?: 'claimed' | 'own';
}

/** XEP-0289: the rooms that this one joins. */
export function outboundsOf(distribution: ScenarioDistribution | undefined): readonly string[] {
  if (distribution?.kind !== 'fmuc' || distribution.outbound === undefined) return [];
  return typeof distribution.outbound === 'string' ? [distribution.outbound] : distribution.outbound;
}

/** XEP-0282 §4.11.1.2: the MUST, or the MUST and those MAYs that are true. Each has a field in the room's configuration. */
export interface ScenarioSplit {
  /** Default freeze. */
  readonly policy?: 'freeze' | 'local';
  /** Local conversation; default true. */
  readonly chat?: boolean;
  /** Private messages between local users; default true. */
  readonly pm?: boolean;
  /** Users may enter, provisionally; default false. */
  readonly entry?: boolean;
  /** Moderators whom the primary knows may kick local users; default true. */
  readonly kick?: boolean;
  /** Those on the other side are marked as away, whatever the policy; default false. */
  readonly away?: boolean;
}

export interface ScenarioOccupant {
  /** Full JID of the character. */
  readonly jid: string;
  readonly nick: string;
  /** Room address the character joins: with 0282 the primary's, with 0289 the node of their own side. */
  readonly room: string;
}

export type ScenarioAct = { readonly act: 'join' | 'leave'; readonly who: string };

import { byService, meantBy } from '../core/distribution/primary-replica/by-service.ts';
import { isWordless } from '../core/distribution/wordless.ts';
import { stanzaError } from '../core/xmpp/errors.ts';
import { bareOf, domainOf, type Jid } from '../core/xmpp/jid.ts';
import { errorReply, readdressed, type Stanza, withParts } from '../core/xmpp/stanza.ts';
import type { LinkHandlers, StanzaLink, Written } from '../host/stanza-link.ts';
import { ComponentLink, type ComponentLinkOptions } from './component-link.ts';

export interface ReplicaLinkOptions extends Omit<ComponentLinkOptions, 'domain' | 'trusted'> {
  /** The room. Its address is a component of this server, which hands over what its users send there. */
  readonly room: Jid;
  /** The replica's own address, also a component of this server. What the primary sends arrives there. */
  readonly self: Jid;
}

/**
 * A replica's link to the server of its users (XEP-0282). It consists of two components, one at the room's address and one
 * at the replica's own. The server routes everything addressed to the room to the first, even what the second sends. So the
 * primary is addressed through its service (decision #46).
 *
 * The link is up while both components are. What arrives while only one is up may be only a part of what was sent.
 */
export class ReplicaLink implements StanzaLink {
  readonly #options: ReplicaLinkOptions;
  readonly #users: ComponentLink;
  readonly #primary: ComponentLink;
  #handlers: LinkHandlers | undefined;
  readonly #up = new Set<ComponentLink>();
  #server: Jid;
  #stream = '';
  #rx = 0;
  #tx = 0;

  constructor(options: ReplicaLinkOptions) {
    const { room, self, ...rest } = options;
    this.#options = options;
    this.#server = options.server ?? domainOf(self);
    this.#users = new ComponentLink({ ...rest, domain: room, trusted: true });
    this.#primary = new ComponentLink({ ...rest, domain: self, trusted: true });
  }

  get backlog(): number {
    return this.#users.backlog + this.#primary.backlog;
  }

  async start(handlers: LinkHandlers): Promise<void> {
    this.#handlers = handlers;
    await Promise.all([this.#users, this.#primary].map((link) => link.start(this.#handlersOf(link))));
  }

  send(stanza: Stanza, told?: Written): void {
    const written = told && (() => told({ stream: this.#stream, n: ++this.#tx }));
    if (bareOf(stanza.to) !== this.#options.room) return this.#users.send(stanza, written);
    const to = byService(stanza.to);
    if (to !== undefined) return this.#primary.send(readdressed(stanza, to), written);
    this.#options.log?.(`not sent: ${stanza.to} is too long to be reached by its service`);
    const text = 'the address is too long for a room with replicas';
    const bounce = errorReply(stanza, stanzaError('modify', 'jid-malformed', text, this.#options.room));
    if (bounce) this.#users.send(bounce);
  }

  drained(): Promise<void> | undefined {
    const both = [this.#users, this.#primary].flatMap((link) => link.drained() ?? []);
    return both.length === 0 ? undefined : Promise.all(both).then(() => undefined);
  }

  async stop(): Promise<void> {
    await Promise.all([this.#users.stop(), this.#primary.stop()]);
  }

  #handlersOf(link: ComponentLink): LinkHandlers {
    const { room } = this.#options;
    return {
      stanza: (_, stanza) => {
        // A bounce of our own stanza, since the primary could not be reached. To everyone else it comes from the room.
        const meant = link === this.#primary ? meantBy(stanza.from) : undefined;
        if (meant !== undefined && bareOf(meant) === room) this.#arrived(withParts(stanza, { from: meant }));
        else this.#arrived(stanza);
      },
      up: (peer, stream) => {
        this.#up.add(link);
        if (this.#up.size < 2) return;
        this.#server = peer;
        this.#stream = stream;
        this.#rx = this.#tx = 0;
        this.#handlers?.up(this.#server, stream);
      },
      down: () => {
        const wasUp = this.#up.size === 2;
        this.#up.delete(link);
        if (wasUp) this.#handlers?.down(this.#server);
      },
      progress: (phase, detail) => this.#handlers?.progress?.(phase, detail),
    };
  }

  #arrived(stanza: Stanza): void {
    if (this.#up.size < 2) {
      this.#options.log?.(`only one stream is up: refused a ${stanza.name} from ${stanza.from}`);
      const error = stanzaError('wait', 'remote-server-timeout', undefined, this.#options.room);
      const refusal = isWordless(stanza) ? undefined : errorReply(stanza, error);
      if (refusal && bareOf(stanza.to) === this.#options.room) this.#users.send(refusal);
      return;
    }
    this.#handlers?.stanza(domainOf(stanza.from), stanza, { stream: this.#stream, n: ++this.#rx });
  }
}

/**
 * XEP-0281: a source on server 0, and a shadow on each of the S = K − 1 others. Each instance tells each other what its own users do,
 * and passes nothing on (§3.4): K − 1 stanzas for whatever happens, in one hop.
 */
import { formOf } from '../core/distribution/source-shadow/configuration.ts';
import { defaultRoomConfig } from '../core/room/config.ts';
import { roomConfigForm } from '../core/room/config-form.ts';
import { writeLinkPlace } from '../core/xep/fmuc-sync.ts';
import { writeGreeting, writeHave, writeNews, writeTopic } from '../core/xep/instances.ts';
import { writeForm } from '../core/xep/xep0004.ts';
import type { MucUser } from '../core/xep/xep0045.ts';
import { ping } from '../core/xep/xep0199.ts';
import { writeDelay } from '../core/xep/xep0203.ts';
import {
  writeConfig,
  writeHistoryRequest,
  writeHistoryResult,
  writeRoster,
  writeServiceOrder,
} from '../core/xep/xep0281.ts';
import type { Jid } from '../core/xmpp/jid.ts';
import { NS } from '../core/xmpp/namespaces.ts';
import { iq, message, presence, type Stanza, stanzaElement, stanzaLength } from '../core/xmpp/stanza.ts';
import { el, serializedLength, type XmlElement } from '../core/xmpp/xml.ts';
import { type Design, pingsAnHour } from './design.ts';
import { authorsIn, type Network, occupantsOf } from './network.ts';
import { at, epoch, id, Samples } from './samples.ts';
import { nothing, sendingMs, sum, times } from './traffic.ts';

/** Messages in one answer (decision #203). */
const pageMax = 100;
/** So many rooms are named at most in what says how far it has come. */
const haveMax = 500;
/** As long as the digest of a configuration. */
const digest = '0123456789abcdef0123456789abcdef01234567';

class InstanceSamples extends Samples {
  readonly #n: number;
  readonly #have: ReturnType<typeof writeHave>;
  readonly #reached: readonly { readonly by: Jid; readonly epoch: number; readonly n: number }[];

  constructor(network: Network) {
    super(network);
    const { occupants, messages, churn, missed } = network;
    this.#n = Math.ceil((occupantsOf(network) + messages + 4 * churn) / 2 / occupants.length);
    const spoken = authorsIn(network).filter((count, server) => count > 0 || (server === 0 && missed > 0)).length;
    const said = { by: this.room, epoch, n: Math.max(1, Math.ceil(messages / occupants.length)) };
    this.#reached = Array.from({ length: Math.min(haveMax, spoken) }, () => said);
    this.#have = writeHave(this.#reached);
  }

  #between(type: 'get' | 'set' | 'result', ...payloads: readonly XmlElement[]): Stanza {
    return iq(this.room, this.room, { id, type }, ...payloads);
  }

  /** §3.4: about a user of the instance that sends it. */
  news(about: Partial<MucUser> = {}, type?: string): Stanza {
    const place = { session: id, n: this.#n, h: this.#n };
    const parts = [...this.occupantId, this.about({ jid: this.user, ...about }), writeNews({ place })];
    return presence(this.occupant, this.occupant, { id, type }, ...parts);
  }

  /** §3.6. */
  told(): Stanza {
    const place = { session: id, n: this.#n, h: this.#n };
    const news = writeNews({ place, order: { epoch, n: this.#n }, at, origin: id });
    return message(this.occupant, this.occupant, { id, type: 'groupchat' }, this.body, this.stanzaId, news);
  }

  /** §3.2: a service is asked for a shadow, and agrees. */
  replication(): readonly Stanza[] {
    const { room, service } = this;
    return [
      iq(service, service, { id, type: 'set' }, writeServiceOrder('replicate', { id: 'hall', instance: room })),
      iq(service, service, { id, type: 'result' }),
    ];
  }

  /** §3.2: an earlier shadow is told of a new one. */
  notice(): readonly Stanza[] {
    const { room, service } = this;
    return [
      iq(service, service, { id, type: 'set' }, writeServiceOrder('peerhost', { id: 'hall', instance: room })),
      iq(service, service, { id, type: 'result' }),
    ];
  }

  /** §3.2: what a new shadow has from the source: the configuration with the lists, and the past, which is empty. */
  beginning(shadows: number): readonly Stanza[] {
    const { room } = this;
    const config = defaultRoomConfig(room);
    const form = writeForm({ type: 'submit', formType: roomConfigForm, fields: formOf({ config }) });
    const instance = el('instance', NS.ext, { jid: room });
    const others = el('instances', NS.ext, {}, ...Array.from({ length: shadows }, () => instance));
    const subject = message(room, room, { type: 'groupchat' }, el('subject', NS.client));
    return [
      this.#between('set', writeConfig(form, others, el('query', NS.mucAdmin))),
      this.#between('result'),
      this.#between('get', writeHistoryRequest('hall', { maxstanzas: pageMax })),
      this.#between('result', writeHistoryResult([], writeTopic(stanzaElement(subject)))),
    ];
  }

  /** Decision #202: two instances link: the greeting, and the roster of each. @param has  whether anything has been said */
  link(has: boolean): readonly Stanza[] {
    const greeting = writeGreeting({ session: id, config: digest, have: has ? this.#reached : [] });
    const roster = this.#between('set', writeRoster([]));
    const answer = this.#between('result');
    return [this.#between('set', greeting), this.#between('result', greeting), roster, answer, roster, answer];
  }

  /** Bytes of one user in a roster. */
  get rosterItem(): number {
    const { user: jid, nick: name } = this;
    const item = { affiliation: 'none', role: 'participant', jid, name, occupantId: id, presence: [] } as const;
    return serializedLength(writeRoster([item, item])) - serializedLength(writeRoster([item]));
  }

  /** Decision #203: a page of the past, and the bytes of a message in it. */
  page(): readonly Stanza[] {
    const history = { maxstanzas: pageMax };
    return [
      this.#between('get', writeHistoryRequest('hall', history, ...this.#have)),
      this.#between('result', writeHistoryResult([])),
    ];
  }

  get pastBytes(): number {
    const news = writeNews({ order: { epoch, n: this.#n }, at, origin: id });
    const delay = writeDelay({ from: this.user, stamp: at });
    const parts = [this.body, ...this.occupantId, this.stanzaId, news, delay];
    return serializedLength(stanzaElement(message(this.occupant, this.room, { id, type: 'groupchat' }, ...parts)));
  }

  /** Decision #203: a ping says how far all has come that was ever said. */
  pings(): readonly Stanza[] {
    const place = writeLinkPlace({ session: id, n: this.#n });
    return [ping(this.room, this.room, id, place, ...this.#have), this.#between('result', place, ...this.#have)];
  }
}

const pairsOf = (instances: number) => (instances * (instances - 1)) / 2;

export const sourceShadow: Design = {
  id: '0281',

  /**
   * §3.2: for each shadow 2 to replicate it, 2 for the configuration and 2 for the past; 2 to tell each shadow of each later one, so
   * 2 for each pair of shadows; 6 to link each pair of instances. 6 S + S (S − 1) + 3 K (K − 1). Then the first of each server enters,
   * and each other instance is told: K (K − 1).
   */
  linking(network) {
    const samples = new InstanceSamples(network);
    const all = network.occupants.length;
    const each = (count: number, stanzas: readonly Stanza[]) => sum(...stanzas.map((stanza) => times(count, stanza)));
    return sum(
      each(all - 1, samples.replication()),
      each(all - 1, samples.beginning(all - 1)),
      each(pairsOf(all - 1), samples.notice()),
      each(pairsOf(all), samples.link(false)),
      times(all * (all - 1), samples.news()),
    );
  },

  /** §3.4: K − 1 for each who enters. */
  joins(network) {
    const all = network.occupants.length;
    return times((occupantsOf(network) - all) * (all - 1), new InstanceSamples(network).news());
  },

  /** §3.6: K − 1 for each message. */
  messages(network) {
    return times(network.messages * (network.occupants.length - 1), new InstanceSamples(network).told());
  },

  /** §3.4: K − 1 for the leave, K − 1 for the entry, 2 (K − 1) for the nick. */
  churn(network) {
    const samples = new InstanceSamples(network);
    const each = network.churn * (network.occupants.length - 1);
    return sum(
      times(each, samples.news({ role: 'none' }, 'unavailable')),
      times(2 * each, samples.news()),
      times(each, samples.news({ nick: samples.nick, statuses: [303] }, 'unavailable')),
    );
  },

  /** The pings of each of the K (K − 1) / 2 pairs. */
  upkeep(network) {
    const each = (pairsOf(network.occupants.length) * pingsAnHour) / 2;
    return sum(...new InstanceSamples(network).pings().map((stanza) => times(each, stanza)));
  },

  /**
   * Decisions #202, #203: 6 with each of the K − 1 others, with the users of both in the rosters; and 2 for each page of a hundred of
   * what was missed: 6 (K − 1) + 2 ⌈missed / 100⌉.
   */
  resync(network) {
    const { occupants, missed } = network;
    if (occupants.length < 2) return nothing;
    const samples = new InstanceSamples(network);
    const others = occupants.length - 1;
    const own = occupants.at(-1) ?? 0;
    const listed = occupantsOf(network) - own + others * own;
    return sum(
      ...samples.link(true).map((stanza) => times(others, stanza)),
      { stanzas: 0, bytes: listed * samples.rosterItem + missed * samples.pastBytes },
      ...samples.page().map((stanza) => times(Math.ceil(missed / pageMax), stanza)),
    );
  },

  /** 1 ms of the log of the author's instance, one hop, and 1 ms of the other's log. */
  lastDeliveryMs(network) {
    const { latencyMs, bytesPerSecond } = network.link;
    if (network.occupants.length === 1) return 1;
    const bytes = stanzaLength(new InstanceSamples(network).told());
    return 1 + latencyMs + sendingMs(bytes, bytesPerSecond) + 1;
  },
};

/**
 * XEP-0282: a primary on server 0, and a replica on each of the R = K − 1 others. What a user of a replica asks goes to the primary
 * as it is (§4.8), and the primary tells each replica once.
 */
import { replicaForm } from '../core/distribution/primary-replica/replica-form.ts';
import { defaultRoomConfig } from '../core/room/config.ts';
import {
  writeAck,
  writeCreate,
  writeCreated,
  writeNetjoin,
  writeOffer,
  writeReady,
  writeStanding,
} from '../core/xep/sync.ts';
import type { MucUser } from '../core/xep/xep0045.ts';
import { ping } from '../core/xep/xep0199.ts';
import { type Dmuc, writeDmuc } from '../core/xep/xep0282.ts';
import { domainOf } from '../core/xmpp/jid.ts';
import { iq, message, presence, type Stanza, stanzaLength } from '../core/xmpp/stanza.ts';
import { type Design, pingsAnHour } from './design.ts';
import { authorsIn, changersIn, type Network, occupantsOf } from './network.ts';
import { at, epoch, id, Samples } from './samples.ts';
import { nothing, sendingMs, sum, times } from './traffic.ts';

/** The numbers with which a primary counts what it has told: half of the last one is as long as most. */
function positionIn(network: Network) {
  return { epoch, n: Math.ceil((occupantsOf(network) + network.messages + 3 * network.churn) / 2) };
}

class ReplicaSamples extends Samples {
  readonly #position: { readonly epoch: number; readonly n: number };

  constructor(network: Network) {
    super(network);
    this.#position = positionIn(network);
  }

  /** §4.3: an occupant as a replica is told of them. @param dmuc  §4.5, §4.6: and who is to be entered or is to leave */
  update(about: Partial<MucUser> = {}, dmuc: Dmuc = {}, type?: string): Stanza {
    const parts = about.role === 'none' ? [] : this.occupantId;
    const x = writeDmuc({ ...dmuc, position: this.#position });
    return presence(this.occupant, this.replica, { id, type }, ...parts, this.about(about), x);
  }

  /** §4.9. */
  accepted(): Stanza {
    const delay = { from: this.occupant, stamp: at };
    const x = writeDmuc({ delay, origin: id, position: this.#position });
    return message(
      this.occupant,
      this.replica,
      { id, type: 'groupchat' },
      this.body,
      ...this.occupantId,
      x,
      this.stanzaId,
    );
  }

  /** The five stanzas by which a replica is created, which is empty then (§4.2, decisions #4 to #7). */
  creation(): readonly Stanza[] {
    const { room, replica } = this;
    const keepalive = { interval: 60, timeout: 15 };
    const config = replicaForm({ config: defaultRoomConfig(room) });
    const created = {
      session: id,
      epoch,
      n: 0,
      mode: 'full',
      jids: 'none',
      keepalive,
      maxstanzas: 200,
      config,
    } as const;
    const create = { serves: [domainOf(this.user)], keepalive, maxstanzas: 200, moderators: 0 };
    return [
      message(room, replica, { id }, writeOffer()),
      iq(replica, room, { id, type: 'set' }, writeCreate(create)),
      iq(room, replica, { id, type: 'result' }, writeCreated(created)),
      iq(room, replica, { id: `ready-${id}`, type: 'set' }, writeReady({ n: 0, roster: 0, history: 0 })),
      iq(replica, room, { id: `ready-${id}`, type: 'result' }, writeAck({ h: 0, moderators: 0 })),
    ];
  }

  /** The five stanzas around what a replica has missed (decisions #4, #41). */
  netjoin(): readonly Stanza[] {
    const { room, replica } = this;
    const { n } = this.#position;
    const keepalive = { interval: 60, timeout: 15 };
    const config = replicaForm({ config: defaultRoomConfig(room) });
    const created = { session: id, epoch, n, mode: 'delta', jids: 'none', keepalive, maxstanzas: 200, config } as const;
    const users = '10-811c9dc5';
    return [
      message(room, replica, { id }, writeOffer()),
      iq(replica, room, { id, type: 'set' }, writeNetjoin({ session: id, have: { epoch, n }, moderators: 0 })),
      iq(room, replica, { id, type: 'result' }, writeCreated(created)),
      iq(room, replica, { id: `ready-${id}`, type: 'set' }, writeReady({ n, roster: 0, history: 0, users })),
      iq(replica, room, { id: `ready-${id}`, type: 'result' }, writeAck({ h: n, moderators: 0 })),
    ];
  }

  /** Decision #2: a ping of either side, with its answer. */
  pings(): readonly Stanza[] {
    const { room, replica } = this;
    const { n } = this.#position;
    const standing = writeStanding({ epoch, n, users: '10-811c9dc5' });
    const ack = writeAck({ h: n, moderators: 0 });
    return [
      ping(room, replica, id, standing),
      iq(replica, room, { id, type: 'result' }, ack),
      ping(replica, room, id, ack),
      iq(room, replica, { id, type: 'result' }, standing),
    ];
  }
}

export const primaryReplica: Design = {
  id: '0282',

  /**
   * §4.2: 5 stanzas for each replica; then the first of each server enters. The one of the primary costs R, one for each replica; one of
   * a replica R + 2, with the request and the `<enter/>` (§4.5). R · 5 + R + R (R + 2).
   */
  linking(network) {
    const samples = new ReplicaSamples(network);
    const replicas = network.occupants.length - 1;
    return sum(...samples.creation().map((stanza) => times(replicas, stanza)), entries(network, samples, 1, replicas));
  },

  /** §4.3, §4.5: R for each who enters at the primary, R + 2 for each other. */
  joins(network) {
    const elsewhere = network.occupants.slice(1).reduce((all, here) => all + here - 1, 0);
    return entries(network, new ReplicaSamples(network), (network.occupants[0] ?? 1) - 1, elsewhere);
  },

  /** §4.9: R for each message, and 1 before that from an author of a replica (§4.8). */
  messages(network) {
    const samples = new ReplicaSamples(network);
    const near = authorsIn(network)[0] ?? 0;
    const replicas = network.occupants.length - 1;
    return sum(times(network.messages - near, samples.says()), times(network.messages * replicas, samples.accepted()));
  },

  /**
   * §4.6, §4.3: a round of a user of the primary is R for the leave, R for the entry, R for the nick: one stanza says both halves of a
   * change. Of a user of a replica it is that, 3 requests, 1 `<leave/>` and 1 `<enter/>`.
   */
  churn(network) {
    const samples = new ReplicaSamples(network);
    const near = changersIn(network)[0] ?? 0;
    const away = network.churn - near;
    const replicas = network.occupants.length - 1;
    return sum(
      times(away, samples.leaves()),
      times(away, samples.update({ role: 'none' }, { leave: samples.user }, 'unavailable')),
      times(network.churn * replicas, samples.update({ role: 'none' }, {}, 'unavailable')),
      entries(network, samples, near, away),
      times(away, samples.renames()),
      times(network.churn * replicas, samples.update({ nick: samples.nick, statuses: [303] }, {}, 'unavailable')),
    );
  },

  /** §4.10: the pings of R pairs. */
  upkeep(network) {
    const replicas = network.occupants.length - 1;
    const each = (replicas * pingsAnHour) / 4;
    return sum(...new ReplicaSamples(network).pings().map((stanza) => times(each, stanza)));
  },

  /**
   * Decision #41: the primary offers, the replica asks and is answered, each change that was missed, ready and its answer: 5 + missed,
   * however many are in.
   */
  resync(network) {
    if (network.occupants.length < 2) return nothing;
    const samples = new ReplicaSamples(network);
    return sum(...samples.netjoin().map((stanza) => times(1, stanza)), times(network.missed, samples.accepted()));
  },

  /** The way to the primary (of an author elsewhere), 1 ms of its log, the way to a replica, and 1 ms of that one's log. */
  lastDeliveryMs(network, author) {
    const samples = new ReplicaSamples(network);
    const { latencyMs, bytesPerSecond } = network.link;
    const way = (stanza: Stanza) => latencyMs + sendingMs(stanzaLength(stanza), bytesPerSecond);
    const there = author === 0 ? 0 : way(samples.says());
    return there + 1 + (network.occupants.length === 1 ? 0 : way(samples.accepted()) + 1);
  },
};

function entries(network: Network, samples: ReplicaSamples, near: number, away: number) {
  const replicas = network.occupants.length - 1;
  return sum(
    times((near + away) * replicas, samples.update()),
    times(away, samples.enters()),
    times(away, samples.update({}, { enter: samples.user })),
  );
}

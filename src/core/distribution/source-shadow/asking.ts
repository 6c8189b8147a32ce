/**
 * XEP-0281 §1.3 "the firsthost's information rules", decisions #205 and #206: what users of a shadow want to change of the room goes to
 * the source, which answers. While that is out of reach it is kept.
 */
import type { Change } from '../../room/change.ts';
import { handBack } from '../../room/hand-back.ts';
import { asks } from '../../room/passed.ts';
import { receive } from '../../room/receive.ts';
import { type Refusal, refusal } from '../../room/refusal.ts';
import { registerNs } from '../../room/register.ts';
import type { RoomTurn } from '../../room/room-turn.ts';
import { tellUser } from '../../room/tell.ts';
import { isVcard } from '../../room/vcard.ts';
import { readAsked, writeAsked } from '../../xep/instances.ts';
import { readForm } from '../../xep/xep0004.ts';
import { stanzaError } from '../../xmpp/errors.ts';
import { type Jid, resourceOf } from '../../xmpp/jid.ts';
import { NS } from '../../xmpp/namespaces.ts';
import { errorOf, errorReply, iq, iqResult, make, type Stanza, withParts } from '../../xmpp/stanza.ts';
import type { XmlElement } from '../../xmpp/xml.ts';
import { type InstancePeer, instancePeer } from '../peers.ts';
import type { Links } from './links.ts';

/** So much is kept for the source. */
const keptMax = 50;

/** What a user asks of the room that the source alone may grant; undefined: it is nothing of the kind. */
function wishOf(stanza: Stanza): XmlElement | undefined {
  if (resourceOf(stanza.to) !== '') return undefined;
  const [payload] = stanza.payloads;
  if (stanza.name === 'iq') {
    if (stanza.type !== 'set' || payload === undefined) return undefined;
    const isOrder = payload.name === 'query' && [NS.mucAdmin, NS.mucOwner, registerNs].includes(payload.xmlns);
    return isOrder || isVcard(payload) ? payload : undefined;
  }
  if (stanza.name !== 'message' || stanza.type === 'groupchat' || stanza.type === 'error') return undefined;
  // §8.6: a moderator gives voice.
  const form = readForm({ children: stanza.payloads });
  const isApproval = form?.fields.some(({ var: name }) => name === 'muc#request_allow') === true;
  return isApproval ? stanza.payloads.find(({ xmlns }) => xmlns === NS.dataForms) : undefined;
}

/** At a shadow. */
export class Asking {
  readonly #links: Links;
  readonly #source: Jid;
  /** By id of the iq: what was kept, and is with the source now; and how many pings the source has answered since. */
  readonly #sent = new Map<string, { readonly kept: string; pongs: number }>();

  constructor(links: Links, source: Jid) {
    this.#links = links;
    this.#source = source;
  }

  /** Passes it on. @returns whether it was something for the source, and that is linked */
  fromUser(turn: RoomTurn, stanza: Stanza): boolean {
    const payload = wishOf(stanza);
    const link = this.#links.of(this.#source);
    // A plain source does not know of this, and users find it by themselves.
    if (payload === undefined || link === undefined || !link.counts) return false;
    this.#pass(turn, stanza, payload);
    return true;
  }

  #pass(turn: RoomTurn, stanza: Stanza, payload: XmlElement): void {
    const { room, env } = turn;
    const asked = writeAsked(stanza.from, payload);
    const sent = make(stanza.name, room.jid, this.#source, { type: stanza.type, id: env.newId() }, [asked]);
    if (stanza.name !== 'iq') return void this.#links.of(this.#source)?.send(turn, sent, 'decision#205');
    turn.passed.add(sent, asks(stanza));
    this.#links.of(this.#source)?.request(turn, sent, 'decision#205');
  }

  /** A change that this room's own rules allow, and that the source is to decide. */
  decide(turn: RoomTurn, change: Change, stanza: Stanza): 'commit' | 'held' | Refusal {
    switch (change.kind) {
      case 'affiliated':
      case 'configured':
      case 'registered':
      case 'destroyed':
        return stanza.name === 'iq' ? this.#keep(turn, stanza) : this.#invite(turn, stanza);
      default:
        return 'commit';
    }
  }

  /** An invitation makes a member (§7.8.2). */
  #invite(turn: RoomTurn, stanza: Stanza): 'held' | Refusal {
    const [payload] = stanza.payloads.filter(({ xmlns }) => xmlns === NS.mucUser);
    if (payload === undefined || this.#links.of(this.#source)?.counts !== true) return outOfReach;
    this.#pass(turn, stanza, payload);
    return 'held';
  }

  /** Decision #206: the source is out of reach, so the user's wish waits for it. */
  #keep(turn: RoomTurn, stanza: Stanza): 'held' | Refusal {
    const { room, env } = turn;
    const [payload] = stanza.payloads;
    const record = instancePeer(room, this.#source);
    const asked = record?.asked ?? [];
    if (record === undefined || payload === undefined || asked.length >= keptMax) return outOfReach;
    const kept = { id: env.newId(), from: stanza.from, payload };
    const after: InstancePeer = { ...record, asked: [...asked, kept] };
    turn.record({ kind: 'peerChanged', peer: this.#source, record: after });
    turn.send(iqResult(stanza), 'decision#206');
    const text =
      'The room’s source is out of reach. What you asked for waits until it can decide, and you will be told.';
    tellIfIn(turn, stanza.from, text);
    return 'held';
  }

  /** The source is linked: it is asked for what was kept. */
  linked(turn: RoomTurn): void {
    this.#sent.clear();
    for (const kept of instancePeer(turn.room, this.#source)?.asked ?? []) this.#ask(turn, kept);
  }

  #ask(turn: RoomTurn, { id: kept, from, payload }: NonNullable<InstancePeer['asked']>[number]): void {
    const { room, env } = turn;
    const id = env.newId();
    this.#sent.set(id, { kept, pongs: 0 });
    const request = iq(room.jid, this.#source, { type: 'set', id }, writeAsked(from, payload));
    this.#links.of(this.#source)?.request(turn, request, 'decision#206');
  }

  /** The source has answered a ping. What it has not answered, though it has answered two pings since, was lost on the way. */
  pong(turn: RoomTurn): void {
    for (const [id, sent] of [...this.#sent]) {
      if (++sent.pongs < 2) continue;
      this.#sent.delete(id);
      const kept = instancePeer(turn.room, this.#source)?.asked?.find((one) => one.id === sent.kept);
      if (kept !== undefined) this.#ask(turn, kept);
    }
  }

  /** The source answers. @returns whether it was asked */
  take(turn: RoomTurn, stanza: Stanza): boolean {
    const { room } = turn;
    const id = stanza.id === undefined ? undefined : this.#sent.get(stanza.id)?.kept;
    if (id === undefined) return handBack(turn, stanza);
    this.#sent.delete(stanza.id ?? '');
    const record = instancePeer(room, this.#source);
    const kept = record?.asked?.find((one) => one.id === id);
    if (record === undefined || kept === undefined) return true;
    const asked = record.asked?.filter((one) => one !== kept) ?? [];
    const after: InstancePeer = { ...record, asked };
    turn.record({ kind: 'peerChanged', peer: this.#source, record: after });
    const { condition, text } = errorOf(stanza) ?? {};
    const no = stanza.type === 'error' ? (text ?? condition ?? 'no reason given') : undefined;
    const word =
      no === undefined
        ? 'The source has done what you asked for during the split.'
        : `The source refuses what you asked for during the split: ${no}`;
    tellIfIn(turn, kept.from, word);
    return true;
  }
}

/** Who may ask for something need not be in, and is then written to by nobody of the room. */
function tellIfIn(turn: RoomTurn, user: Jid, text: string): void {
  const known = turn.room.occupantByJid(user);
  if (known !== undefined && known.home === undefined) tellUser(turn, user, text, 'decision#206');
}

const outOfReach = refusal('wait', 'remote-server-timeout', 'decision#206', 'the source of the room is out of reach');

/** At the source: a user of a shadow asks for something. They are who the shadow says, if they are of its server. Decision #205. */
export function takeAsked(turn: RoomTurn, links: Links, peer: Jid, stanza: Stanza): boolean {
  const { room, env } = turn;
  const asked = stanza.type === 'get' ? undefined : readAsked(stanza.payloads);
  if (asked === undefined) return false;
  const { from, payload } = asked;
  const known = room.occupantByJid(from);
  if (!links.holds(peer, from) || (known !== undefined && known.home !== peer)) {
    const error = stanzaError('auth', 'forbidden', 'they are no user of your server');
    turn.send(errorReply(stanza, error), 'decision#205', peer);
    return true;
  }
  const request = withParts(stanza, { from, to: room.jid, id: env.newId(), payloads: [payload] });
  const answers = turn.answering(request, (answer, spec) =>
    turn.send(withParts(answer, { from: room.jid, to: peer, id: stanza.id }), spec, peer),
  );
  receive(answers, request);
  return true;
}

import { hasStatus, readMucUser, writeJoin, writeKick } from '../xep/xep0045.ts';
import { isPing } from '../xep/xep0199.ts';
import { assertNever } from '../xmpp/errors.ts';
import { bareOf, type Jid, occupantJid, parseJid, parseNick, resourceOf } from '../xmpp/jid.ts';
import { NS } from '../xmpp/namespaces.ts';
import { errorOf, errorReply, iq, iqResult, message, presence, type Stanza } from '../xmpp/stanza.ts';
import { el } from '../xmpp/xml.ts';
import { Redirect } from './redirect.ts';

/** What a person does through a client. */
export type OccupantAct =
  /** `room`: another one than that of the last time. */
  | { readonly act: 'join'; readonly room?: Jid; readonly password?: string }
  | { readonly act: 'leave' }
  /** Goes where the room sends the user, or does not. */
  | { readonly act: 'accept' | 'decline' }
  | { readonly act: 'say' | 'subject'; readonly text: string }
  | { readonly act: 'nick'; readonly nick: string }
  | { readonly act: 'presence'; readonly show: string; readonly status?: string }
  /** `to` is a nick. */
  | { readonly act: 'pm'; readonly to: string; readonly text: string }
  /** `nick`: whom a moderator puts out of the room. */
  | { readonly act: 'kick'; readonly nick: string; readonly reason?: string };

export type OccupantInput =
  | { readonly kind: 'stanza'; readonly stanza: Stanza }
  | { readonly kind: 'act'; readonly act: OccupantAct }
  | { readonly kind: 'linkUp' | 'linkDown' };

export type OccupantEffect =
  | { readonly kind: 'send'; readonly stanza: Stanza; readonly spec: string }
  /** `state()` is different now. */
  | { readonly kind: 'changed' };

export interface OccupantState {
  /** 'joined' from the self-presence with status 110 (XEP-0045 §7.2.2) until the own unavailable. */
  readonly phase: 'offline' | 'online' | 'joining' | 'joined';
  readonly nick: string;
  /** The room that the user is in, or has asked for. */
  readonly room: Jid;
  /** The user asked for `from`, which sends them to this room: decision #209. Both rooms confirm it, and the user is to decide. */
  readonly offer?: { readonly room: Jid; readonly from: Jid };
  /** Why the last join, message, nick change or kick was refused: the room's condition and text; or that the room has ended. */
  readonly error?: string;
}

export interface OccupantHalf {
  handle(input: OccupantInput, env: { newId(): string }): readonly OccupantEffect[];
  state(): OccupantState;
}

type Changed = Omit<OccupantState, 'room'>;

/**
 * The client half of XEP-0045: one user, one room at a time. It keeps only what a client must know to act (am I in, under which
 * nick); what the room looks like is read from the trace.
 *
 * @param who  jid: the user's full JID; room: the bare JID of the room at first; nick: the one to enter with
 */
export function createOccupant(who: { readonly jid: Jid; readonly room: Jid; readonly nick: string }): OccupantHalf {
  let state: OccupantState = { phase: 'offline', nick: who.nick, room: who.room };
  /** Where the user was last, to come back to. */
  let home = who.room;
  /** Id of the last join. */
  let asked: string | undefined;
  /** Id of the last kick. */
  let kicking: string | undefined;
  /** Since the last join. */
  let redirect: Redirect | undefined;

  /** Replaces the state; the error stays until something succeeds. */
  const become = (next: Changed, room = state.room): OccupantEffect[] => {
    state = { ...next, room };
    if (next.phase === 'joined') home = room;
    return [{ kind: 'changed' }];
  };
  const send = (stanza: Stanza, spec: string): OccupantEffect => ({ kind: 'send', stanza, spec });
  const toRoom = () => occupantJid(state.room, state.nick);

  function enter(room: Jid, env: { newId(): string }, password?: string): readonly OccupantEffect[] {
    asked = env.newId();
    redirect = new Redirect(who.jid, room);
    return [
      ...become({ phase: 'joining', nick: state.nick }, room),
      send(presence(who.jid, toRoom(), { id: asked }, writeJoin({ password })), '0045#7.2'),
    ];
  }

  function act(action: OccupantAct, env: { newId(): string }): readonly OccupantEffect[] {
    switch (action.act) {
      case 'join':
        return enter(action.room ?? home, env, action.password);
      case 'accept':
        return state.offer === undefined ? [] : enter(state.offer.room, env);
      case 'decline': {
        redirect = undefined;
        const { offer: _, ...rest } = state;
        return state.offer === undefined ? [] : become(rest, home);
      }
      case 'leave':
        return [send(presence(who.jid, toRoom(), { id: env.newId(), type: 'unavailable' }), '0045#7.14')];
      case 'say':
        return [
          send(
            message(
              who.jid,
              state.room,
              { id: env.newId(), type: 'groupchat' },
              el('body', NS.client, {}, action.text),
            ),
            '0045#7.4',
          ),
        ];
      case 'subject':
        return [
          send(
            message(
              who.jid,
              state.room,
              { id: env.newId(), type: 'groupchat' },
              el('subject', NS.client, {}, action.text),
            ),
            '0045#8.1',
          ),
        ];
      case 'nick': {
        const nick = parseNick(action.nick);
        if (nick === undefined) return become({ ...state, error: `"${action.nick}" cannot be a nick` });
        if (state.phase !== 'joined') {
          const { error: _, ...rest } = state;
          return become({ ...rest, nick });
        }
        return [send(presence(who.jid, occupantJid(state.room, nick), { id: env.newId() }), '0045#7.6')];
      }
      case 'presence': {
        const payloads = [
          ...(action.show === '' ? [] : [el('show', NS.client, {}, action.show)]),
          ...(action.status === undefined ? [] : [el('status', NS.client, {}, action.status)]),
        ];
        return [send(presence(who.jid, toRoom(), { id: env.newId() }, ...payloads), '0045#7.7')];
      }
      case 'pm': {
        const to = parseNick(action.to);
        if (to === undefined) return become({ ...state, error: `"${action.to}" cannot be a nick` });
        return [
          send(
            message(
              who.jid,
              occupantJid(state.room, to),
              { id: env.newId(), type: 'chat' },
              el('body', NS.client, {}, action.text),
              el('x', NS.mucUser),
            ),
            '0045#7.5',
          ),
        ];
      }
      case 'kick': {
        const nick = parseNick(action.nick);
        if (nick === undefined) return become({ ...state, error: `"${action.nick}" cannot be a nick` });
        kicking = env.newId();
        const query = writeKick(nick, action.reason);
        return [send(iq(who.jid, state.room, { type: 'set', id: kicking }, query), '0045#8.2')];
      }
      default:
        return assertNever(action);
    }
  }

  /** What a redirect has the client ask, and what has come of it. */
  function follow(questions: readonly Stanza[]): readonly OccupantEffect[] {
    const room = redirect?.confirmed;
    const isNew = room !== undefined && room !== state.offer?.room && state.phase === 'online';
    return [
      ...questions.map((question) => send(question, 'decision#209')),
      ...(isNew ? become({ ...state, offer: { room, from: state.room } }) : []),
    ];
  }

  function receive(stanza: Stanza, env: { newId(): string }): readonly OccupantEffect[] {
    if (stanza.name === 'iq') {
      if (isPing(stanza)) return [send(iqResult(stanza), '0199#4')];
      if (redirect?.answered(stanza)) return follow([]);
      if (stanza.type === 'error' && stanza.id === kicking && stanza.from === state.room)
        return become({ ...state, error: whyIn(stanza) });
      if (stanza.type !== 'get' && stanza.type !== 'set') return [];
      const refusal = errorReply(stanza, { type: 'cancel', condition: 'service-unavailable' });
      return refusal ? [send(refusal, '6120#8.4')] : [];
    }
    if (bareOf(stanza.from) !== state.room) return [];
    if (stanza.type === 'error') return refused(stanza, env);
    if (stanza.name === 'message') return redirect === undefined ? [] : follow(redirect.invited(stanza, env));
    if (!hasStatus(stanza.payloads, 110)) return [];
    // A user who did not ask is no occupant. The room takes them for an earlier session that vanished; a join tells them more.
    if (state.phase === 'online') return [];
    redirect = undefined;
    if (stanza.type !== 'unavailable') return become({ phase: 'joined', nick: resourceOf(stanza.from) });
    const user = readMucUser(stanza.payloads);
    if (hasStatus(stanza.payloads, 303)) return become({ phase: 'joined', nick: user?.nick ?? state.nick });
    if (user?.destroy === undefined) return become({ phase: 'online', nick: state.nick });
    // §10.9: where people go on, if the room says so.
    const venue = parseJid(user.destroy.attrs['jid'] ?? '');
    const where = venue === undefined ? '' : `; it goes on at ${venue}`;
    return become({ phase: 'online', nick: state.nick, error: `${state.room} is no more${where}` });
  }

  function refused(stanza: Stanza, env: { newId(): string }): readonly OccupantEffect[] {
    const error = errorOf(stanza);
    const isAnswer =
      state.phase === 'joining' && stanza.name === 'presence' && (stanza.id === undefined || stanza.id === asked);
    // §7.4: not-acceptable to a message says that one is not in, whatever one believed; so does a room that is not there (§6.4).
    const isGone = error?.condition === 'item-not-found' && resourceOf(stanza.from) === '';
    const isOut = isGone || error?.condition === 'not-acceptable';
    const out = isAnswer || (state.phase !== 'joining' && stanza.name === 'message' && isOut);
    const effects = become({ ...state, phase: out ? 'online' : state.phase, error: whyIn(stanza) });
    if (!isAnswer) return effects;
    // What comes after any other refusal was not asked for.
    if (error?.condition !== 'redirect') redirect = undefined;
    return [...effects, ...follow(redirect?.refused(stanza, env) ?? [])];
  }

  return {
    state: () => state,
    handle(input, env) {
      switch (input.kind) {
        case 'linkUp':
          redirect = undefined;
          return become({ phase: 'online', nick: state.nick });
        case 'linkDown':
          return become({ phase: 'offline', nick: state.nick });
        case 'act':
          return act(input.act, env);
        case 'stanza':
          return receive(input.stanza, env);
        default:
          return assertNever(input);
      }
    },
  };
}

/** The condition and the text of an error. */
function whyIn(stanza: Stanza): string {
  const error = errorOf(stanza);
  if (error === undefined) return 'error without a condition';
  return `${error.condition}${error.text === undefined ? '' : `: ${error.text}`}`;
}

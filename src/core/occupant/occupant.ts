import { hasStatus, readMucUser, writeJoin } from '../xep/xep0045.ts';
import { isPing } from '../xep/xep0199.ts';
import { assertNever } from '../xmpp/errors.ts';
import { bareOf, type Jid, occupantJid, parseNick, resourceOf } from '../xmpp/jid.ts';
import { NS } from '../xmpp/namespaces.ts';
import { errorOf, errorReply, iqResult, message, presence, type Stanza } from '../xmpp/stanza.ts';
import { el } from '../xmpp/xml.ts';

/** What a person does through a client. */
export type OccupantAct =
  | { readonly act: 'join' | 'leave' }
  | { readonly act: 'say' | 'subject'; readonly text: string }
  | { readonly act: 'nick'; readonly nick: string }
  | { readonly act: 'presence'; readonly show: string; readonly status?: string }
  /** `to` is a nick. */
  | { readonly act: 'pm'; readonly to: string; readonly text: string };

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
  /** Why the last join, message or nick change was refused: the room's condition and text. */
  readonly error?: string;
}

export interface OccupantHalf {
  handle(input: OccupantInput, env: { newId(): string }): readonly OccupantEffect[];
  state(): OccupantState;
}

/**
 * The client half of XEP-0045: one user, one room. It keeps only what a client must know to act (am I in, under which
 * nick); what the room looks like is read from the trace.
 *
 * @param who  jid: the user's full JID; room: the bare JID of the room; nick: the one to enter with
 */
export function createOccupant(who: { readonly jid: Jid; readonly room: Jid; readonly nick: string }): OccupantHalf {
  let state: OccupantState = { phase: 'offline', nick: who.nick };
  /** Id of the last join. */
  let asked: string | undefined;

  /** Replaces the state; the error stays until something succeeds. */
  const become = (next: OccupantState): OccupantEffect[] => {
    state = next;
    return [{ kind: 'changed' }];
  };
  const send = (stanza: Stanza, spec: string): OccupantEffect => ({ kind: 'send', stanza, spec });
  const toRoom = () => occupantJid(who.room, state.nick);

  function act(action: OccupantAct, env: { newId(): string }): readonly OccupantEffect[] {
    switch (action.act) {
      case 'join':
        asked = env.newId();
        return [
          ...become({ phase: 'joining', nick: state.nick }),
          send(presence(who.jid, toRoom(), { id: asked }, writeJoin({})), '0045#7.2'),
        ];
      case 'leave':
        return [send(presence(who.jid, toRoom(), { id: env.newId(), type: 'unavailable' }), '0045#7.14')];
      case 'say':
        return [
          send(
            message(who.jid, who.room, { id: env.newId(), type: 'groupchat' }, el('body', NS.client, {}, action.text)),
            '0045#7.4',
          ),
        ];
      case 'subject':
        return [
          send(
            message(
              who.jid,
              who.room,
              { id: env.newId(), type: 'groupchat' },
              el('subject', NS.client, {}, action.text),
            ),
            '0045#8.1',
          ),
        ];
      case 'nick': {
        const nick = parseNick(action.nick);
        if (nick === undefined) return become({ ...state, error: `"${action.nick}" cannot be a nick` });
        if (state.phase !== 'joined') return become({ phase: state.phase, nick });
        return [send(presence(who.jid, occupantJid(who.room, nick), { id: env.newId() }), '0045#7.6')];
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
              occupantJid(who.room, to),
              { id: env.newId(), type: 'chat' },
              el('body', NS.client, {}, action.text),
              el('x', NS.mucUser),
            ),
            '0045#7.5',
          ),
        ];
      }
      default:
        return assertNever(action);
    }
  }

  function receive(stanza: Stanza): readonly OccupantEffect[] {
    if (stanza.name === 'iq') {
      if (isPing(stanza)) return [send(iqResult(stanza), '0199#4')];
      if (stanza.type !== 'get' && stanza.type !== 'set') return [];
      const refusal = errorReply(stanza, { type: 'cancel', condition: 'service-unavailable' });
      return refusal ? [send(refusal, '6120#8.4')] : [];
    }
    if (bareOf(stanza.from) !== who.room) return [];
    if (stanza.type === 'error') {
      const error = errorOf(stanza);
      const text = error
        ? `${error.condition}${error.text === undefined ? '' : `: ${error.text}`}`
        : 'error without a condition';
      // §7.4: not-acceptable to a message says that one is not in, whatever one believed.
      const out =
        state.phase === 'joining'
          ? stanza.name === 'presence' && (stanza.id === undefined || stanza.id === asked)
          : stanza.name === 'message' && error?.condition === 'not-acceptable';
      return become({ phase: out ? 'online' : state.phase, nick: state.nick, error: text });
    }
    if (stanza.name !== 'presence') return [];
    if (!hasStatus(stanza.payloads, 110)) return [];
    // A user who did not ask is no occupant. The room takes them for an earlier session that vanished; a join tells them more.
    if (state.phase === 'online') return [];
    if (stanza.type !== 'unavailable') return become({ phase: 'joined', nick: resourceOf(stanza.from) });
    if (hasStatus(stanza.payloads, 303))
      return become({ phase: 'joined', nick: readMucUser(stanza.payloads)?.nick ?? state.nick });
    return become({ phase: 'online', nick: state.nick });
  }

  return {
    state: () => state,
    handle(input, env) {
      switch (input.kind) {
        case 'linkUp':
          return become({ phase: 'online', nick: state.nick });
        case 'linkDown':
          return become({ phase: 'offline', nick: state.nick });
        case 'act':
          return act(input.act, env);
        case 'stanza':
          return receive(input.stanza);
        default:
          return assertNever(input);
      }
    },
  };
}

import { inWords, mistakeIn, whyNot } from '../core/occupant/acts.ts';
import { createOccupant, type OccupantAct, type OccupantInput } from '../core/occupant/occupant.ts';
import { type Field, type Form, readForm, writeForm } from '../core/xep/xep0004.ts';
import { type Jid, jid } from '../core/xmpp/jid.ts';
import { NS } from '../core/xmpp/namespaces.ts';
import { errorOf, iq, payloadOf, type Stanza } from '../core/xmpp/stanza.ts';
import { instant } from '../core/xmpp/time.ts';
import { el, type XmlElement } from '../core/xmpp/xml.ts';
import type { Acted, Character, OccupantReport, Result, RoomChange } from '../host/control.ts';
import type { StreamPosition } from '../host/stanza-link.ts';
import { StepLog } from '../host/step-log.ts';
import { Reporter } from './reporter.ts';
import { Unanswered } from './unanswered.ts';
import { XmppLink } from './xmpp-link.ts';

const loginMs = 10_000;
const joinMs = 15_000;
/** The room may be unreachable; a user who leaves is gone either way. */
const leaveMs = 2_000;
const answerMs = 10_000;

/** The answer to a request, and its number on the stream, which is the cause of whatever is done about it. */
interface Answer {
  readonly stanza: Stanza;
  readonly rx: StreamPosition | undefined;
}

/** One character of the scenario: an XMPP session of its own, with the client half of XEP-0045 on top. */
export class CharacterSession {
  readonly #character: Character;
  readonly #tell: (report: OccupantReport) => void;
  readonly #newId: () => string;
  readonly #link: XmppLink;
  readonly #reporter: Reporter;
  readonly #steps: StepLog;
  readonly #half: ReturnType<typeof createOccupant>;
  /** Whether a lost connection should end in the room again. */
  #wantsIn = false;
  readonly #unanswered = new Unanswered(() => this.#changed());
  #watching = new Set<() => void>();
  /** Requests of ours that wait for the room's answer, by id. */
  readonly #asked = new Map<string, (answer: Answer) => void>();
  #trouble: { readonly phase: 'connecting' | 'failed'; readonly detail: string } = { phase: 'connecting', detail: '' };
  #up = false;

  constructor(character: Character, websocket: string, newId: () => string, tell: (report: OccupantReport) => void) {
    this.#character = character;
    this.#tell = tell;
    this.#newId = newId;
    this.#half = createOccupant({ jid: jid(character.jid), room: jid(character.room), nick: character.nick });
    this.#link = new XmppLink({
      service: websocket,
      account: { kind: 'user', jid: character.jid },
      password: character.password,
    });
    this.#reporter = new Reporter(this.#link);
    this.#steps = new StepLog(character.jid, (step) => {
      if (step.tx.length > 0) this.#reporter.add([step]);
    });
  }

  /** Logs in. Problems are reported, and it tries again where that may help. */
  start(): void {
    this.#changed();
    this.#link
      .start({
        stanza: (_via, stanza, rx) => {
          this.#unanswered.received(stanza);
          const waits =
            stanza.type === 'result' || stanza.type === 'error' ? this.#asked.get(stanza.id ?? '') : undefined;
          if (stanza.name === 'iq' && waits) waits({ stanza, rx });
          else this.#handle({ kind: 'stanza', stanza }, undefined, rx);
        },
        up: (_peer, stream) => {
          this.#up = true;
          this.#steps.streamUp(stream);
          this.#handle({ kind: 'linkUp' }, 'connected');
          if (this.#wantsIn) this.#handle({ kind: 'act', act: { act: 'join' } }, `${this.#nick} joins again`);
        },
        down: () => {
          this.#up = false;
          this.#steps.streamDown();
          this.#handle({ kind: 'linkDown' }, 'connection lost');
        },
        progress: (phase, detail) => {
          if (phase !== 'reconnecting' && phase !== 'failed') return;
          this.#trouble = { phase: phase === 'failed' ? 'failed' : 'connecting', detail };
          this.#changed();
        },
      })
      .catch(() => undefined);
  }

  async act(act: OccupantAct): Promise<Acted> {
    const mistake = mistakeIn(act);
    if (mistake !== undefined) return { ok: false, error: mistake };
    const online = await this.#until(() => this.#up || this.#trouble.phase === 'failed', loginMs);
    if (!online || !this.#up) return { ok: false, error: `${this.#nick} is not connected: ${this.#trouble.detail}` };
    const { phase } = this.#half.state();
    const enters = act.act === 'join' || act.act === 'accept';
    const not = whyNot(act, this.#half.state());
    if (not !== undefined) return { ok: false, error: not };
    if (act.act === 'join' && phase === 'joined') return { ok: true };
    if (enters || act.act === 'leave') this.#wantsIn = enters;
    const before = this.#half.state();
    const sent: StreamPosition[] = [];
    this.#handle({ kind: 'act', act }, inWords(this.#nick, act), undefined, sent);
    if (act.act === 'leave') await this.#until(() => this.#half.state().phase !== 'joined', leaveMs);
    // An error from an earlier act does not count, such as the redirect that is declined: only a new one is about this act.
    const { error } = this.#half.state();
    const fine = act.act === 'decline' || this.#half.state() === before || error === undefined;
    if (!enters) return fine ? { ok: true, sent } : this.#refused();
    const answered = await this.#until(() => this.#half.state().phase !== 'joining', joinMs);
    if (!answered) return { ok: false, error: `${this.#half.state().room} did not answer within ${joinMs / 1000} s` };
    if (this.#half.state().phase === 'joined') return { ok: true, sent };
    this.#wantsIn = false;
    return this.#refused();
  }

  /** As an owner's client does (XEP-0045 §10.2): the form, and the fields that change; what is left out stays. */
  async configure(change: RoomChange): Promise<Acted> {
    const { room } = change;
    const online = await this.#until(() => this.#up || this.#trouble.phase === 'failed', loginMs);
    if (!online || !this.#up) return { ok: false, error: `${this.#nick} is not connected: ${this.#trouble.detail}` };
    const sent: StreamPosition[] = [];
    const to = jid(room);
    const asking = `${this.#nick} asks for the configuration`;
    const asked = await this.#ask(to, 'get', el('query', NS.mucOwner), asking, undefined, sent);
    const form = asked && readForm({ children: payloadOf(asked.stanza, 'query', NS.mucOwner)?.children ?? [] });
    if (asked === undefined || asked.stanza.type === 'error' || form === undefined) return noForm(asked?.stanza, room);
    const fields = fieldsOf(change, form);
    const { formType } = form;
    const submit = writeForm({ type: 'submit', ...(formType === undefined ? {} : { formType }), fields });
    const words = `${this.#nick} configures the room`;
    const answer = await this.#ask(to, 'set', el('query', NS.mucOwner, {}, submit), words, asked.rx, sent);
    return answer?.stanza.type === 'result' ? { ok: true, sent } : noForm(answer?.stanza, room);
  }

  /** @returns undefined if no answer came in time */
  #ask(
    to: Jid,
    type: 'get' | 'set',
    payload: XmlElement,
    words: string,
    rx: StreamPosition | undefined,
    sent: StreamPosition[],
  ): Promise<Answer | undefined> {
    const id = this.#newId();
    return new Promise((resolve) => {
      const timer = setTimeout(() => answered(undefined), answerMs);
      const answered = (answer: Answer | undefined) => {
        clearTimeout(timer);
        this.#asked.delete(id);
        resolve(answer);
      };
      this.#asked.set(id, answered);
      const step = this.#steps.begin(instant(Date.now()), words, rx);
      const written = step.sending('0045#10.2');
      this.#link.send(iq(jid(this.#character.jid), to, { type, id }, payload), (at) => {
        sent.push(at);
        written(at);
      });
      step.end();
    });
  }

  async stop(): Promise<void> {
    this.#reporter.stop();
    this.#unanswered.stop();
    await this.#link.stop();
  }

  get #nick(): string {
    return this.#half.state().nick;
  }

  #refused(): Result {
    return { ok: false, error: this.#half.state().error ?? 'the connection was lost' };
  }

  #handle(input: OccupantInput, words: string | undefined, rx?: StreamPosition, sent: StreamPosition[] = []): void {
    const step = this.#steps.begin(instant(Date.now()), words ?? '', rx);
    const effects = this.#half.handle(input, { newId: this.#newId });
    for (const effect of effects)
      if (effect.kind === 'send') {
        const written = step.sending(effect.spec);
        this.#unanswered.sent(effect.stanza);
        this.#link.send(effect.stanza, (at) => {
          sent.push(at);
          written(at);
        });
      } else this.#changed();
    step.end();
  }

  #changed(): void {
    const { phase, nick, room, offer, error } = this.#half.state();
    const { late } = this.#unanswered;
    this.#tell({
      who: this.#character.jid,
      phase: phase === 'offline' ? this.#trouble.phase : phase,
      nick,
      room,
      ...(offer === undefined ? {} : { offer: offer.room }),
      detail: phase === 'offline' ? this.#trouble.detail : (error ?? ''),
      ...(late.length === 0 ? {} : { unanswered: late }),
    });
    for (const look of [...this.#watching]) look();
  }

  /** @returns false if it did not happen in time */
  #until(is: () => boolean, withinMs: number): Promise<boolean> {
    if (is()) return Promise.resolve(true);
    return new Promise((resolve) => {
      const done = (result: boolean) => {
        clearTimeout(timer);
        this.#watching.delete(look);
        resolve(result);
      };
      const look = () => {
        if (is()) done(true);
      };
      const timer = setTimeout(() => done(false), withinMs);
      this.#watching.add(look);
    });
  }
}

/** The fields of the form that change. */
function fieldsOf(change: RoomChange, form: Form): readonly Field[] {
  const { split = {}, addReplica, removeReplica, distributed, addPeerhost, removePeerhost } = change;
  const fields: Field[] = Object.entries(split).map(([name, value]) => ({
    var: `{${NS.ext}}dmuc_split_${name}`,
    values: [typeof value === 'boolean' ? (value ? '1' : '0') : value],
  }));
  const list = (name: string, add: string | undefined, remove: string | undefined) => {
    if (add === undefined && remove === undefined) return;
    const listed = form.fields.find((field) => field.var === name)?.values ?? [];
    const values = listed.filter((address) => address !== remove && address !== add);
    fields.push({ var: name, values: add === undefined ? values : [...values, add] });
  };
  list(`{${NS.ext}}dmuc_replicas`, addReplica, removeReplica);
  list(`{${NS.ext}}dmuc_peerhosts`, addPeerhost, removePeerhost);
  if (distributed !== undefined) fields.push({ var: 'muc#roomconfig_distributed', values: [distributed ? '1' : '0'] });
  return fields;
}

function noForm(answer: Stanza | undefined, room: string): Result {
  if (answer === undefined) return { ok: false, error: `${room} did not answer within ${answerMs / 1000} s` };
  const error = answer.type === 'error' ? errorOf(answer) : undefined;
  const why = error && `${error.condition}${error.text === undefined ? '' : `: ${error.text}`}`;
  return { ok: false, error: why ?? `${room} has no form of configuration` };
}

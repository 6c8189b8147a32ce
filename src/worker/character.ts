import { createOccupant, type OccupantAct, type OccupantInput } from '../core/occupant/occupant.ts';
import { jid } from '../core/xmpp/jid.ts';
import { instant } from '../core/xmpp/time.ts';
import { isXmlText } from '../core/xmpp/xml.ts';
import type { Acted, Character, OccupantReport, Result } from '../host/control.ts';
import { StepLog, type StreamPosition } from '../host/step-log.ts';
import { Reporter } from './reporter.ts';
import { XmppLink } from './xmpp-link.ts';

const loginMs = 10_000;
const joinMs = 15_000;
/** The room may be unreachable: whoever leaves is gone either way. */
const leaveMs = 2_000;

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
  #watching = new Set<() => void>();
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

  /** Logs in; problems come as reports, and it goes on trying where that may help. */
  start(): void {
    this.#changed();
    this.#link
      .start({
        stanza: (_via, stanza, rx) => this.#handle({ kind: 'stanza', stanza }, undefined, rx),
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
    const texts = Object.values(act);
    if (!texts.every(isXmlText)) return { ok: false, error: 'the text holds a character that XML cannot carry' };
    const online = await this.#until(() => this.#up || this.#trouble.phase === 'failed', loginMs);
    if (!online || !this.#up) return { ok: false, error: `${this.#nick} is not connected: ${this.#trouble.detail}` };
    const { phase } = this.#half.state();
    if (act.act === 'join' && phase === 'joined') return { ok: true };
    if (act.act !== 'join' && act.act !== 'nick' && phase !== 'joined')
      return { ok: false, error: `${this.#nick} is not in the room` };
    if (act.act === 'join' || act.act === 'leave') this.#wantsIn = act.act === 'join';
    const sent: StreamPosition[] = [];
    this.#handle({ kind: 'act', act }, inWords(this.#nick, act), undefined, sent);
    if (act.act === 'leave') await this.#until(() => this.#half.state().phase !== 'joined', leaveMs);
    if (act.act !== 'join') return this.#half.state().error === undefined ? { ok: true, sent } : this.#refused();
    const answered = await this.#until(() => this.#half.state().phase !== 'joining', joinMs);
    if (!answered) return { ok: false, error: `${this.#character.room} did not answer within ${joinMs / 1000} s` };
    if (this.#half.state().phase === 'joined') return { ok: true, sent };
    this.#wantsIn = false;
    return this.#refused();
  }

  async stop(): Promise<void> {
    this.#reporter.stop();
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
        this.#link.send(effect.stanza, (at) => {
          sent.push(at);
          written(at);
        });
      } else this.#changed();
    step.end();
  }

  #changed(): void {
    const { phase, nick, error } = this.#half.state();
    this.#tell({
      who: this.#character.jid,
      phase: phase === 'offline' ? this.#trouble.phase : phase,
      nick,
      detail: phase === 'offline' ? this.#trouble.detail : (error ?? ''),
    });
    for (const look of [...this.#watching]) look();
  }

  /** @returns false if it did not become so in time */
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

function inWords(nick: string, act: OccupantAct): string {
  switch (act.act) {
    case 'join':
      return `${nick} joins`;
    case 'leave':
      return `${nick} leaves`;
    case 'say':
      return `${nick} says`;
    case 'subject':
      return `${nick} sets the subject`;
    case 'nick':
      return `${nick} becomes ${act.nick}`;
    case 'presence':
      return `${nick} is ${act.show === '' ? 'available' : act.show}`;
    case 'pm':
      return `${nick} whispers to ${act.to}`;
  }
}

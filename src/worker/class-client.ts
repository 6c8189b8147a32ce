import type { ClassState } from '../core/xep/classroom.ts';
import {
  readClassState,
  readSeats,
  readSpeech,
  readStudents,
  writeClassState,
  writeSpeech,
} from '../core/xep/classroom.ts';
import { isPing } from '../core/xep/xep0199.ts';
import { NS } from '../core/xmpp/namespaces.ts';
import { errorOf, iq, iqResult, payloadOf, type Stanza } from '../core/xmpp/stanza.ts';
import { el, type XmlElement } from '../core/xmpp/xml.ts';
import type { ClassListener } from '../host/class-control.ts';
import type { Result } from '../host/control.ts';
import type { OperatorOptions } from './operator.ts';

const answerMs = 10_000;
const lost: Answer = { ok: false, error: 'the connection to the server is lost' };

type Answer =
  | { readonly ok: true; readonly payload: XmlElement | undefined }
  | (Result & { readonly ok: false; readonly isGone?: true });

/** How a page begins: it opens a class, or follows one. */
export type Role =
  | { readonly kind: 'teach'; readonly code: string; readonly key: string }
  | { readonly kind: 'follow'; readonly code: string; readonly nick: string; readonly secret: string };

/** The session of a page in a class: begins again by itself after each loss of the connection. */
export class ClassClient {
  readonly #options: OperatorOptions;
  readonly #role: Role;
  readonly #listener: ClassListener;
  readonly #pending = new Map<string, (answer: Answer) => void>();
  /** What the lecturer’s page shows: the server is told of it again after a loss. */
  #shown: ClassState | undefined;

  constructor(options: OperatorOptions, role: Role, listener: ClassListener) {
    this.#options = options;
    this.#role = role;
    this.#listener = listener;
  }

  /** @returns what came of the first beginning */
  async start(): Promise<Result> {
    let first: ((result: Result) => void) | undefined;
    const result = new Promise<Result>((resolve) => {
      first = resolve;
    });
    const settle = (one: Result) => {
      first?.(one);
      first = undefined;
    };
    const started = this.#options.link.start({
      stanza: (_via, stanza) => this.#receive(stanza),
      up: () => void this.#begin().then(settle),
      down: () => {
        this.#listener.phase('away');
        for (const answered of [...this.#pending.values()]) answered(lost);
        this.#pending.clear();
      },
      progress: (phase, detail) => {
        if (phase !== 'failed') return;
        this.#listener.phase('gone');
        settle({ ok: false, error: detail });
      },
    });
    started.catch((error: unknown) =>
      settle({ ok: false, error: error instanceof Error ? error.message : String(error) }),
    );
    return result;
  }

  async show(state: ClassState): Promise<Result> {
    this.#shown = state;
    return resultOf(await this.#ask(writeClassState(state)));
  }

  async answer(question: string, value: string): Promise<Result> {
    return resultOf(await this.#ask(el('answer', NS.classroom, { question }, value)));
  }

  /** @param who  undefined: nobody any more */
  async play(who: string | undefined): Promise<Result> {
    const request = who === undefined ? el('give', NS.classroom) : el('take', NS.classroom, { who });
    return resultOf(await this.#ask(request));
  }

  async say(text: string, to?: string): Promise<Result> {
    return resultOf(await this.#ask(writeSpeech({ text, ...(to === undefined ? {} : { to }) })));
  }

  async release(who: string): Promise<Result> {
    return resultOf(await this.#ask(el('release', NS.classroom, { who })));
  }

  async end(): Promise<void> {
    await this.#ask(el(this.#role.kind === 'teach' ? 'close' : 'leave', NS.classroom));
  }

  async #begin(): Promise<Result> {
    const role = this.#role;
    const answer = await this.#ask(
      role.kind === 'teach'
        ? el('open', NS.classroom, { code: role.code, key: role.key })
        : el('follow', NS.classroom, { code: role.code, nick: role.nick, secret: role.secret }),
    );
    if (!answer.ok) {
      if (answer.isGone) this.#listener.phase('over');
      return resultOf(answer);
    }
    if (role.kind === 'teach') {
      if (this.#shown) void this.show(this.#shown);
      this.#listener.students(answer.payload ? readStudents(answer.payload) : [], true);
    } else {
      const state = answer.payload && readClassState(answer.payload);
      if (state) this.#listener.state(state);
    }
    this.#listener.phase('there');
    return { ok: true };
  }

  #receive(stanza: Stanza): void {
    const { link } = this.#options;
    if (isPing(stanza)) return link.send(iqResult(stanza));
    if (stanza.from !== link.server) return;
    if (stanza.name === 'iq') {
      const answered = this.#pending.get(stanza.id ?? '');
      if (stanza.type === 'result') answered?.({ ok: true, payload: stanza.payloads[0] });
      else if (stanza.type === 'error') answered?.(refused(stanza));
      return;
    }
    const state = payloadOf(stanza, 'state', NS.classroom);
    const read = state && readClassState(state);
    if (read) this.#listener.state(read);
    const students = payloadOf(stanza, 'students', NS.classroom);
    if (students) this.#listener.students(readStudents(students), false);
    const seats = payloadOf(stanza, 'seats', NS.classroom);
    if (seats) this.#listener.seats(readSeats(seats) ?? []);
    const said = payloadOf(stanza, 'say', NS.classroom);
    const speech = said && readSpeech(said);
    const who = said?.attrs['who'];
    if (speech && who !== undefined) this.#listener.said({ who, ...speech });
    if (payloadOf(stanza, 'over', NS.classroom)) this.#listener.phase('over');
  }

  #ask(request: XmlElement): Promise<Answer> {
    const { link, newId, setTimer } = this.#options;
    const { address, server } = link;
    if (address === undefined) return Promise.resolve(lost);
    const id = newId();
    return new Promise((resolve) => {
      const settle = (answer: Answer) => {
        cancel();
        this.#pending.delete(id);
        resolve(answer);
      };
      const cancel = setTimer(answerMs, () => settle({ ok: false, error: 'the server did not answer' }));
      this.#pending.set(id, settle);
      link.send(iq(address, server, { type: 'set', id }, request));
    });
  }
}

function refused(stanza: Stanza): Answer {
  const error = errorOf(stanza);
  const text = error?.text ?? error?.condition ?? 'the server refused';
  return { ok: false, error: text, ...(error?.condition === 'item-not-found' ? { isGone: true as const } : {}) };
}

function resultOf(answer: Answer): Result {
  return answer.ok ? { ok: true } : { ok: false, error: answer.error };
}

import {
  type ClassState,
  type ClassStudent,
  readAnswer,
  readSpeech,
  writeClassState,
  writeSeats,
  writeSpeech,
  writeStudents,
} from '../core/xep/classroom.ts';
import { type StanzaError, stanzaError } from '../core/xmpp/errors.ts';
import { NS } from '../core/xmpp/namespaces.ts';
import { type Instant, instant, plus } from '../core/xmpp/time.ts';
import { el, type XmlElement } from '../core/xmpp/xml.ts';
import type { Cancel, ServerHost } from './host.ts';
import { Seats } from './seats.ts';
import type { Session } from './session.ts';

/** What is told to all at once is told so often, in milliseconds. */
const everyMs = 200;
/** A lecturer whose connection is lost, or whose page is reloaded, finds the class as it was for so long. */
const graceMs = 20_000;
/** A student takes a seat so often at most, in milliseconds: everybody is told of it. */
const takeMs = 1_000;
/** Nothing new is told to a page that has so much to read already, in bytes: only the last counts. */
const unreadMax = 128 * 1024;
export const classesMax = 10;
export const studentsMax = 200;

/** What came of a request: what it is answered with, or why not. */
export type Answer = readonly XmlElement[] | StanzaError;

interface Student {
  readonly n: number;
  readonly nick: string;
  answer: string | undefined;
  /** What shows that a new session is theirs, too; empty: nothing does. */
  readonly secret: string;
  /** The state has changed since they were told; or whom they can play. */
  isBehind: boolean;
  seatsAreBehind: boolean;
  /** They were told of people whom they can play. */
  knowsSeats: boolean;
  /** When they played somebody last. */
  tookAt: Instant;
  /** The lecturer was told of them. */
  isKnown: boolean;
}

interface Class {
  readonly code: string;
  readonly key: string;
  /** Undefined while their connection is lost. */
  lecturer: Session | undefined;
  ending: Cancel | undefined;
  state: ClassState;
  readonly seats: Seats;
  readonly students: Map<Session, Student>;
  /** Whom the lecturer has to be told of, by number. */
  readonly news: Map<number, ClassStudent>;
  nextStudent: number;
  toldAt: Instant;
  telling: Cancel | undefined;
}

/**
 * The classes of a network: pages that follow the page of a lecturer, which is the operator's. What it shows, and who follows, is in
 * memory alone, for as long as the lecturer is there. Nobody but the lecturer is told who follows and what they answered.
 */
export class Classes {
  readonly #host: ServerHost;
  readonly #tell: (session: Session, payload: XmlElement) => void;
  readonly #byCode = new Map<string, Class>();
  readonly #taught = new Map<Session, Class>();
  readonly #followed = new Map<Session, Class>();

  /** @param tell  sends a session something from the server itself */
  constructor(host: ServerHost, tell: (session: Session, payload: XmlElement) => void) {
    this.#host = host;
    this.#tell = tell;
  }

  /** Opens a class, or takes it up again, for whoever has its key. @returns who follows */
  open(session: Session, code: string, key: string): Answer {
    if (session.account.role !== 'operator') return forbidden('only the operator teaches');
    if (!/^[a-z0-9]{6,12}$/.test(code) || !/^[!-~]{16,100}$/.test(key))
      return stanzaError('modify', 'bad-request', 'code: 6 to 12 letters or digits; key: 16 to 100 characters');
    const known = this.#byCode.get(code);
    if (known !== undefined && known.key !== key)
      return stanzaError('cancel', 'conflict', 'there is a class with this code');
    if (known === undefined && this.#byCode.size >= classesMax)
      return stanzaError('wait', 'resource-constraint', `there are ${classesMax} classes already`);
    // Who asks twice for the class that they teach goes on with it.
    if (known === undefined || this.#taught.get(session) !== known) this.#endOf(session);
    const one = known ?? this.#newClass(code, key);
    if (one.lecturer !== undefined) this.#taught.delete(one.lecturer);
    one.ending?.();
    one.ending = undefined;
    one.lecturer = session;
    one.news.clear();
    for (const student of one.students.values()) student.isKnown = true;
    this.#taught.set(session, one);
    return [writeStudents([...one.students].map((entry) => asTold(one, ...entry)))];
  }

  /** The lecturer's page shows something else. */
  show(session: Session, state: ClassState): Answer {
    const one = this.#taught.get(session);
    if (one === undefined) return forbidden('only the lecturer leads the class');
    const isOther = state.question?.id !== one.state.question?.id;
    const { seats = [], ...shown } = state;
    one.state = shown;
    if (one.seats.offer(seats)) this.#seatsChanged(one);
    for (const student of one.students.values()) {
      student.isBehind = true;
      if (isOther) student.answer = undefined;
    }
    this.#tellSoon(one);
    return [];
  }

  /** The lecturer ends it: everybody goes on alone. */
  close(session: Session): Answer {
    const one = this.#taught.get(session);
    if (one === undefined) return forbidden('only the lecturer ends the class');
    this.#end(one);
    return [];
  }

  /** @returns what the class shows now */
  follow(session: Session, code: string, nick: string, secret: string): Answer {
    const one = this.#byCode.get(code);
    if (one === undefined) return stanzaError('cancel', 'item-not-found', 'there is no class with this code');
    if (this.#taught.has(session)) return stanzaError('cancel', 'not-allowed', 'the lecturer leads the class');
    if (one.students.size >= studentsMax && !one.students.has(session))
      return stanzaError('wait', 'resource-constraint', `${studentsMax} follow this class already`);
    this.leave(session);
    const student: Student = {
      n: one.nextStudent++,
      nick,
      secret,
      answer: undefined,
      isBehind: false,
      seatsAreBehind: true,
      knowsSeats: false,
      tookAt: instant(0),
      isKnown: false,
    };
    one.students.set(session, student);
    this.#followed.set(session, one);
    one.seats.came(session, secret);
    this.#note(one, session, student);
    return [writeClassState(one.state)];
  }

  answer(session: Session, question: string, text: string): Answer {
    const one = this.#followed.get(session);
    const student = one?.students.get(session);
    if (one === undefined || student === undefined) return forbidden('only who follows a class answers');
    const asked = one.state.question;
    if (asked === undefined || asked.id !== question)
      return stanzaError('cancel', 'item-not-found', 'this is not asked any more');
    const answer = readAnswer(asked, text);
    if (answer === undefined) return stanzaError('modify', 'bad-request', 'this is no answer to the question');
    student.answer = answer;
    this.#note(one, session, student);
    return [];
  }

  /** A student plays a person of the live room from now on. */
  take(session: Session, who: string): Answer {
    const one = this.#followed.get(session);
    const student = one?.students.get(session);
    if (one === undefined || student === undefined) return forbidden('only who follows a class plays somebody');
    const now = this.#host.now();
    if (now < student.tookAt + takeMs) return stanzaError('wait', 'resource-constraint', 'not so fast');
    student.tookAt = now;
    return one.seats.take(session, who, student.secret) ?? [];
  }

  /** A student plays nobody any more. */
  give(session: Session): Answer {
    this.#followed.get(session)?.seats.give(session);
    return [];
  }

  /** The lecturer takes a person back. */
  release(session: Session, who: string): Answer {
    const one = this.#taught.get(session);
    if (one === undefined) return forbidden('only the lecturer takes a person back');
    one.seats.release(who);
    return [];
  }

  /** What a student says as the person whom they play: the lecturer’s page, which has the person, says it. */
  say(session: Session, said: XmlElement): Answer {
    const one = this.#followed.get(session);
    const who = one?.seats.of(session);
    if (one === undefined || who === undefined) return forbidden('you play nobody');
    const speech = readSpeech(said);
    if (speech === undefined) return stanzaError('modify', 'bad-request', 'this is empty, or too long');
    const { lecturer } = one;
    if (lecturer === undefined) return stanzaError('wait', 'recipient-unavailable', 'the lecturer is away');
    if (lecturer.peer.buffered() >= unreadMax)
      return stanzaError('wait', 'resource-constraint', 'the lecturer’s page is busy');
    this.#tell(lecturer, writeSpeech({ who, ...speech }));
    return [];
  }

  leave(session: Session): Answer {
    const one = this.#followed.get(session);
    const student = one?.students.get(session);
    this.#followed.delete(session);
    if (one === undefined || student === undefined) return [];
    one.students.delete(session);
    one.seats.give(session);
    // Whoever comes and goes and comes again fills no memory.
    if (student.isKnown) one.news.set(student.n, { ...asTold(one, session, student), gone: true });
    else one.news.delete(student.n);
    this.#tellSoon(one);
    return [];
  }

  /** A session is over. */
  ended(session: Session): void {
    this.#followed.get(session)?.seats.lost(session);
    this.leave(session);
    const one = this.#taught.get(session);
    if (one === undefined) return;
    this.#taught.delete(session);
    one.lecturer = undefined;
    one.ending = this.#host.setTimer(plus(this.#host.now(), graceMs), () => this.#end(one));
  }

  #newClass(code: string, key: string): Class {
    const one: Class = {
      code,
      key,
      lecturer: undefined,
      ending: undefined,
      state: { place: '' },
      seats: new Seats(this.#host, (who) => {
        const student = who && one.students.get(who);
        if (who && student) this.#note(one, who, student);
        this.#seatsChanged(one);
      }),
      students: new Map(),
      news: new Map(),
      nextStudent: 1,
      toldAt: instant(0),
      telling: undefined,
    };
    this.#byCode.set(code, one);
    return one;
  }

  /** Who teaches another class from now on does not teach this one. */
  #endOf(session: Session): void {
    this.leave(session);
    const taught = this.#taught.get(session);
    if (taught !== undefined) this.#end(taught);
  }

  #end(one: Class): void {
    one.ending?.();
    one.telling?.();
    one.seats.stop();
    this.#byCode.delete(one.code);
    if (one.lecturer !== undefined) this.#taught.delete(one.lecturer);
    for (const session of one.students.keys()) {
      this.#followed.delete(session);
      this.#tell(session, el('over', NS.classroom));
    }
    one.students.clear();
  }

  #seatsChanged(one: Class): void {
    for (const student of one.students.values()) student.seatsAreBehind = true;
    this.#tellSoon(one);
  }

  #tellSeats(one: Class, session: Session, student: Student): void {
    const seats = one.seats.shownTo(session);
    if (seats.length === 0 && !student.knowsSeats) return;
    student.knowsSeats = seats.length > 0;
    this.#tell(session, writeSeats(seats));
  }

  #note(one: Class, session: Session, student: Student): void {
    one.news.set(student.n, asTold(one, session, student));
    this.#tellSoon(one);
  }

  /** Together with what else happens until then. */
  #tellSoon(one: Class): void {
    if (one.telling !== undefined) return;
    const at = Math.max(this.#host.now(), one.toldAt + everyMs);
    one.telling = this.#host.setTimer(instant(at), () => this.#tellAll(one));
  }

  #tellAll(one: Class): void {
    one.telling = undefined;
    one.toldAt = this.#host.now();
    const canRead = (session: Session) => session.peer.buffered() < unreadMax;
    const state = writeClassState(one.state);
    for (const [session, student] of one.students) {
      if (!(student.isBehind || student.seatsAreBehind) || !canRead(session)) continue;
      if (student.isBehind) this.#tell(session, state);
      if (student.seatsAreBehind) this.#tellSeats(one, session, student);
      student.isBehind = false;
      student.seatsAreBehind = false;
    }
    if (one.lecturer !== undefined && one.news.size > 0 && canRead(one.lecturer)) {
      const news = [...one.news.values()];
      one.news.clear();
      for (const student of one.students.values()) student.isKnown = true;
      this.#tell(one.lecturer, writeStudents(news));
    }
    const isLate = [...one.students.values()].some((one) => one.isBehind || one.seatsAreBehind);
    if (isLate || (one.lecturer !== undefined && one.news.size > 0)) this.#tellSoon(one);
  }
}

function asTold({ seats }: Class, session: Session, { n, nick, answer }: Student): ClassStudent {
  const seat = seats.of(session);
  return { n, nick, ...(answer === undefined ? {} : { answer }), ...(seat === undefined ? {} : { seat }) };
}

function forbidden(why: string): StanzaError {
  return stanzaError('auth', 'forbidden', why);
}

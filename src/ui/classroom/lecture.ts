import type { ClassQuestion, ClassSeat, ClassSpeech, ClassState, ClassStudent } from '../../core/xep/classroom.ts';
import { classLimits } from '../../core/xep/classroom.ts';
import type { ClassPhase } from '../../host/class-control.ts';
import type { LiveConfig } from '../../scenario/live-config-type.ts';
import { placeForClass } from '../address.ts';
import type { Store } from '../store.ts';
import { newCode, newKey } from './code.ts';
import { ClassConnection } from './connection.ts';
import { lessonQuestion } from './lesson-question.ts';
import { keepTaught, type Taught } from './taught.ts';

/** What changes within so many milliseconds is told together. */
const togetherMs = 60;

/** A class, as its lecturer’s page has it: it tells what the page shows, and knows who follows and what they answer. */
export class Lecture {
  readonly code: string;
  readonly #key: string;
  readonly #connection: ClassConnection;
  readonly #students = new Map<number, ClassStudent>();
  readonly #changed: () => void;
  #store: Store | undefined;
  #off: () => void = () => undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #told = '';
  #place = '';
  /** Of the live room: its page, and the people whom students may play. */
  #live: Store | undefined;
  #seats: readonly ClassSeat[] = [];
  #why: string | undefined;
  #question: ClassQuestion | undefined;
  /** The question that the class was asked last, by its id. */
  #asks: string | undefined;
  phase: ClassPhase = 'away';

  /** @param changed  called when there is something new to show */
  constructor(
    fetchConfig: () => Promise<LiveConfig>,
    changed: () => void,
    { code, key, question }: Taught = newTaught(),
  ) {
    this.code = code;
    this.#key = key;
    this.#question = question;
    this.#changed = changed;
    this.#connection = new ClassConnection(
      fetchConfig,
      {
        account: ({ credentials }) => credentials.operator,
        without: 'Only a page at the address that “npm start” printed, with all that follows the #, can teach.',
        begin: (api, login, listener) => api.teach(login, code, key, listener),
      },
      {
        phase: (phase) => {
          this.phase = phase;
          if (phase === 'there') this.#tell(true);
          changed();
        },
        state: () => undefined,
        seats: () => undefined,
        said: (speech) => this.#say(speech),
        students: (students, all) => this.#take(students, all),
      },
    );
  }

  /** @throws Error that says why this page cannot teach */
  async start(): Promise<void> {
    const result = await this.#connection.start();
    if (!result.ok) {
      void this.#connection.stop();
      throw new Error(result.error);
    }
    this.#keep();
  }

  get students(): readonly ClassStudent[] {
    return [...this.#students.values()];
  }

  /** The lecturer’s own, or else the guess of the step that is shown of a lesson. */
  get question(): ClassQuestion | undefined {
    const { place, step } = this.#store?.lesson ?? {};
    return this.#question ?? (place && step && lessonQuestion(place, step));
  }

  /** The lecturer’s own: it can be closed. */
  get isOwn(): boolean {
    return this.#question !== undefined;
  }

  /** Why students do not see what is shown, but what was shown before; undefined if they see it. */
  get hidden(): string | undefined {
    const isOwn = this.#store !== undefined && placeForClass(this.#store) === undefined;
    return isOwn ? 'what you show now is in this page alone' : this.#why;
  }

  /** The page shows something else from now on. */
  follow(store: Store): void {
    this.#off();
    this.#store = store;
    this.#off = store.subscribe(() => this.#soon());
    this.#soon();
    this.#changed();
  }

  /** The lecturer’s own. @param question  undefined: it is closed */
  ask(question: Omit<ClassQuestion, 'id'> | undefined): void {
    if (question === undefined && this.#question === undefined) return;
    // Nobody has answered it before, also if the page was reloaded since the last one.
    this.#question = question && { ...question, id: `own-${newKey().slice(0, 12)}` };
    this.#keep();
    this.#tell();
  }

  /** A person of the live room whom a student plays is played by nobody any more. */
  takeBack(who: string): void {
    void this.#connection.api?.release(who);
  }

  /** How a person is called whom a student plays. */
  nickOf(who: string): string {
    return this.#seats.find((seat) => seat.who === who)?.nick ?? who;
  }

  async end(): Promise<void> {
    this.#off();
    clearTimeout(this.#timer);
    keepTaught(undefined);
    await this.#connection.stop();
  }

  /** A page that is reloaded asks the same. */
  #keep(): void {
    const question = this.#question;
    keepTaught({ code: this.code, key: this.#key, ...(question ? { question } : {}) });
  }

  /** Another question begins without answers, as at the server; what a page that is reloaded asks first, it asked before. */
  #asksNow(question: string | undefined): void {
    this.#asks = question;
    if (this.#told === '') return;
    for (const [n, { answer: _, ...student }] of this.#students) this.#students.set(n, student);
    this.#changed();
  }

  #soon(): void {
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined;
      this.#tell();
    }, togetherMs);
  }

  #tell(again = false): void {
    // A page that is reloaded has nothing to show yet: the class is shown what it was.
    if (this.#store === undefined) return;
    this.#look(this.#store);
    const { question } = this;
    const { id, step } = this.#store.lesson?.place ?? {};
    const state: ClassState = {
      place: this.#place,
      ...(id === undefined || step === undefined ? {} : { lesson: { id, step } }),
      ...(question ? { question } : {}),
      ...(this.#seats.length > 0 ? { seats: this.#seats } : {}),
    };
    const told = JSON.stringify(state);
    if (!again && told === this.#told) return;
    if (question?.id !== this.#asks) this.#asksNow(question?.id);
    this.#told = told;
    void this.#connection.api?.show(state).then((result) => {
      const why = result.ok ? undefined : result.error;
      if (why === this.#why || this.#told !== told) return;
      this.#why = why;
      this.#changed();
    });
  }

  /** What others cannot open changes nothing for them. */
  #look(store: Store): void {
    const place = placeForClass(store);
    if (place === undefined) return;
    this.#place = place;
    this.#live = store.session.mode === 'live' && store.session.runsNodes ? store : undefined;
    this.#seats =
      this.#live?.session.scenario.occupants
        .slice(0, classLimits.seats)
        .map(({ jid: who, nick }): ClassSeat => ({ who, nick })) ?? [];
  }

  /** The server has made sure that the student plays this person. */
  #say({ who, to, text }: ClassSpeech): void {
    if (!this.#seats.some((seat) => seat.who === who)) return;
    // If it is refused, all pages see so at the person.
    void this.#live?.perform(to === undefined ? { act: 'say', who, text } : { act: 'pm', who, to, text });
  }

  #take(students: readonly ClassStudent[], all: boolean): void {
    if (all) this.#students.clear();
    for (const student of students) {
      if (student.gone) this.#students.delete(student.n);
      else this.#students.set(student.n, student);
    }
    this.#changed();
  }
}

function newTaught(): Taught {
  return { code: newCode(), key: newKey() };
}

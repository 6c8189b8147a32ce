import type { ClassQuestion, ClassState, ClassStudent } from '../../core/xep/classroom.ts';
import type { ClassPhase } from '../../host/class-control.ts';
import type { LiveConfig } from '../../scenario/live-config-type.ts';
import { placeForClass } from '../address.ts';
import type { Store } from '../store.ts';
import { newCode, newKey } from './code.ts';
import { ClassConnection } from './connection.ts';
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
  #why: string | undefined;
  #question: ClassQuestion | undefined;
  #asked = 0;
  phase: ClassPhase = 'away';

  /** @param changed  called when there is something new to show */
  constructor(fetchConfig: () => Promise<LiveConfig>, changed: () => void, { code, key }: Taught = newTaught()) {
    this.code = code;
    this.#key = key;
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
    keepTaught({ code: this.code, key: this.#key });
  }

  get students(): readonly ClassStudent[] {
    return [...this.#students.values()];
  }

  get question(): ClassQuestion | undefined {
    return this.#question;
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

  /** @param id  of the question; absent: it is the lecturer’s own */
  ask(question: Omit<ClassQuestion, 'id'> | undefined, id = `own-${this.#key.slice(0, 6)}-${++this.#asked}`): void {
    if (question === undefined && this.#question === undefined) return;
    this.#question = question && { ...question, id };
    for (const [n, { answer: _, ...student }] of this.#students) this.#students.set(n, student);
    this.#tell();
    this.#changed();
  }

  async end(): Promise<void> {
    this.#off();
    clearTimeout(this.#timer);
    keepTaught(undefined);
    await this.#connection.stop();
  }

  #soon(): void {
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined;
      this.#tell();
    }, togetherMs);
  }

  #tell(again = false): void {
    if (this.#store) this.#place = placeForClass(this.#store) ?? this.#place;
    const state: ClassState = { place: this.#place, ...(this.#question ? { question: this.#question } : {}) };
    const told = JSON.stringify(state);
    if (!again && told === this.#told) return;
    this.#told = told;
    void this.#connection.api?.show(state).then((result) => {
      const why = result.ok ? undefined : result.error;
      if (why === this.#why || this.#told !== told) return;
      this.#why = why;
      this.#changed();
    });
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

import type { ClassQuestion, ClassSeat, ClassState } from '../../core/xep/classroom.ts';
import type { ClassPhase } from '../../host/class-control.ts';
import type { Result } from '../../host/control.ts';
import type { LiveConfig } from '../../scenario/live-config-type.ts';
import { type LabPlace, readLab, readPlace } from '../address.ts';
import type { Where } from '../lab-api.ts';
import { shownStore, watchShown } from '../page.ts';
import { oneOf } from '../session/accounts.ts';
import type { Store } from '../store.ts';
import type { LessonPlace } from '../view.ts';
import { ClassConnection } from './connection.ts';
import { isLessons, lessonQuestionId } from './lesson-question.ts';

/** What shows a place of the lecturer’s that is not shown yet. */
export interface Showing {
  lab(place: LabPlace): Promise<void>;
  live(search: string): Promise<void>;
  fetchConfig(where: Where): Promise<LiveConfig>;
}

const lost: Result = { ok: false, error: 'The connection is lost.' };
const led = 'The lecturer leads this page. “Let go” in the line above makes it yours.';

/** A class, as a student’s page has it: shows what the lecturer’s page shows, until the student lets go. */
export class Following {
  readonly #showing: Showing;
  readonly #connection: ClassConnection;
  readonly #changed: () => void;
  readonly #nick: string;
  /** What the lecturer’s page shows, and what of it was shown here last. */
  #state: ClassState | undefined;
  #shown: string | undefined;
  #isShowing = false;
  #off: () => void = () => undefined;
  /** The guess of a lesson that was handed on last, to this question. */
  #guess: string | undefined;
  #answered: { readonly question: string; readonly value: string } | undefined;
  /** The guest of this page in the live room. */
  #guest: { readonly store: Store; readonly who: string } | undefined;
  phase: ClassPhase = 'away';
  /** The people of the live room whom students may play. */
  seats: readonly ClassSeat[] = [];
  /** The lecturer leads the page. */
  isLed = true;

  /** @param changed  called when there is something new to show */
  constructor(code: string, nick: string, showing: Showing, changed: () => void) {
    this.#showing = showing;
    this.#nick = nick;
    this.#changed = changed;
    this.#connection = new ClassConnection(
      () => showing.fetchConfig({}),
      {
        account: ({ credentials }) => oneOf(credentials.guests),
        without: 'the server has no account for this page',
        begin: (api, login, listener) => api.follow(login, code, nick, listener),
      },
      {
        phase: (phase) => {
          this.phase = phase;
          if (phase === 'over') this.letGo();
          changed();
        },
        state: (state) => this.#take(state),
        seats: (seats) => this.#takeSeats(seats),
        said: () => undefined,
        students: () => undefined,
      },
    );
  }

  async start(): Promise<Result> {
    watchShown((store) => this.#mark(store));
    const result = await this.#connection.start();
    if (!result.ok) void this.#connection.stop();
    return result;
  }

  get question(): ClassQuestion | undefined {
    return this.#state?.question;
  }

  /** The lesson asks it, where it is shown: it needs no other form. */
  get isLessons(): boolean {
    const place = shownStore()?.lesson?.place;
    return this.#state !== undefined && isLessons(this.#state) && place !== undefined && this.#isOf(place);
  }

  #isOf(place: LessonPlace): boolean {
    return this.question?.id === lessonQuestionId(place);
  }

  /** What was answered to this question; undefined: nothing yet. */
  get answered(): string | undefined {
    return this.#answered?.question === this.question?.id ? this.#answered?.value : undefined;
  }

  /** The lecturer has shown something. */
  get hasBegun(): boolean {
    return this.#state !== undefined && this.#state.place !== '';
  }

  async answer(value: string): Promise<Result> {
    const { question } = this;
    const { api } = this.#connection;
    if (question === undefined || api === undefined) return lost;
    const result = await api.answer(question.id, value);
    if (result.ok) this.#answered = { question: question.id, value };
    this.#changed();
    return result;
  }

  /** Whom the student plays; undefined: nobody. */
  get seat(): ClassSeat | undefined {
    return this.seats.find(({ yours }) => yours);
  }

  /** @param who  full JID; undefined: nobody any more */
  play(who: string | undefined): Promise<Result> {
    return this.#connection.api?.play(who) ?? Promise.resolve(lost);
  }

  /** As the person whom the student plays. @param to  a nick; empty: to the room */
  say(text: string, to: string): Promise<Result> {
    return this.#connection.api?.say(text, ...(to === '' ? [] : [to])) ?? Promise.resolve(lost);
  }

  /** The page is the student’s own from now on. */
  letGo(): void {
    this.isLed = false;
    const store = shownStore();
    if (store) this.#mark(store);
    this.#changed();
  }

  followAgain(): void {
    this.isLed = true;
    this.#shown = undefined;
    void this.#show();
    this.#changed();
  }

  async leave(): Promise<void> {
    this.letGo();
    await this.#connection.stop();
  }

  /** In a live room everybody takes part: there is nothing to be led. */
  #mark(store: Store): void {
    store.led = this.isLed && store.session.lab !== undefined ? led : undefined;
    store.changed();
    this.#off();
    this.#off = store.subscribe(() => this.#answerAsGuessed(store));
    this.#changed();
  }

  /** What is guessed in a lesson is the answer to the class. */
  #answerAsGuessed({ lesson }: Store): void {
    const place = lesson?.place;
    if (place === undefined || !this.#isOf(place)) return;
    const guess = lesson?.progress.answers[place.step];
    const value = typeof guess === 'number' ? String(guess) : undefined;
    if (value === undefined || value === this.#guess) return;
    this.#guess = value;
    void this.answer(value);
  }

  /** Who plays a person is no guest meanwhile. */
  #takeSeats(seats: readonly ClassSeat[]): void {
    const hadSeat = this.seat !== undefined;
    this.seats = seats;
    const hasSeat = this.seat !== undefined;
    this.#changed();
    if (hadSeat === hasSeat || this.#guest === undefined || this.#guest.store !== shownStore()) return;
    const { store, who } = this.#guest;
    if (hasSeat) void store.act({ act: 'leave', who });
    else void this.#enter(store, who);
  }

  #take(state: ClassState): void {
    if (state.question?.id !== this.question?.id) this.#guess = undefined;
    this.#state = state;
    void this.#show();
    this.#changed();
  }

  /** One after the other: of what came meanwhile, only the last is shown. */
  async #show(): Promise<void> {
    if (this.#isShowing) return;
    this.#isShowing = true;
    while (this.isLed && this.#state !== undefined && this.#state.place !== this.#shown) {
      const { place } = this.#state;
      const before = this.#shown;
      this.#shown = place;
      await this.#go(place, before).catch((error: unknown) =>
        shownStore()?.toast(error instanceof Error ? error.message : String(error)),
      );
    }
    this.#isShowing = false;
  }

  async #go(place: string, before: string | undefined): Promise<void> {
    if (place === '') return;
    const hash = place.startsWith('#') ? place : '';
    const lab = readLab(hash);
    if (lab === undefined) return this.#goLive(place);
    const known = before === undefined ? undefined : readLab(before);
    const store = shownStore();
    const mine = store?.session.lab;
    // A run that began anew, or is another one, is opened; from there on the same is done as there.
    const isSame =
      known?.scenario === lab.scenario &&
      known.seed === lab.seed &&
      known.lesson?.id === lab.lesson?.id &&
      (known.lesson?.step === lab.lesson?.step || areSteps(store, known, lab)) &&
      (lab.shared || !known.shared);
    if (!isSame || store === undefined || mine === undefined) {
      history.replaceState(null, '', `${location.pathname}${location.search}${hash}`);
      return this.#showing.lab(lab);
    }
    const [to, from] = [readPlace(hash), readPlace(before ?? '')];
    if (to.compared !== from.compared) await store.compare(to.compared);
    if (to.at !== undefined) await mine.follow(lab.shared, to.at);
    const { step, from: event } = lab.lesson ?? {};
    if (step !== undefined && step !== known.lesson?.step) {
      store.lesson?.stand(step, event);
      // The lesson may ask now what the class is asked.
      this.#changed();
    }
    // What the student selects stays, until the lecturer selects something else.
    if (to.event !== from.event) store.select(to.event);
    if (to.thing && to.thing.id !== from.thing?.id) store.choose(to.thing);
  }

  /** A student enters as a guest, under the name that they typed. */
  async #goLive(search: string): Promise<void> {
    await this.#showing.live(search);
    const store = shownStore();
    const me = store?.session.scenario.occupants.at(-1)?.jid;
    if (store === undefined || me === undefined || store.session.runsNodes) return;
    this.#guest = { store, who: me };
    const off = store.subscribe(() => {
      const phase = store.told.people.all().find(({ jid }) => jid === me)?.phase;
      if (phase !== 'online') return;
      off();
      if (this.seat === undefined) void this.#enter(store, me);
    });
  }

  async #enter(store: Store, who: string): Promise<void> {
    const { ok } = await store.act({ act: 'join', who });
    if (ok && this.#nick !== '') await store.act({ act: 'nick', who, nick: this.#nick });
  }
}

/** Steps are one run; an exercise begins anew. */
function areSteps(store: Store | undefined, ...places: readonly LabPlace[]): boolean {
  const steps = store?.lesson?.lesson.steps.length ?? 0;
  return places.every(({ lesson }) => lesson !== undefined && lesson.step <= steps);
}

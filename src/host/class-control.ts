import type { ClassSeat, ClassSpeech, ClassState, ClassStudent } from '../core/xep/classroom.ts';
import type { Result } from './control.ts';

/** How a page is connected to its class. */
export type ClassPhase =
  | 'there'
  /** The connection is lost, and tried again. */
  | 'away'
  /** The server is another one by now, or does not know the account. */
  | 'gone'
  /** There is no such class any more: the lecturer has ended it, or does not come back. */
  | 'over';

export interface ClassListener {
  phase(phase: ClassPhase): void;
  /** For a student: what the lecturer’s page shows. */
  state(state: ClassState): void;
  /** For a student: whom they can play in the live room. */
  seats(seats: readonly ClassSeat[]): void;
  /** For the lecturer: what a student says as the person whom they play. */
  said(speech: ClassSpeech): void;
  /** For the lecturer: who came, answered or went. @param all  these are all who follow */
  students(students: readonly ClassStudent[], all: boolean): void;
}

export interface ClassLogin {
  /** Full JID. */
  readonly jid: string;
  readonly password: string;
  /** ws:// or wss:// */
  readonly websocket: string;
}

/** What a page asks of the worker with its session in a class (over Comlink). */
export interface ClassWorkerApi {
  /** Opens a class, or takes it up again; again by itself after each loss of the connection. */
  teach(login: ClassLogin, code: string, key: string, listener: ClassListener): Promise<Result>;
  follow(login: ClassLogin, code: string, nick: string, listener: ClassListener): Promise<Result>;
  show(state: ClassState): Promise<Result>;
  answer(question: string, value: string): Promise<Result>;
  /** A student plays this person of the live room, by full JID; undefined: nobody any more. */
  play(who: string | undefined): Promise<Result>;
  /** A student says something as the person whom they play. @param to  a nick; undefined: to the room */
  say(text: string, to?: string): Promise<Result>;
  /** The lecturer takes a person back. */
  release(who: string): Promise<Result>;
  /** A lecturer’s class ends; a student leaves. */
  stop(): Promise<void>;
}

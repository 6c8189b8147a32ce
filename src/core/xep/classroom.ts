/**
 * A class: pages that follow the page of a lecturer. The namespace is our own, and this is what its stanzas hold.
 *
 * | iq set | from | answer |
 * |---|---|---|
 * | `<open code key/>` | the lecturer's page | all `<student/>`s |
 * | `<state>` | the lecturer's page | nothing |
 * | `<close/>` | the lecturer's page | nothing |
 * | `<follow code nick/>` | a student's page | the `<state>` |
 * | `<answer question>` | a student's page | nothing |
 * | `<leave/>` | a student's page | nothing |
 * | `<take who/>`, `<give/>` | a student's page: plays a person of the live room, or plays them no more | nothing |
 * | `<say to?>` | the page of a student who plays somebody | nothing |
 * | `<release who/>` | the lecturer's page: nobody plays them any more | nothing |
 *
 * The server tells students each new `<state>`, the `<seats>` whenever they change, and `<over/>`; and the lecturer `<students>` who
 * came, answered or went, and `<say who>` what somebody says as the person whom they play, as headlines. The `<state>` of the lecturer
 * has a `<seat who nick/>` for each person whom a student may play. `follow` may have a `secret`: with it a student whose connection
 * was lost plays on.
 */
import { parseJid, parseNick } from '../xmpp/jid.ts';
import { NS } from '../xmpp/namespaces.ts';
import { childOf, childrenOf, el, readCount, textOf, utf8Length, type XmlElement } from '../xmpp/xml.ts';

/** What the lecturer asks: one of several answers, or a number. */
export interface ClassQuestion {
  /** Whoever answers names it. */
  readonly id: string;
  readonly ask: string;
  /** Empty: the answer is a number. */
  readonly choices: readonly string[];
  /** Of the number. */
  readonly unit?: string;
}

/** What the lecturer's page shows, and what all pages of the class show, therefore. */
export interface ClassState {
  /** What the address of the page says, from its `?` or `#` on. */
  readonly place: string;
  /** The lesson that is taught, by its id, and the number of its step. */
  readonly lesson?: { readonly id: string; readonly step: number };
  readonly question?: ClassQuestion;
  /** Of a live room: the people whom students may play. */
  readonly seats?: readonly ClassSeat[];
}

/** A person of a live room whom a student may play. */
export interface ClassSeat {
  /** Full JID. */
  readonly who: string;
  readonly nick: string;
  /** As a student is told: somebody plays them, or this student does. */
  readonly taken?: true;
  readonly yours?: true;
}

/** What a student says as the person whom they play. */
export interface ClassSpeech {
  /** Full JID. */
  readonly who: string;
  /** The nick of whom alone they tell it; absent: the room. */
  readonly to?: string;
  readonly text: string;
}

/** A student, as the lecturer's page knows them. */
export interface ClassStudent {
  /** The server's number for them: nobody else has it in this class. */
  readonly n: number;
  /** As they typed it; empty if they did not. */
  readonly nick: string;
  /** To the question that is asked: a number, or the number of a choice from 0. */
  readonly answer?: string;
  /** The full JID of the person whom they play. */
  readonly seat?: string;
  /** They have left, or their connection is lost. */
  readonly gone?: true;
}

/** Lengths in characters, but for the place, which is in bytes: a link with all that was done may be long. */
export const classLimits = {
  place: 24 * 1024,
  ask: 600,
  choice: 160,
  choices: 8,
  unit: 40,
  nick: 40,
  seats: 40,
  text: 1000,
} as const;

/** @returns undefined where something in it is too long, or not as it should be */
export function readClassState(element: XmlElement): ClassState | undefined {
  const place = textOf(childOf(element, 'place', NS.classroom) ?? el('place', NS.classroom));
  if (utf8Length(place) > classLimits.place || !/^(?:$|[?#])/.test(place)) return undefined;
  const lesson = childOf(element, 'lesson', NS.classroom);
  const step = readCount(lesson?.attrs['step'], 3);
  const id = lesson?.attrs['id'] ?? '';
  if (lesson !== undefined && (step === undefined || !/^[a-z0-9-]{1,80}$/.test(id))) return undefined;
  const asked = childOf(element, 'question', NS.classroom);
  const question = asked && readQuestion(asked);
  if (asked !== undefined && question === undefined) return undefined;
  const seats = readSeats(element);
  if (seats === undefined) return undefined;
  return {
    place,
    ...(lesson === undefined ? {} : { lesson: { id, step: step ?? 0 } }),
    ...(question === undefined ? {} : { question }),
    ...(seats.length === 0 ? {} : { seats }),
  };
}

/** @returns undefined where there are too many, or one of them is none */
export function readSeats(element: XmlElement): readonly ClassSeat[] | undefined {
  const found = childrenOf(element, 'seat', NS.classroom).map(({ attrs }): ClassSeat | undefined => {
    const { who = '', nick = '', taken, yours } = attrs;
    if (parseJid(who) !== who || parseNick(nick) !== nick) return undefined;
    return {
      who,
      nick,
      ...(taken === 'true' ? { taken: true } : {}),
      ...(yours === 'true' ? { yours: true } : {}),
    };
  });
  return found.length <= classLimits.seats && found.every((seat) => seat !== undefined) ? found : undefined;
}

function writeSeat({ who, nick, taken, yours }: ClassSeat): XmlElement {
  return el('seat', NS.classroom, { who, nick, taken: taken && 'true', yours: yours && 'true' });
}

export function writeSeats(seats: readonly ClassSeat[]): XmlElement {
  return el('seats', NS.classroom, {}, ...seats.map(writeSeat));
}

/** @returns undefined where it is nothing that somebody could say */
export function readSpeech(element: XmlElement): Omit<ClassSpeech, 'who'> | undefined {
  const text = textOf(element);
  const { to } = element.attrs;
  if (text.trim() === '' || text.length > classLimits.text) return undefined;
  if (to === undefined) return { text };
  return parseNick(to) === to ? { to, text } : undefined;
}

export function writeSpeech({ who, to, text }: Omit<ClassSpeech, 'who'> & { readonly who?: string }): XmlElement {
  return el('say', NS.classroom, { who, to }, text);
}

function readQuestion(element: XmlElement): ClassQuestion | undefined {
  const { id = '', unit } = element.attrs;
  const ask = textOf(childOf(element, 'ask', NS.classroom) ?? el('ask', NS.classroom));
  const choices = childrenOf(element, 'choice', NS.classroom).map(textOf);
  const fits =
    /^[\w/-]{1,100}$/.test(id) &&
    ask !== '' &&
    ask.length <= classLimits.ask &&
    choices.length <= classLimits.choices &&
    choices.length !== 1 &&
    choices.every((choice) => choice !== '' && choice.length <= classLimits.choice) &&
    (unit ?? '').length <= classLimits.unit;
  return fits ? { id, ask, choices, ...(unit === undefined ? {} : { unit }) } : undefined;
}

export function writeClassState({ place, lesson, question, seats = [] }: ClassState): XmlElement {
  const text = (name: string, value: string) => el(name, NS.classroom, {}, value);
  return el(
    'state',
    NS.classroom,
    {},
    text('place', place),
    ...(lesson ? [el('lesson', NS.classroom, { id: lesson.id, step: String(lesson.step) })] : []),
    ...(question
      ? [
          el(
            'question',
            NS.classroom,
            { id: question.id, unit: question.unit },
            text('ask', question.ask),
            ...question.choices.map((choice) => text('choice', choice)),
          ),
        ]
      : []),
    ...seats.map(writeSeat),
  );
}

/** A name that a student typed: without what cannot be seen, and not too long. */
export function readClassNick(text: string): string {
  return [...(parseNick(text.trim()) ?? '')].slice(0, classLimits.nick).join('');
}

/** @returns the answer as everybody counts it; undefined if it is none to this question */
export function readAnswer({ choices }: ClassQuestion, text: string): string | undefined {
  const given = text.trim();
  if (choices.length > 0) return /^\d$/.test(given) && Number(given) < choices.length ? given : undefined;
  return /^-?\d{1,9}(?:\.\d{1,3})?$/.test(given) ? String(Number(given)) : undefined;
}

export function writeStudents(students: readonly ClassStudent[]): XmlElement {
  return el(
    'students',
    NS.classroom,
    {},
    ...students.map(({ n, nick, answer, seat, gone }) =>
      el('student', NS.classroom, { n: String(n), nick, answer, seat, gone: gone && 'true' }),
    ),
  );
}

export function readStudents(element: XmlElement): readonly ClassStudent[] {
  return childrenOf(element, 'student', NS.classroom).flatMap(({ attrs }) => {
    const n = readCount(attrs['n'], 9);
    if (n === undefined) return [];
    const { nick = '', answer, seat, gone } = attrs;
    return [
      {
        n,
        nick,
        ...(answer === undefined ? {} : { answer }),
        ...(seat === undefined ? {} : { seat }),
        ...(gone === 'true' ? { gone: true as const } : {}),
      },
    ];
  });
}

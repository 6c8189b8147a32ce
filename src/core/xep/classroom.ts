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
 *
 * The server tells students each new `<state>`, and `<over/>`, and the lecturer `<students>` who came, answered or went, as headlines.
 */
import { parseNick } from '../xmpp/jid.ts';
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
}

/** A student, as the lecturer's page knows them. */
export interface ClassStudent {
  /** The server's number for them: nobody else has it in this class. */
  readonly n: number;
  /** As they typed it; empty if they did not. */
  readonly nick: string;
  /** To the question that is asked: a number, or the number of a choice from 0. */
  readonly answer?: string;
  /** They have left, or their connection is lost. */
  readonly gone?: true;
}

/** Lengths in characters, but for the place, which is in bytes: a link with all that was done may be long. */
export const classLimits = { place: 24 * 1024, ask: 600, choice: 160, choices: 8, unit: 40, nick: 40 } as const;

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
  return {
    place,
    ...(lesson === undefined ? {} : { lesson: { id, step: step ?? 0 } }),
    ...(question === undefined ? {} : { question }),
  };
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

export function writeClassState({ place, lesson, question }: ClassState): XmlElement {
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
    ...students.map(({ n, nick, answer, gone }) =>
      el('student', NS.classroom, { n: String(n), nick, answer, gone: gone && 'true' }),
    ),
  );
}

export function readStudents(element: XmlElement): readonly ClassStudent[] {
  return childrenOf(element, 'student', NS.classroom).flatMap(({ attrs }) => {
    const n = readCount(attrs['n'], 9);
    if (n === undefined) return [];
    const { nick = '', answer, gone } = attrs;
    return [
      { n, nick, ...(answer === undefined ? {} : { answer }), ...(gone === 'true' ? { gone: true as const } : {}) },
    ];
  });
}

import type { ClassQuestion, ClassState } from '../../core/xep/classroom.ts';
import type { LessonStep } from '../../lessons/lesson.ts';
import { parseMarkdown } from '../../lessons/markdown.ts';
import type { LessonPlace } from '../view.ts';

/** What the guess of a step of a lesson is called in a class. */
export function lessonQuestionId({ id, step }: Pick<LessonPlace, 'id' | 'step'>): string {
  return `${id}/${step}`;
}

/** The guess that a step asks for, as a question to a class; undefined if it asks for none. */
export function lessonQuestion(
  place: LessonPlace,
  { predict }: Pick<LessonStep, 'predict'>,
): ClassQuestion | undefined {
  if (predict === undefined) return undefined;
  const asked = {
    id: lessonQuestionId(place),
    ask: parseMarkdown(predict.ask)
      .map((block) => (block.kind === 'list' ? block.items.flat() : block.inlines).map(({ text }) => text).join(''))
      .join(' '),
  };
  return 'choices' in predict ? { ...asked, choices: predict.choices } : { ...asked, choices: [], unit: predict.unit };
}

/** Whether a class is asked what its lesson asks: then the lesson has the form for it. */
export function isLessons({ lesson, question }: ClassState): boolean {
  return lesson !== undefined && question?.id === lessonQuestionId(lesson);
}

import type { Focus, Lesson } from '../../lessons/lesson.ts';
import type { ComparedMessage, Comparison } from '../comparison.ts';
import type { Model } from '../fold/model.ts';
import type { Session } from '../session/session.ts';

type View = Extract<Focus, { view: string }>['view'];

/** What a lesson needs of the page: the store has it. */
export interface LessonPage {
  readonly session: Session;
  /** What the views show, and all that the page was told. */
  readonly model: Model;
  readonly told: Model;
  readonly comparison: Comparison | undefined;
  /** `presenting` is undefined unless somebody presents. */
  readonly view: { readonly presenting: number | undefined };
  compared(comparison: Comparison, model: Model): readonly ComparedMessage[];
  subscribe(listener: () => void): () => void;
  changed(): void;
  set(change: {
    readonly event: undefined;
    readonly thing: undefined;
    readonly tab?: Exclude<View, 'inspector'>;
  }): void;
  select(event: number | undefined): void;
  seek(at: number): void;
  play(): void;
  onLesson(lesson: Lesson, step: number, isBuiltIn: boolean): void;
}

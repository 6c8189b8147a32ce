/** A step of a lesson that comes with Netsplit. */
export interface LessonPlace {
  readonly id: string;
  /** From 1: the steps, then the exercises. */
  readonly step: number;
  /** The last event before the step began; absent: the step begins where it does if all before was done as it is meant. */
  readonly from?: number | undefined;
}

/** What the address says of a lesson; undefined if it is about none. */
export function readLesson(of: URLSearchParams): LessonPlace | undefined {
  const id = of.get('lesson');
  if (id === null) return undefined;
  const [step = '1', from = ''] = [of.get('step') ?? undefined, of.get('from') ?? undefined];
  return {
    id,
    step: /^[1-9]\d?$/.test(step) ? Number(step) : 1,
    ...(/^\d{1,7}$/.test(from) ? { from: Number(from) } : {}),
  };
}

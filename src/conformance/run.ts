import { NS } from '../core/xmpp/namespaces.ts';
import { iq } from '../core/xmpp/stanza.ts';
import { el } from '../core/xmpp/xml.ts';
import type { Check, Part, Review } from './check.ts';
import { answers } from './like.ts';
import { Failed, NotOffered, type Script } from './script.ts';
import type { Result, Verdict } from './setting.ts';
import { featuresIn, type Stage } from './stage.ts';

/** Tells whoever waits, check by check. @param now  the host's clock, in ms */
export interface Told {
  now(): number;
  result(result: Result): void;
}

/** Plays all checks of a part, each with people of its own, and then looks at everything that was exchanged. */
export function* runPart(
  part: Part,
  stage: Stage,
  only: (check: Pick<Check, 'id' | 'section'>) => boolean,
  told: Told,
): Script {
  const tell = (check: Check | Review, verdict: Verdict, since: number) => {
    const { id, section, requirement } = check;
    told.result({ id, section, requirement, verdict, tookMs: told.now() - since });
  };
  stage.beginCheck();
  if (part.reflex) stage.reflex = part.reflex(stage);
  let basis: string | undefined;
  if (part.begin) {
    const since = told.now();
    const verdict = yield* verdictOf(part.begin.run(stage), part, stage);
    tell(part.begin, verdict, since);
    if (verdict.kind !== 'passed') basis = part.begin.id;
  }
  const knows = basis === undefined && stage.extension && (yield* knowsExtension(part, stage));
  for (const check of part.checks) {
    if (!only(check) || !isOfRun(check, stage)) continue;
    const since = told.now();
    if (check.needs?.includes('users') && stage.setting.users === stage.setting.domain) {
      const why = 'it needs users of another domain than that of our node (--users)';
      tell(check, { kind: 'not offered', why }, since);
    } else if (basis !== undefined) tell(check, { kind: 'not offered', why: `it rests on ${basis}` }, since);
    else if (check.needs?.includes('extension') && !knows)
      tell(check, { kind: 'not offered', why: `it does not say that it has ${NS.ext}` }, since);
    else {
      stage.beginCheck();
      tell(check, yield* verdictOf(check.run(stage), part, stage), since);
    }
  }
  if (part.end) yield* verdictOf(part.end(stage), part, stage);
  for (const review of part.reviews) {
    if (!only(review)) continue;
    tell(review, reviewed(review, stage), told.now());
  }
}

function* verdictOf(script: Script, part: Part, stage: Stage): Script<Verdict> {
  let verdict: Verdict = { kind: 'passed' };
  try {
    yield* script;
  } catch (error) {
    verdict = verdictOfError(error);
  }
  part.restore?.(stage);
  yield* stage.endCheck();
  return verdict;
}

function verdictOfError(error: unknown): Verdict {
  if (error instanceof Failed) return { kind: 'failed', expected: error.expected, came: error.came };
  if (error instanceof NotOffered) return { kind: 'not offered', why: error.message };
  throw error;
}

function reviewed(review: Review, stage: Stage): Verdict {
  try {
    review.examine(stage.exchanged, stage);
    return { kind: 'passed' };
  } catch (error) {
    return verdictOfError(error);
  }
}

/** Whether the peer has our extension: it says so, and if it says nothing it has not. */
function* knowsExtension(part: Part, stage: Stage): Script<boolean> {
  if (part.knowsExtension) return part.knowsExtension(stage);
  // A user asks: what a node asks of another may be another matter.
  const request = iq(stage.theirs('asker'), stage.peer, { type: 'get', id: stage.newId() }, el('query', NS.discoInfo));
  yield* stage.send(request);
  const answer = yield* stage.maybe(answers(request));
  return answer !== undefined && featuresIn(answer).has(NS.ext);
}

/** What is about our extension, or about the other mode, is no matter of a run without it. */
function isOfRun({ needs = [], mode }: Check, { setting }: Stage): boolean {
  return (setting.extension || !needs.includes('extension')) && (mode === undefined || mode === setting.mode);
}

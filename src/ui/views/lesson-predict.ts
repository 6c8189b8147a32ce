import { html, nothing, type TemplateResult } from 'lit';
import type { Prediction } from '../../lessons/lesson.ts';
import type { LessonGuide, StepView } from '../lesson/guide.ts';
import type { Answer } from '../lesson/phase.ts';
import { icon } from './icons.ts';

/** Asks for a number or a choice before anything runs; afterwards it says what the learner has answered. */
export function predictionForm(
  guide: LessonGuide,
  predict: Prediction,
  { phase, answer }: StepView,
  text: (body: string) => TemplateResult,
): TemplateResult {
  if (phase !== 'predict')
    return html`<div class="lesson-predict" data-testid="lesson-answered">${text(predict.ask)}<p><b>${answerInWords(predict, answer)}</b></p></div>`;
  const submit = (event: SubmitEvent) => {
    event.preventDefault();
    const given = new FormData(event.target as HTMLFormElement).get('answer');
    if (typeof given === 'string' && given !== '') guide.answer(Number(given));
  };
  return html`<form class="lesson-predict" data-testid="lesson-predict" @submit=${submit}>
    <fieldset>
      <legend>First your guess</legend>
      <div id="lesson-ask">${text(predict.ask)}</div>
      ${
        'choices' in predict
          ? predict.choices.map(
              (choice, i) =>
                html`<label class="check"><input type="radio" name="answer" value=${i} required /> ${choice}</label>`,
            )
          : html`<p class="lesson-number"><input type="number" name="answer" min="0" max="10000" step="1" required autocomplete="off" aria-labelledby="lesson-ask lesson-unit" data-testid="lesson-number" /> <span id="lesson-unit">${predict.unit}</span></p>`
      }
    </fieldset>
    <p class="buttons">
      <button class="primary" data-testid="lesson-answer">That is my guess</button>
      <button type="button" data-testid="lesson-skip" @click=${() => guide.answer(null)}>Skip</button>
    </p>
  </form>`;
}

/** The answer beside what came out. */
export function predictionResult(predict: Prediction, { answer, right, count }: StepView): TemplateResult {
  const came = 'choices' in predict ? predict.choices[predict.answer] : `${count ?? ''} ${predict.unit}`;
  const given =
    answer === null || answer === undefined
      ? nothing
      : html`<div><dt>Your guess</dt><dd>${answerOnly(predict, answer)}</dd></div>`;
  const word =
    right === undefined
      ? nothing
      : html`<p class=${right ? 'lesson-right' : 'lesson-wrong'} data-right=${right ? 'true' : 'false'}>${icon(right ? 'check' : 'close')} ${right ? 'That is right.' : 'It came out otherwise.'}</p>`;
  return html`${word}<dl class="lesson-numbers">${given}<div><dt>The run</dt><dd data-testid="lesson-count">${came}</dd></div></dl>`;
}

function answerInWords(predict: Prediction, answer: Answer | undefined): string {
  return answer === null || answer === undefined ? 'You left it open.' : `Your guess: ${answerOnly(predict, answer)}`;
}

function answerOnly(predict: Prediction, answer: number): string {
  return 'choices' in predict ? (predict.choices[answer] ?? '') : `${answer} ${predict.unit}`;
}

import { classLimits } from '../../core/xep/classroom.ts';
import { Following, type Showing } from './student.ts';
import { StudentBar } from './student-bar.ts';

/** Asks for a name, and joins a class. Where there is no such class any more, the page says so. */
export function askToJoin(code: string, showing: Showing): void {
  const main = document.createElement('main');
  main.className = 'failure class-join';
  main.dataset.testid = 'class-join';
  const heading = document.createElement('h1');
  heading.textContent = 'Join a class';
  const what = document.createElement('p');
  what.textContent =
    'This page will show what your lecturer shows. Your lecturer sees the name that you type here and your answers. Nobody else does, and nothing is kept.';
  const form = document.createElement('form');
  const label = document.createElement('label');
  label.textContent = 'Your name, if you like ';
  const name = document.createElement('input');
  name.maxLength = classLimits.nick;
  name.autocomplete = 'off';
  name.dataset.testid = 'class-nick';
  label.append(name);
  const button = document.createElement('button');
  button.className = 'primary';
  button.dataset.testid = 'class-enter';
  button.textContent = 'Join';
  const why = document.createElement('p');
  why.setAttribute('role', 'alert');
  why.dataset.testid = 'class-why';
  form.append(label, button);
  form.addEventListener('submit', async (event) => {
    event.preventDefault();
    button.disabled = true;
    const error = await join(code, name.value.trim(), showing).catch((reason: unknown) =>
      reason instanceof Error ? reason.message : String(reason),
    );
    button.disabled = false;
    if (error === undefined) {
      what.textContent = 'You are in the class. As soon as the lecturer shows something, you see it here.';
      form.remove();
    }
    why.textContent = error === undefined ? '' : `You cannot join: ${error}.`;
  });
  main.append(heading, what, form, why);
  document.querySelector('#app')?.replaceChildren(main);
}

/** @returns why not */
async function join(code: string, nick: string, showing: Showing): Promise<string | undefined> {
  const bar = new StudentBar();
  const following = new Following(code, nick, showing, () => bar.requestUpdate());
  bar.following = following;
  const result = await following.start();
  if (!result.ok) return result.error;
  bar.show();
  return undefined;
}

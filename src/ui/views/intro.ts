import { html, nothing, type TemplateResult } from 'lit';
import type { LinkView } from '../fold/links.ts';
import { Part } from './base.ts';
import { icon } from './icons.ts';

/** Of this browser: it has been here, and closed the introduction. */
const seenKey = 'netsplit.introduced';

/** From the XEP: what BigCheese has to say. */
const example = 'Phaedrus, we are all having a truly rotten time.';

interface Step {
  readonly id: 'speak' | 'cut' | 'heal';
  readonly text: string;
  readonly button: string;
  readonly icon: string;
  readonly run: () => void;
}

/** What this is, in one sentence, and one button that leads on: speak, cut a link, heal it. */
class Intro extends Part {
  #closed = wasClosed();

  protected override render(): TemplateResult | typeof nothing {
    if (this.#closed || this.store.session.recording) return nothing;
    const { id, text, button, icon: sign, run } = this.#step();
    return html`<section class="intro-bar" aria-label="Introduction" data-testid="intro" data-step=${id}>
      <p>${text}</p>
      <button type="button" class="primary" data-testid="intro-go" @click=${run}>${icon(sign)} ${button}</button>
      <a class="button" href="#lesson=one-room-one-server" data-testid="intro-lesson">Start lesson 1</a>
      <button type="button" class="round" data-testid="intro-close" aria-label="Close the introduction" @click=${this.#close}>${icon('close')}</button>
    </section>`;
  }

  #step(): Step {
    const { model } = this.store;
    const links = [...model.network.links.values()];
    const cut = links.find(({ state, away }) => state !== 'up' && away === undefined);
    if (cut) {
      return {
        id: 'heal',
        text: `The link ${cut.ends[0]} – ${cut.ends[1]} is cut. Speak again and see who is not reached, then heal it.`,
        button: 'Heal the link',
        icon: 'heal',
        run: () => void this.store.act({ act: 'heal', link: cut.ends }),
      };
    }
    const busiest = links.toSorted((a, b) => b.stanzas - a.stanzas)[0];
    if (model.costs.messages.length > 0 && busiest) {
      return {
        id: 'cut',
        text: 'Each link says how many stanzas it has carried. Now cut one: press it, and choose what becomes of the stanzas.',
        button: 'Choose a link to cut',
        icon: 'cut',
        run: () => this.#toLink(busiest),
      };
    }
    return {
      id: 'speak',
      text: 'A chat room on a network of XMPP servers, live in this page: each shape that moves is a stanza, and each link counts what crosses it.',
      button: 'Speak, then cut a link',
      icon: 'say',
      run: () => this.#toSpeech(),
    };
  }

  /** The cursor is in the box, and Enter is enough. */
  #toSpeech(): void {
    this.store.set({ region: 'topology' });
    const input = document.querySelector<HTMLInputElement>('#say-text');
    if (!input) return;
    if (input.value === '') input.value = example;
    input.focus();
    input.select();
  }

  #toLink(link: LinkView): void {
    this.store.set({ region: 'topology' });
    const focused = `[data-link="${CSS.escape(link.key)}"]`;
    const element = document.querySelector<SVGElement>(focused);
    element?.focus();
    // As if it had been pressed there: its menu opens beside it.
    element?.dispatchEvent(new KeyboardEvent('keydown', { key: 'Enter', bubbles: true, cancelable: true }));
  }

  readonly #close = (): void => {
    this.#closed = true;
    try {
      localStorage.setItem(seenKey, 'yes');
    } catch {
      // A private window: it is there again the next time.
    }
    this.requestUpdate();
    document.querySelector<HTMLElement>('#say-text')?.focus();
  };
}

function wasClosed(): boolean {
  try {
    return localStorage.getItem(seenKey) !== null;
  } catch {
    return false;
  }
}

customElements.define('ns-intro', Intro);

import { html, nothing, type TemplateResult } from 'lit';
import { bareOf, type Jid } from '../../core/xmpp/jid.ts';
import { type Command, type Forms, linkCommands, nodeCommands, occupantCommands, serverCommands } from '../commands.ts';
import type { LinkView } from '../fold/links.ts';
import type { NodeView } from '../fold/network.ts';
import type { OccupantView } from '../fold/people.ts';
import { actingDevice, deviceCount, shortName } from '../words.ts';
import { Part } from './base.ts';
import { icon } from './icons.ts';
import { moveInMenu } from './menu-keys.ts';
import { kickDialog, whisperDialog } from './other-dialogs.ts';

/** The menu of a node, a place for one, a link or an occupant, and the forms it opens. */
class Menu extends Part implements Forms {
  #back: HTMLElement | SVGElement | null = null;
  #slowLink: LinkView | undefined;
  #nickOf: OccupantView | undefined;
  #whisperOf: OccupantView | undefined;
  #kickOf: OccupantView | undefined;
  #policyOf: NodeView | undefined;
  #shown: object | undefined;

  protected override updated(): void {
    const { menu } = this.store.view;
    const popover = this.querySelector<HTMLElement>('[popover]');
    if (!popover || menu === this.#shown) return;
    this.#shown = menu;
    if (!menu) {
      if (popover.matches(':popover-open')) popover.hidePopover();
      return;
    }
    this.#back = document.activeElement as HTMLElement | SVGElement | null;
    popover.showPopover();
    // At its former position it may have been squeezed.
    popover.style.left = popover.style.top = '0';
    const box = popover.getBoundingClientRect();
    popover.style.left = `${Math.max(8, Math.min(menu.x, innerWidth - box.width - 8))}px`;
    popover.style.top = `${Math.max(8, Math.min(menu.y, innerHeight - box.height - 8))}px`;
    popover.querySelector<HTMLElement>('[role=menuitem]:not([aria-disabled=true])')?.focus();
  }

  protected override render(): TemplateResult {
    const { menu } = this.store.view;
    const { title, commands } = this.#content();
    return html`
      <div popover="auto" class="menu" role="menu" aria-label=${title} data-testid="menu" @toggle=${this.#onToggle} @keydown=${this.#onKey}>
        ${menu ? html`<p class="menu-title">${title}</p>` : nothing}
        ${commands.map(
          (command) => html`<button
            role="menuitem"
            type="button"
            tabindex="-1"
            data-testid=${`menu-${command.id}`}
            aria-disabled=${command.not ? 'true' : 'false'}
            title=${command.not ?? ''}
            @click=${() => this.#choose(command)}
          >${icon(command.icon)}<span>${command.label}</span>${command.not ? html`<small>${command.not}</small>` : nothing}</button>`,
        )}
      </div>
      ${this.#slowDialog()} ${this.#nickDialog()} ${this.#policyDialog()}
      ${whisperDialog(this.store, this.#whisperOf)} ${kickDialog(this.store, this.#kickOf)}
    `;
  }

  #content(): { title: string; commands: readonly Command[] } {
    const thing = this.store.view.menu?.thing;
    const { model } = this.store;
    if (thing?.kind === 'link') {
      const link = model.network.links.get(thing.id);
      if (link) return { title: link.ends.join(' – '), commands: linkCommands(this.store, link, this) };
    }
    if (thing?.kind === 'node') {
      const node = model.network.nodes.get(thing.id);
      if (node) return { title: shortName(model, node.address), commands: nodeCommands(this.store, node, this) };
    }
    if (thing?.kind === 'server')
      return { title: `${thing.id}: no replica`, commands: serverCommands(this.store, thing.id) };
    if (thing?.kind === 'occupant') {
      const who = model.people.all().find((occupant) => occupant.jid === thing.id);
      const several = who && deviceCount(who);
      const title = several ? `${who.nick}, ${several} (${bareOf(who.jid as Jid)})` : `${who?.nick} (${who?.jid})`;
      if (who) return { title, commands: occupantCommands(this.store, who, this) };
    }
    return { title: 'Menu', commands: [] };
  }

  #choose(command: Command): void {
    if (command.not) return;
    this.store.set({ menu: undefined });
    this.querySelector<HTMLElement>('[popover]')?.hidePopover();
    command.run();
  }

  readonly #onToggle = (event: Event): void => {
    if ((event as ToggleEvent).newState !== 'closed') return;
    if (this.store.view.menu === this.#shown) this.store.set({ menu: undefined });
    if (document.activeElement === document.body || this.contains(document.activeElement)) this.#back?.focus();
  };

  readonly #onKey = (event: KeyboardEvent): void =>
    moveInMenu(event, [...this.querySelectorAll<HTMLElement>('[role=menuitem]')]);

  // Forms

  speak(who: OccupantView): void {
    this.store.set({ speaker: actingDevice(who) });
    document.querySelector<HTMLElement>('#say-text')?.focus();
  }

  slow(link: LinkView): void {
    this.#slowLink = link;
    this.#open('slow-dialog');
  }

  nick(who: OccupantView): void {
    this.#nickOf = who;
    this.#open('nick-dialog');
  }

  whisper(who: OccupantView): void {
    this.#whisperOf = who;
    this.#open('whisper-dialog');
  }

  kick(who: OccupantView): void {
    this.#kickOf = who;
    this.#open('kick-dialog');
  }

  policy(node: NodeView): void {
    this.#policyOf = node;
    this.#open('policy-dialog');
  }

  #open(testid: string): void {
    this.requestUpdate();
    void this.updateComplete.then(() => this.querySelector<HTMLDialogElement>(`[data-testid=${testid}]`)?.showModal());
  }

  #slowDialog(): TemplateResult {
    const link = this.#slowLink;
    const presets: readonly (readonly [string, number, number, number])[] = [
      ['Default', 20, 0, 0],
      ['Other continent', 200, 20, 0],
      ['Satellite', 600, 50, 0],
      ['Modem 9600 bit/s', 1000, 0, 1200],
    ];
    return html`<dialog data-testid="slow-dialog" aria-labelledby="slow-title">
      <form method="dialog" @submit=${this.#onSlow}>
        <h2 id="slow-title">Slow ${link?.ends.join(' – ') ?? ''}</h2>
        <p class="presets">${presets.map(
          ([name, latency, jitter, speed]) =>
            html`<button type="button" @click=${(event: Event) => this.#preset(event, latency, jitter, speed)}>${name}</button>`,
        )}</p>
        <label>Latency, ms <input name="latency" type="number" min="0" max="60000" required .value=${String(link?.latencyMs ?? 20)} /></label>
        <label>Jitter, ± ms <input name="jitter" type="number" min="0" max="60000" required .value=${String(link?.jitterMs ?? 0)} /></label>
        <label>Bandwidth, bytes/s (0: unlimited) <input name="bandwidth" type="number" min="0" max="100000000" required .value=${String(link?.bytesPerSecond ?? 0)} /></label>
        <p class="buttons">
          <button type="button" @click=${(event: Event) => (event.target as Element).closest('dialog')?.close()}>Cancel</button>
          <button class="primary" data-testid="slow-apply">Apply</button>
        </p>
      </form>
    </dialog>`;
  }

  #preset(event: Event, latency: number, jitter: number, speed: number): void {
    const form = (event.target as Element).closest('form');
    if (!form) return;
    for (const [name, value] of Object.entries({ latency, jitter, bandwidth: speed })) {
      const input = form.elements.namedItem(name) as HTMLInputElement | null;
      if (input) input.value = String(value);
    }
  }

  readonly #onSlow = (event: SubmitEvent): void => {
    const values = new FormData(event.target as HTMLFormElement);
    if (!this.#slowLink) return;
    void this.store.act({
      act: 'slow',
      link: this.#slowLink.ends,
      latencyMs: Number(values.get('latency')),
      jitterMs: Number(values.get('jitter')),
      bytesPerSecond: Number(values.get('bandwidth')),
    });
  };

  #policyDialog(): TemplateResult {
    const now = this.#policyOf && this.store.model.network.policyOf(this.#policyOf);
    const flags = [
      ['chat', 'Conversation among local users'],
      ['pm', 'Private messages between local users'],
      ['entry', 'Users may enter, provisionally'],
      ['kick', 'Known moderators may kick local users'],
    ] as const;
    return html`<dialog data-testid="policy-dialog" aria-labelledby="policy-title">
      <form method="dialog" @submit=${this.#onPolicy}>
        <h2 id="policy-title">While a replica is cut off</h2>
        <p class="note">XEP-0282 §4.11.1.2. An owner of the room sends this as its configuration (XEP-0045 §10.2); the primary tells its replicas.</p>
        <fieldset>
          <legend>What the replica does</legend>
          <label class="check"><input type="radio" name="policy" value="freeze" .checked=${now?.policy !== 'local'} /> Freeze: users can leave, everything else is refused (MUST)</label>
          <label class="check"><input type="radio" name="policy" value="local" .checked=${now?.policy === 'local'} /> Local: also what is ticked below (each a MAY)</label>
          ${flags.map(
            ([name, label]) =>
              html`<label class="check inner"><input type="checkbox" name=${name} .checked=${now?.[name] ?? false} /> ${label}</label>`,
          )}
        </fieldset>
        <label class="check"><input type="checkbox" name="away" .checked=${now?.away ?? false} /> Mark those on the other side as away (MAY)</label>
        <p class="buttons">
          <button type="button" @click=${(event: Event) => (event.target as Element).closest('dialog')?.close()}>Cancel</button>
          <button class="primary" data-testid="policy-apply">Apply</button>
        </p>
      </form>
    </dialog>`;
  }

  readonly #onPolicy = (event: SubmitEvent): void => {
    const values = new FormData(event.target as HTMLFormElement);
    const room = this.#policyOf && this.store.model.network.roomsOf(this.#policyOf).find(({ split }) => split)?.room;
    if (!room) return;
    void this.store.act({
      act: 'configure',
      room,
      split: {
        policy: values.get('policy') === 'local' ? 'local' : 'freeze',
        chat: values.has('chat'),
        pm: values.has('pm'),
        entry: values.has('entry'),
        kick: values.has('kick'),
        away: values.has('away'),
      },
    });
  };

  #nickDialog(): TemplateResult {
    return html`<dialog data-testid="nick-dialog" aria-labelledby="nick-title">
      <form method="dialog" @submit=${this.#onNick}>
        <h2 id="nick-title">New nick for ${this.#nickOf?.nick ?? ''}</h2>
        <label>Nick <input name="nick" required maxlength="64" autocomplete="off" .value=${this.#nickOf?.nick ?? ''} /></label>
        <p class="buttons">
          <button type="button" @click=${(event: Event) => (event.target as Element).closest('dialog')?.close()}>Cancel</button>
          <button class="primary" data-testid="nick-apply">Change</button>
        </p>
      </form>
    </dialog>`;
  }

  readonly #onNick = (event: SubmitEvent): void => {
    const nick = String(new FormData(event.target as HTMLFormElement).get('nick') ?? '').trim();
    if (this.#nickOf && nick) void this.store.act({ act: 'nick', who: actingDevice(this.#nickOf), nick });
  };
}

customElements.define('ns-menu', Menu);

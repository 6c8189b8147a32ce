import { html, type TemplateResult } from 'lit';
import { type Choice, choicesIn } from '../fold/choices.ts';
import { specEntry } from '../spec-index.ts';
import { counted } from '../words.ts';
import { Part } from './base.ts';

type Pairs = readonly (readonly [string, string])[];

const around: Pairs = [
  ['Tab', 'go into the picture'],
  [
    'Arrows',
    'go to the neighbour in that direction; in the log, to the next row, and → opens a line of it, ← closes it, as does Enter; in Space-time, to the next arrow, and Enter selects it',
  ],
  ['Alt+arrows', 'move the server where the focus is; a pointer drags its ground'],
  ['0', 'put all servers back'],
];

const acting: Pairs = [
  ['Space or .', 'hold or release all links'],
  ...around,
  ['Enter or Shift+F10', 'open the menu of the node, link or person'],
  ['x', 'cut or heal the focused or selected link'],
  ['k', 'crash or restart the focused or selected node'],
  ['r', 'remove the focused or selected replica or shadow, or add one where there is none'],
  ['w', 'rewind: show the record of this session; it goes on meanwhile'],
];

const looking: Pairs = [
  ['Space or .', 'play or pause'],
  ['← →', 'go one event back or forward, outside the picture and the log'],
  ...around,
  ['Enter', 'select the node, link or person'],
];

const lab: Pairs = [
  ['Space or .', 'play or pause'],
  ['← →', 'go one event back or forward, outside the picture and the log; at the end the next thing happens'],
  ['Shift+→', 'go on until nothing is under way'],
  ['s', 'copy a link to this moment'],
  ['c', 'compare with the same run in another protocol, or no more'],
  ...acting.slice(1),
];
const backToLive: Pairs = [['w', 'show the live session again']];

const views: Pairs = [
  ['1 – 5', 'show Log, Space-time, Transcripts, Counters or Outline'],
  ['/', 'filter the log'],
  ['m', 'give the views all the room, or the picture its part of it'],
  ['p', 'begin or end presenter mode'],
  ['?', 'show this help'],
  ['Esc', 'close what is open, then clear the selection, then end presenter mode; in the log, clear the filter first'],
];

const presenter: Pairs = [
  ['+ −', 'make everything larger or smaller, from 125 to 200 %'],
  [
    'Page Down, Page Up',
    'select the next or previous line of the log, in a recording the next or previous event; a remote control has these keys',
  ],
  ['1 – 5', 'show the views below the picture, and hide them again'],
];

const glossary: Pairs = [
  ['room node', 'a program that runs a room, or a part of one; here a worker of this page'],
  ['primary', 'XEP-0282: the node that decides for the whole room. Version 0.1 calls it MASTER'],
  [
    'replica',
    'XEP-0282: a node close to the users of one server. It passes on to them what the primary sends. Version 0.1 calls it SLAVE',
  ],
  ['enter, leave', 'XEP-0282: the primary tells a replica to add someone to its list, or take them off'],
  ['netsplit, netjoin', 'XEP-0282: primary and replica lose contact; they are connected again'],
  [
    'source, shadow, instance',
    'XEP-0281: a room on several services. The source is the instance that was first, and decides about configuration and rank; every other one is a shadow. Each sends what its users say to all others',
  ],
  ['firsthost, peerhost', 'XEP-0281: the service of the source, and one that hosts a shadow or is ready to'],
  ['redirect', 'XEP-0281: the source sends a user to the shadow on the user’s own server, and invites them there'],
  ['FMUC', 'XEP-0289, federated multi-user chat: whole rooms join each other'],
  ['joining node, joined node', 'XEP-0289: the room that asks to join, and the room that it joins'],
  [
    'primary-primary, primary-replica',
    'XEP-0289: the two modes of FMUC; version 0.2 says Master-Master and Master-Slave. That “primary” is not the one of XEP-0282',
  ],
  ['occupant', 'XEP-0045: a user who is in a room, known there by a nick'],
  [
    'device, session',
    'a phone or a laptop of one user, each with a full JID of its own. Several may be in a room under one nick, and are one occupant; each gets a copy of everything',
  ],
  ['submission', 'a message as its author sent it; every other stanza that carries it is a copy'],
  ['bounce', 'a stanza that cannot be delivered and comes back as an error'],
];

const choices: Pairs = [
  [
    'XEP-0282 §4.2 Creating a Replica (“to follow”)',
    'a replica asks the primary with an IQ of our own extension; nothing is created without a request',
  ],
  [
    'XEP-0282 §4.11.2 Netjoin (“to follow”)',
    'the replica says what it has, and the primary sends the rest in order; then the replica relays what its users did meanwhile. Nothing is inserted into the past',
  ],
  [
    'XEP-0282 §4.11.1.2, the MAYs during a split',
    'local users may do what the room’s policy allows. By default messages are refused, so that histories do not diverge',
  ],
  [
    'XEP-0281 §3.7 (“to follow”)',
    'each instance numbers what its users say, and two that meet again tell each other how far they have come with every instance. All keep the messages in one order, by time, instance and number; the screen is not rearranged',
  ],
  [
    'XEP-0281 §3.5, the redirect',
    'a client follows it only where both rooms say that they belong together, and only if its user agrees; wishes of a shadow’s owner wait while the source is out of reach',
  ],
  [
    'XEP-0289 §8 and its open list',
    'nodes resynchronise by leaving and joining again. A nick that is taken is refused on the joining side',
  ],
  [
    'Keepalive',
    'XEP-0199 pings in both directions. Two unanswered pings count as a split, because a silent cut bounces nothing',
  ],
];

const slips: Pairs = [
  ['XEP-0282 Listing 10', 'shows BigCheese’s presence as coming from /WiZ; it comes from /BigCheese'],
  ['XEP-0282 rosters', 'give Troy the affiliation “participant”, which is a role; we send “admin”'],
  ['XEP-0282 self-presence', 'has no status 110 in the listings; we send it, as XEP-0045 requires'],
  ['XEP-0281 acknowledgements', 'swap “to” and “from” in the listings'],
  ['XEP-0281 <peerhost/>', 'does not say in the listings which service is new; we name the instance'],
  ['XEP-0289 delay', 'is written with a wrong element and stamp; we accept it and never send it'],
];

const simple: readonly string[] = [
  'All servers in the picture are one program, and the links between them are its queues. Latency, jitter, bandwidth and cuts are exact. Only a cut link loses stanzas.',
  'On the screen a stanza takes at least half a second between servers, even if it really took 2 ms. It counts when it has arrived there. Causes still come before their effects, and all times are the real ones.',
  'When a recorded run plays, silences are shortened, and a slow link takes at most a second and a half. The times shown are those of the run.',
  'Bytes are the UTF-8 length of a stanza, without TLS and stream framing.',
  'The plain room beside a distributed one runs with the same people, who do the same, and with the same links cut. Its links take no time. Whom a cut link made it remove is out there until they enter again.',
];

/** The Lab leaves out more. */
const simpleInLab: readonly string[] = [
  'The Lab’s clock stands still until you go on. Between two events no time passes for anybody.',
  'In the Lab users, servers and nodes answer at once; only links and disks take time. A disk writes in a millisecond, is never full, and loses nothing in a crash.',
  'There is no log-in, no stream and no encryption in the Lab.',
  'All luck in the Lab, such as ids and jitter, comes of the seed.',
  'At the beginning everybody comes online at once. Whom the script sends in enters when the one before is in.',
];

/** Keys, glossary with both vocabularies, and what is simplified or our own choice. */
export class Help extends Part {
  /** As it was when it was opened. */
  #chosen: readonly Choice[] = [];

  open(): void {
    this.#chosen = choicesIn(this.store.model.events.list);
    this.requestUpdate();
    const dialog = this.querySelector('dialog');
    if (dialog && !dialog.open) dialog.showModal();
  }

  #keysHere(): Pairs {
    const { session, fixed } = this.store;
    if (session.lab) return lab;
    if (fixed === undefined) return acting;
    return session.recording?.kept ? [...looking, ...backToLive] : looking;
  }

  protected override render(): TemplateResult {
    const list = (items: Pairs) =>
      html`<dl class="pairs">${items.map(([term, text]) => html`<div><dt>${term}</dt><dd>${text}</dd></div>`)}</dl>`;
    return html`<dialog class="help" data-testid="help-dialog" aria-labelledby="help-title">
      <div class="dialog-body" tabindex="0" autofocus>
        <h2 id="help-title">Help</h2>
        <p>${this.store.session.scenario.description}</p>
        <h3>Keys</h3>
        <label class="check"><input type="checkbox" data-testid="keys-on" .checked=${this.store.preferences.keys} @change=${this.#onKeys} /> Single-key shortcuts are on (they never act while you type)</label>
        ${list([...this.#keysHere(), ...views])}
        <h4>In presenter mode</h4>
        <p>For a projector: large type, the picture as large as fits, and what the nodes do as captions. The inspector comes over the picture while something is selected. A link with “present=150” in it opens in this mode.</p>
        ${list(presenter)}
        <h3>Shapes</h3>
        <p>Square M: message. Circle P: presence. Hexagon iq: query. Diamond !: error. 7a and 7b are copies of submission 7. Dashed link with ✕: cut, and stanzas bounce; dotted: they vanish. Hatched node: split; “frozen” or “local” says what a replica does meanwhile. Node with a dashed outline: down. Dashed box: a replica or a shadow can be added here. Dotted disc: a person who is cut off and shown as away, or who was let in provisionally. A number on a disc: so many devices of one person are in the room under one nick.</p>
        <h3>Glossary</h3>
        ${list(glossary)}
        <h3>Simulation notes</h3>
        <ul data-testid="simulation-notes">${[...(this.store.session.lab ? simpleInLab : []), ...simple].map((text) => html`<li>${text}</li>`)}</ul>
        <h4>Our choice, where the XEPs say nothing</h4>
        ${list(choices)}
        <p>The <a href="specification.html" data-testid="specification" target="_blank" rel="noopener noreferrer">specification</a> of our extension has all of them, with examples.</p>
        <h4>Our choices that made something happen in this trace</h4>
        ${this.#choices()}
        <h4>Slips in the XEPs’ listings that we do not follow</h4>
        ${list(slips)}
        <form method="dialog"><button class="primary">Close</button></form>
      </div>
    </dialog>`;
  }

  #choices(): TemplateResult {
    if (this.#chosen.length === 0)
      return html`<p data-testid="choices">None so far: all that happened follows a section of a specification.</p>`;
    return html`<ul data-testid="choices">${this.#chosen.map(({ spec, times, last }) => {
      const { label, title } = specEntry(spec);
      return html`<li data-spec=${spec}><button type="button" class="linkish" @click=${() => this.#show(last)}>${label}</button> ${title}: ${counted(times, 'event')}</li>`;
    })}</ul>`;
  }

  #show(event: number): void {
    this.querySelector('dialog')?.close();
    this.store.reveal(event);
  }

  readonly #onKeys = (event: Event): void => {
    this.store.prefer({ keys: (event.target as HTMLInputElement).checked });
  };
}

customElements.define('ns-help', Help);

import { html, type TemplateResult } from 'lit';
import { firstToBreak, usualCapacity, usualRates } from '../../cost/limits.ts';
import { bytesOf, memoryOf } from '../../cost/memory.ts';
import { costOf, totalOf } from '../../cost/model.ts';
import { evenly, type Network, usualNetwork } from '../../cost/network.ts';
import { designNames, remedyFor, resourceNames } from '../../cost/remedies.ts';
import { type DesignId, designIds } from '../../cost/scenario.ts';
import type { Store } from '../store.ts';
import { bytes } from '../words.ts';
import { Part } from './base.ts';
import { type Bar, costChart } from './cost-chart.ts';

/** What a slider goes through, from left to right. */
interface Slider {
  readonly id: 'occupants' | 'servers' | 'messages' | 'body' | 'churn' | 'latency' | 'bandwidth' | 'fanOut' | 'missed';
  readonly label: string;
  readonly steps: readonly number[];
  /** The place of its step at first. */
  readonly first: number;
  told(value: number): string;
}

const number = new Intl.NumberFormat('en', { maximumFractionDigits: 0 });
const people = (value: number) => `${number.format(value)} people`;

const sliders: readonly Slider[] = [
  { id: 'occupants', label: 'People in the room', steps: decades(10, 1_000_000), first: 6, told: people },
  {
    id: 'servers',
    label: 'Their servers',
    steps: decades(2, 10_000),
    first: 2,
    told: (value) => `${number.format(value)} servers`,
  },
  {
    id: 'messages',
    label: 'Messages',
    steps: decades(1, 10_000),
    first: 6,
    told: (value) => `${number.format(value)} messages`,
  },
  { id: 'body', label: 'Text of a message', steps: [20, 40, 80, 160, 320, 640, 1_280, 2_560], first: 2, told: bytes },
  {
    id: 'churn',
    label: 'Leave, enter, new nick',
    steps: [0, ...decades(1, 10_000)],
    first: 5,
    told: (value) => `${number.format(value)} times`,
  },
  {
    id: 'missed',
    label: 'Missed in a split',
    steps: [0, ...decades(1, 1_000)],
    first: 6,
    told: (value) => `${number.format(value)} messages`,
  },
  {
    id: 'latency',
    label: 'Latency of a link',
    steps: [1, 5, 20, 50, 100, 300, 1_000],
    first: 3,
    told: (value) => `${value} ms`,
  },
  {
    id: 'bandwidth',
    label: 'Bandwidth of a link',
    steps: decades(1_000, 100_000_000),
    first: 9,
    told: (value) => `${bytes(value)}/s`,
  },
  {
    id: 'fanOut',
    label: 'Nodes that join one in a tree',
    steps: [1, 2, 3, 4, 8, 16, 64, 256],
    first: 3,
    told: (value) => `${value} nodes`,
  },
];

/** 1, 2, 5, 10 and so on. */
function decades(from: number, to: number): readonly number[] {
  const all: number[] = [];
  for (let power = 1; power <= to; power *= 10) for (const one of [1, 2, 5]) all.push(one * power);
  return all.filter((one) => one >= from && one <= to);
}

/** What a design costs, as the table has it. */
interface Row {
  readonly id: DesignId;
  readonly values: Readonly<Record<MeasureId, number>>;
  readonly breaks: string;
}

const measures = {
  messageStanzas: {
    label: 'Stanzas of all messages between servers',
    short: 'Stanzas of messages',
    told: number.format,
  },
  messageBytes: { label: 'Bytes of all messages between servers', short: 'Bytes of messages', told: bytes },
  stanzas: { label: 'Stanzas between servers, entries and changes too', short: 'All stanzas', told: number.format },
  bytes: { label: 'Bytes between servers, entries and changes too', short: 'All bytes', told: bytes },
  last: {
    label: 'Time to the last delivery of a message',
    short: 'Last delivery',
    told: (ms: number) => `${number.format(ms)} ms`,
  },
  resync: { label: 'Stanzas after a split of one server', short: 'After a split', told: number.format },
  upkeep: { label: 'Bytes of an hour in which nothing happens', short: 'An idle hour', told: bytes },
  memory: { label: 'Memory of the largest node, as text', short: 'Memory of a node', told: bytes },
} as const;
type MeasureId = keyof typeof measures;

/** What a room costs in each design at any size: sliders, a chart, and a table with the same numbers. */
export class Costs extends Part {
  #places = new Map(sliders.map(({ id, first }) => [id, first]));
  #measure: MeasureId = 'messageStanzas';

  protected override firstUpdated(): void {
    this.querySelector('dialog')?.showModal();
  }

  protected override render(): TemplateResult {
    const network = this.#network();
    const rows = designIds.map((id) => rowOf(network, id));
    const { label, told } = measures[this.#measure];
    const bars: readonly Bar[] = rows.map(({ id, values }) => ({
      name: designNames[id],
      value: values[this.#measure],
    }));
    return html`<dialog class="costs" aria-labelledby="costs-title" data-testid="costs" @close=${() => this.remove()}>
      <div class="dialog-body">
        <h2 id="costs-title">Costs at scale</h2>
        <p>What one room costs in each design. The numbers come from formulas, which the tests hold against the simulator. Larger rooms than it can play follow the same formulas.</p>
        <form class="sliders" @submit=${(event: Event) => event.preventDefault()}>${sliders.map((slider) => this.#slider(slider, network))}</form>
        <label class="measure"><span>The chart shows</span>
          <select data-testid="costs-measure" @change=${this.#onMeasure}>
            ${(Object.keys(measures) as MeasureId[]).map((id) => html`<option value=${id} .selected=${id === this.#measure}>${measures[id].label}</option>`)}
          </select>
        </label>
        ${costChart(label, bars, told)}
        <div class="scrolled" tabindex="0" role="region" aria-label="All numbers">
          <table data-testid="costs-table">
            <thead><tr><th>Design</th>${Object.values(measures).map(({ short }) => html`<th class="n">${short}</th>`)}</tr></thead>
            <tbody>${rows.map((row) => tableRow(row))}</tbody>
          </table>
        </div>
        <h3>What is too much first</h3>
        <p class="note">The room grows with as many people on each server as now, ${usualRates.messagesPerSecond} message a second, and everybody leaves and comes back every ${1 / usualRates.roundsPerHour} hours.
          A link has ${bytes(usualCapacity.linkBytesPerSecond)} a second, a server ${bytes(usualCapacity.uplinkBytesPerSecond)} a second to all others, a node handles ${number.format(usualCapacity.stanzasPerSecond)} stanzas a second.</p>
        <dl data-testid="costs-limits">${rows.map(({ id, breaks }) => html`<div><dt>${designNames[id]}</dt><dd>${breaks}</dd></div>`)}</dl>
        <p class="note">A mesh is counted once it has settled: what it takes to find its rings has no formula, so it is not in its sums. <code>npm run cost -- --help</code> has more flags, and <code>--simulate</code> plays the same in the simulator.</p>
        <p class="buttons"><button type="button" data-testid="costs-close" @click=${this.#close}>Close</button></p>
      </div>
    </dialog>`;
  }

  #slider({ id, label, steps, told }: Slider, network: Network): TemplateResult {
    const place = this.#places.get(id) ?? 0;
    const value = id === 'servers' ? network.occupants.length : (steps[place] ?? 0);
    const onInput = (event: Event) => {
      this.#places.set(id, Number((event.target as HTMLInputElement).value));
      this.requestUpdate();
    };
    return html`<label><span>${label}</span> <output data-testid=${`costs-value-${id}`}>${told(value)}</output>
      <input type="range" min="0" max=${steps.length - 1} step="1" .value=${String(place)} aria-valuetext=${told(value)} data-testid=${`costs-${id}`} @input=${onInput} />
    </label>`;
  }

  #network(): Network {
    const value = (id: Slider['id']) => sliders.find((one) => one.id === id)?.steps[this.#places.get(id) ?? 0] ?? 0;
    // Every server has two people at least: the first keeps the room there open.
    const occupants = value('occupants');
    const servers = Math.max(1, Math.min(value('servers'), Math.floor(occupants / 2)));
    return {
      occupants: evenly(occupants, servers),
      link: { ...usualNetwork.link, latencyMs: value('latency'), bytesPerSecond: value('bandwidth') },
      messages: value('messages'),
      bodyBytes: value('body'),
      churn: value('churn'),
      fanOut: value('fanOut'),
      missed: value('missed'),
    };
  }

  readonly #onMeasure = (event: Event): void => {
    const { value } = event.target as HTMLSelectElement;
    this.#measure = (Object.keys(measures) as MeasureId[]).find((id) => id === value) ?? this.#measure;
    this.requestUpdate();
  };

  readonly #close = (): void => this.querySelector('dialog')?.close();
}

function rowOf(network: Network, id: DesignId): Row {
  const cost = costOf(network, id);
  const total = totalOf(cost);
  const breaks = firstToBreak(network, id, usualRates, usualCapacity);
  return {
    id,
    values: {
      messageStanzas: cost.messages.stanzas,
      messageBytes: cost.messages.bytes,
      stanzas: total.stanzas,
      bytes: total.bytes,
      last: cost.lastDeliveryMs,
      resync: cost.resync.stanzas,
      upkeep: cost.upkeep.bytes,
      memory: bytesOf(memoryOf(network, id)),
    },
    breaks:
      breaks === undefined
        ? 'Nothing, up to 10,000 servers or a million people.'
        : `The ${resourceNames[breaks.resource]}, with ${people(breaks.occupants)} on ${number.format(breaks.servers)} servers. ${remedyFor(id, breaks.resource)}`,
  };
}

function tableRow({ id, values }: Row): TemplateResult {
  const cells = (Object.keys(measures) as MeasureId[]).map(
    (measure) => html`<td class="n" data-cell=${measure}>${measures[measure].told(values[measure])}</td>`,
  );
  return html`<tr data-design=${id}><th scope="row">${designNames[id]}</th>${cells}</tr>`;
}

/** Shows it above the page. */
export function showCosts(store: Store): void {
  const costs = document.createElement('ns-costs') as Costs;
  costs.store = store;
  document.querySelector('#app')?.append(costs);
}

customElements.define('ns-costs', Costs);

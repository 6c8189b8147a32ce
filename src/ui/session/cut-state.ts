import { KnownStatuses } from '../../core/node/known-status.ts';
import type { LinkRecord } from '../../core/node/trace.ts';
import type { Scenario } from '../../scenario/scenario.ts';
import { countHop, setLink } from '../fold/links.ts';
import { Network } from '../fold/network.ts';
import type { News } from '../trace/records.ts';

/** What says a state, and when it was said last: by the number of the record. */
interface Said {
  readonly news: News;
  readonly number: number;
}

/** What records lead to that nobody keeps: which sessions there are, what every link carries, what every node and person is. */
export class CutState {
  readonly #said = new Map<string, Said>();
  readonly #statuses = new KnownStatuses();
  /** Only its links. */
  readonly #network: Network;
  #number = 0;

  constructor(scenario: Scenario) {
    this.#network = new Network(scenario, false);
  }

  take(news: News): void {
    this.#number++;
    switch (news.kind) {
      case 'session': {
        const { up, stream, address, role } = news;
        this.#said.delete(`session ${stream}`);
        this.#said.delete(`down ${address}`);
        if (up) this.#say(`session ${stream}`, news);
        else if (role === 'service' || role === 'replica') this.#say(`down ${address}`, news);
        return;
      }
      case 'status': {
        const { kind, t, node } = news;
        return this.#say(`status ${node}`, { kind, t, node, status: this.#statuses.take(news) });
      }
      case 'link': {
        const { stanzas, bytes, dropped, server, seq, t } = news;
        const link = this.#network.linkOf(server);
        setLink(link, news);
        Object.assign(link, { stanzas, bytes, dropped });
        return this.#sayLink(server, seq, t);
      }
      case 'hop': {
        if (news.leg !== 'link') return;
        const { server = [news.from, news.to], seq, t } = news;
        countHop(this.#network.linkOf(server), news);
        return this.#sayLink(server, seq, t);
      }
      case 'pause':
        return this.#say('pause', news);
      case 'node':
        return this.#say(`node ${news.progress.node}`, news);
      case 'occupant':
        return this.#say(`occupant ${news.progress.who}`, news);
      case 'step':
      case 'told':
        return;
    }
  }

  /** Records that say it, in the order in which it was said last. */
  records(): readonly News[] {
    return [...this.#said.values()].sort((a, b) => a.number - b.number).map(({ news }) => news);
  }

  #say(key: string, news: News): void {
    this.#said.set(key, { news, number: this.#number });
  }

  #sayLink(server: LinkRecord['server'], seq: number, t: LinkRecord['t']): void {
    const { key, ends, away, ...link } = this.#network.linkOf(server);
    this.#say(`link ${key}`, { kind: 'link', seq, t, server: ends, ...link, ...(away === undefined ? {} : { away }) });
  }
}

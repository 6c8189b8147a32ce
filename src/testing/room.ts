import { expect, type Locator, type Page } from '@playwright/test';
import type { MessageCost } from '../ui/fold/costs.ts';
import type { ModelEvent } from '../ui/fold/event.ts';
import type { EventFilter, From, Lab, LabCounters, LabState } from '../ui/lab-api.ts';
import type { Action } from '../ui/session/acts.ts';
import type { ActResult } from '../ui/session/session.ts';
import { lookAt, type Wanted } from './wanted.ts';

/** A node may have to wait for its disk, and a busy machine for everything. */
const readyMs = 45_000;
const stateMs = 20_000;

/** A message that was said, what it cost, and every stanza that came of it, in order. */
export interface Said extends MessageCost {
  readonly stanzas: readonly ModelEvent[];
}

export interface OpenOptions {
  /** The ids of what people send are the same in every run with this seed. */
  readonly seed?: number;
}

/** One page of Netsplit, seen by its hooks and by window.lab. */
export class RoomPage {
  readonly page: Page;
  /** The name of the room of its own (`?room=`) that it opens; that of everybody has none. */
  readonly instance: string;

  constructor(page: Page, instance = '') {
    this.page = page;
    this.instance = instance;
  }

  /** Where the page has a scenario, for `page.goto()`. */
  address(scenario?: string, { seed }: OpenOptions = {}): string {
    const query = new URLSearchParams({
      ...(scenario === undefined ? {} : { scenario }),
      ...(this.instance === '' ? {} : { room: this.instance }),
      ...(seed === undefined ? {} : { seed: String(seed) }),
    }).toString();
    return query === '' ? '/' : `/?${query}`;
  }

  /** From nothing to everybody in the room. Without a scenario it is the server's first one. */
  async open(scenario?: string, options?: OpenOptions): Promise<void> {
    await this.page.goto(this.address(scenario, options));
    await this.ready();
  }

  /** A scenario in the Lab, on a virtual clock: everybody is in whom its script sends in, and nothing happens by itself. */
  async openLab(scenario: string, { seed = 0 }: OpenOptions = {}): Promise<void> {
    await this.page.goto(`/#lab=${encodeURIComponent(scenario)}&seed=${seed}`);
    const opened = () => document.documentElement.dataset['mode'] === 'lab';
    await this.page.waitForFunction(opened, undefined, { timeout: readyMs, polling: 50 });
  }

  /** Looked at in the page: expect() would look once a second in the end, and every test begins here. */
  async ready(): Promise<void> {
    const quiet = () => document.documentElement.dataset['phase'] === 'quiet';
    await this.page.waitForFunction(quiet, undefined, { timeout: readyMs, polling: 50 });
  }

  act(action: Action): Promise<ActResult> {
    return this.page.evaluate((one) => window.lab.act(one), action);
  }

  /** An act that has to succeed, and all that follows from it. */
  async do(action: Action): Promise<void> {
    expect(await this.act(action), JSON.stringify(action)).toEqual({ ok: true });
    await this.quiet();
  }

  /** Something said, and its way through the servers. */
  async say(who: string, text: string): Promise<Said> {
    const since = await this.mark();
    await this.do({ act: 'say', who, text });
    const said = await this.page.evaluate(
      ([body, place]) => {
        const cost = window.lab.counters({ since: place }).messages.find((message) => message.body === body);
        return cost && { ...cost, stanzas: window.lab.events({ family: cost.id, kind: 'hop' }) };
      },
      [text, since] as const,
    );
    if (said === undefined) throw new Error(`the page does not show what ${who} said: ${JSON.stringify(text)}`);
    return said;
  }

  quiet(): Promise<void> {
    return this.page.evaluate(() => window.lab.runToQuiet());
  }

  /** Waits until a node, a link, an occupant or the page is as wanted. */
  async waitForState(wanted: Wanted, { timeout = stateMs }: { readonly timeout?: number } = {}): Promise<void> {
    const late = Date.now() + timeout;
    for (;;) {
      // The page may be loading, or its room beginning anew.
      const { holds, found } = await this.page.evaluate(lookAt, wanted).catch(orLoading);
      if (holds) return;
      if (Date.now() > late)
        throw new Error(`not within ${timeout} ms: ${JSON.stringify(wanted)}; it is ${JSON.stringify(found)}`);
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }

  state(): Promise<LabState> {
    return this.page.evaluate(() => window.lab.state());
  }

  counters(from: From = {}): Promise<LabCounters> {
    return this.page.evaluate((since) => window.lab.counters(since), from);
  }

  baseline(from: From = {}): Promise<ReturnType<Lab['baseline']>> {
    return this.page.evaluate((since) => window.lab.baseline(since), from);
  }

  events(filter: EventFilter = {}): Promise<readonly ModelEvent[]> {
    return this.page.evaluate((wanted) => window.lab.events(wanted), filter);
  }

  /** The place that the trace has reached: `since` counts from there. */
  mark(): Promise<number> {
    return this.page.evaluate(() => window.lab.mark());
  }

  /** Stanzas handed to one person, oldest first. */
  async received(who: string, since = 0): Promise<readonly ModelEvent[]> {
    return (await this.events({ kind: 'hop', leg: 'out', since })).filter(({ to }) => to === who);
  }

  /** Bodies of what one person was given, history too. */
  async heard(who: string, since = 0): Promise<readonly string[]> {
    return (await this.received(who, since)).flatMap(({ stanza }) => {
      const body = /<body[^>]*>(.*?)<\/body>/.exec(stanza?.xml ?? '')?.[1];
      return stanza?.name === 'message' && stanza.type === 'groupchat' && body !== undefined ? [body] : [];
    });
  }

  /** Of each node's first room: how many messages it keeps. */
  async historyLengths(): Promise<readonly number[]> {
    return (await this.state()).nodes.map(({ rooms }) => (rooms[0] as { historyLength: number }).historyLength);
  }

  testId(id: string): Locator {
    return this.page.getByTestId(id);
  }

  get phase(): Locator {
    return this.page.locator('html');
  }

  node(address: string): Locator {
    return this.page.locator(`[data-node="${address}"]`);
  }

  occupant(jid: string): Locator {
    return this.page.locator(`[data-occupant="${jid}"]`);
  }

  link(a: string, b: string): Locator {
    return this.page.locator(`[data-link="${keyOf(a, b)}"]`);
  }

  pill(a: string, b: string): Locator {
    return this.page.locator(`[data-link-label="${keyOf(a, b)}"]`);
  }
}

/** The name of a link in `data-link` and in `lab.state()`. */
export function keyOf(a: string, b: string): string {
  return [a, b].sort().join('~');
}

function orLoading(error: unknown): { readonly holds: false; readonly found: unknown } {
  const text = String(error);
  if (/context was destroyed|navigat|evaluating 'window.lab|reading 'state'/i.test(text))
    return { holds: false, found: 'the page is loading' };
  throw error;
}

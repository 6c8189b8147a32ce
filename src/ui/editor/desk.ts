import type { Scenario } from '../../scenario/scenario.ts';
import { withoutRoomPasswords } from '../../scenario/without-passwords.ts';
import { Editing } from './editing.ts';
import { type Saved, SavedScenarios } from './saved.ts';
import { copyOf, empty } from './starts.ts';

/**
 * What is being made in this page. A scenario that was begun stays here as long as the page is open, saved or not, so that closing the
 * editor loses nothing.
 */
export class Desk {
  readonly saved = new SavedScenarios();
  readonly #begun: Editing[] = [];

  /** Those that are not saved as they are now. */
  get unsaved(): readonly Editing[] {
    return this.#begun.filter((one) => !one.isSaved && (one.canUndo || one.keptAs !== undefined));
  }

  async fresh(): Promise<Editing> {
    return this.#lay(new Editing(copyOf(empty, await this.#ids())));
  }

  /** The scenario that is shown: the one that is being made, if it is the same; else one that is saved; else a copy. */
  async same(scenario: Scenario): Promise<Editing> {
    const text = textOf(scenario);
    const begun = this.#begun.find((one) => textOf(one.scenario) === text);
    if (begun) return begun;
    const saved = (await this.#list()).find((one) => textOf(one.scenario) === text);
    return saved ? this.open(saved) : this.#lay(new Editing(copyOf(scenario, await this.#ids())));
  }

  open(saved: Saved): Editing {
    const begun = this.#begun.find(({ keptAs }) => keptAs?.key === saved.key);
    // What was not saved here goes before what is saved.
    if (begun && (!begun.isSaved || begun.keptAs?.revision === saved.revision)) return begun;
    return this.#lay(new Editing(saved.scenario, saved));
  }

  async duplicate(scenario: Scenario): Promise<Scenario> {
    return copyOf(scenario, new Set([...(await this.#ids()), scenario.id]));
  }

  /** From a file: as it is, but for an id that another one has. */
  async imported(scenario: Scenario): Promise<Editing> {
    return this.#lay(new Editing(copyOf(scenario, await this.#ids())));
  }

  #lay(editing: Editing): Editing {
    this.#begun.push(editing);
    return editing;
  }

  /** Where nothing is kept, there is none. */
  #list(): Promise<readonly Saved[]> {
    return this.saved.list().catch(() => []);
  }

  async #ids(): Promise<ReadonlySet<string>> {
    const saved = await this.#list();
    return new Set([...saved.map(({ scenario }) => scenario.id), ...this.unsaved.map(({ scenario }) => scenario.id)]);
  }
}

/** In the Lab a scenario is without passwords. */
function textOf(scenario: Scenario): string {
  return JSON.stringify(withoutRoomPasswords(scenario));
}

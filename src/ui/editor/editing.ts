import type { Mistake } from '../../scenario/check.ts';
import type { Scenario } from '../../scenario/scenario.ts';
import { faultsIn } from './faults.ts';
import { begin, change, type History, redo, undo } from './history.ts';
import { type Place, valueAt } from './put.ts';

/** Where a scenario is kept: which one of those that this browser has, and how often it was saved. */
export interface KeptAs {
  readonly key: string;
  readonly revision: number;
}

/** A scenario that is being made: its steps, what is selected in it, and whether it is saved. */
export class Editing {
  #history: History<Scenario>;
  #selected: Place = [];
  #keptAs: KeptAs | undefined;
  /** As it was saved last. */
  #kept: Scenario | undefined;
  #faults: { readonly of: Scenario; readonly all: readonly Mistake[] } | undefined;
  #refusal: { readonly place: Place; readonly message: string } | undefined;
  readonly #listeners = new Set<() => void>();

  /** @param keptAs  of one that is saved already */
  constructor(scenario: Scenario, keptAs?: KeptAs) {
    this.#history = begin(scenario);
    if (keptAs) this.kept(scenario, keptAs);
  }

  get scenario(): Scenario {
    return this.#history.now;
  }

  get faults(): readonly Mistake[] {
    const { scenario } = this;
    if (this.#faults?.of !== scenario) this.#faults = { of: scenario, all: faultsIn(scenario) };
    return this.#faults.all;
  }

  /** Why what was typed last is not a part of the scenario, and where. */
  get refusal(): { readonly place: Place; readonly message: string } | undefined {
    return this.#refusal;
  }

  /** The scenario stays as it is. */
  refuse(place: Place, message: string): void {
    this.#refusal = { place, message };
    for (const listener of this.#listeners) listener();
  }

  get selected(): Place {
    return this.#selected;
  }

  get canUndo(): boolean {
    return this.#history.past.length > 0;
  }

  get canRedo(): boolean {
    return this.#history.future.length > 0;
  }

  get isSaved(): boolean {
    return this.#kept === this.scenario;
  }

  get keptAs(): KeptAs | undefined {
    return this.#keptAs;
  }

  subscribe(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** @param selected  what is selected from then on */
  change(next: Scenario, selected: Place = this.#selected): void {
    if (next !== this.scenario) this.#history = change(this.#history, next);
    this.select(selected);
  }

  undo(): void {
    this.#history = undo(this.#history);
    this.select(this.#selected);
  }

  redo(): void {
    this.#history = redo(this.#history);
    this.select(this.#selected);
  }

  /** What is not there is not selected. */
  select(place: Place): void {
    this.#selected = valueAt(this.scenario, place) === undefined ? [] : place;
    this.#changed();
  }

  kept(scenario: Scenario, as: KeptAs): void {
    [this.#kept, this.#keptAs] = [scenario, as];
    this.#changed();
  }

  #changed(): void {
    this.#refusal = undefined;
    for (const listener of this.#listeners) listener();
  }
}

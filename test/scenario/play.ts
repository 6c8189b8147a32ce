import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { Sent, World } from '../support/world.ts';
import { type Dialogue, readDialogue, type Step } from './dialogue.ts';
import { Player } from './inputs.ts';
import { type Network, readNetwork } from './network.ts';

export const directory = fileURLToPath(new URL('dialogues/', import.meta.url));

/** All golden dialogues, by name. */
export function readDialogues(): readonly { readonly file: string; readonly source: string }[] {
  return readdirSync(directory)
    .filter((file) => file.endsWith('.txt'))
    .sort()
    .map((file) => ({ file, source: readFileSync(directory + file, 'utf8') }));
}

/** A dialogue on a world of its own, input by input. */
export class Performance {
  readonly dialogue: Dialogue;
  readonly network: Network;
  readonly world: World;
  readonly #player: Player;

  /** @throws DialogueError */
  constructor(file: string, source: string) {
    this.dialogue = readDialogue(file, source);
    this.network = readNetwork(file, this.dialogue.header);
    this.#player = new Player(file, this.network);
    this.world = this.#player.world;
  }

  /** Plays one input after the other. @returns each with what was sent then */
  *steps(): Generator<{ readonly step: Step; readonly sent: readonly Sent[] }> {
    for (const step of this.dialogue.steps) {
      this.world.clear();
      this.#player.play(step);
      yield { step, sent: this.world.sent };
    }
  }
}

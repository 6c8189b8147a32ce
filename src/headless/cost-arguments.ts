import { parseArgs } from 'node:util';
import { type Capacity, type Rates, usualCapacity, usualRates } from '../cost/limits.ts';
import { evenly, type Network, occupantsMax, serversMax, usualNetwork, whyNotNetwork } from '../cost/network.ts';
import { type DesignId, designIds } from '../cost/scenario.ts';
import { badArgument } from './arguments.mjs';
import { simulatedMax } from './cost-measure.ts';

const usual = { ...usualNetwork, ...usualNetwork.link };

export const costHelp = `npm run cost -- [--occupants N] [--servers K] [--messages M] [--churn C] [--loss P] …

What a room costs in each design: stanzas and bytes between servers, deliveries, the time to the last delivery, what a split costs, the
memory of a node, and what is the first to be too much when the room grows. The formulas are those of src/cost.

  --occupants N      people in the room (default 1000, at most ${occupantsMax}), spread evenly
  --servers K        their servers (default 10, at most ${serversMax})
  --messages M       messages (default ${usual.messages})
  --body B           bytes of the text of a message (default ${usual.bodyBytes})
  --churn C          rounds in which somebody leaves, enters again and takes another nick (default ${usual.churn})
  --missed M         messages that one server misses in a split (default ${usual.missed})
  --latency MS       milliseconds from one server to another (default ${usual.latencyMs})
  --bandwidth B      bytes a second on each link, 0 for unlimited (default ${usual.bytesPerSecond})
  --loss P           probability that a stanza is lost on a link, 0 to 0.1 (default 0)
  --fan-out F        nodes that join one node in a tree (default ${usual.fanOut})
  --design LIST      ${designIds.join(', ')}, or all (the default)
  --rate R           for the limits: messages a second in the whole room (default ${usualRates.messagesPerSecond})
  --rounds R         for the limits: rounds of change of each person an hour (default ${usualRates.roundsPerHour})
  --core S           for the limits: stanzas a second that a node handles on one core (default ${usualCapacity.stanzasPerSecond})
  --link B           for the limits: bytes a second on one link (default ${usualCapacity.linkBytesPerSecond})
  --uplink B         for the limits: bytes a second from one server to all others (default ${usualCapacity.uplinkBytesPerSecond})
  --memory B         for the limits: bytes of the room in one node (default ${usualCapacity.memoryBytes})
  --simulate         plays the same in the simulator, and shows both; at most ${simulatedMax.occupants} people on ${simulatedMax.servers} servers, of a mesh ${simulatedMax.meshServers}
  --seed S           of the simulator (default 1)
  --json             prints one object, for programs
  --help             prints this text`;

export interface CostArguments {
  readonly network: Network;
  readonly designs: readonly DesignId[];
  readonly rates: Rates;
  readonly capacity: Capacity;
  readonly seed: number;
  readonly simulate: boolean;
  readonly json: boolean;
}

/** Flags that are a number: the least and the most that they may be, and whether it is a whole number. */
const numbers = {
  occupants: [1, occupantsMax, true],
  servers: [1, serversMax, true],
  messages: [0, 1_000_000, true],
  body: [1, 10_000, true],
  churn: [0, 1_000_000, true],
  missed: [0, 100_000, true],
  latency: [0, 60_000, true],
  bandwidth: [0, 1e12, true],
  loss: [0, 0.1, false],
  'fan-out': [1, serversMax, true],
  rate: [0, 1e6, false],
  rounds: [0, 1e4, false],
  core: [1, 1e9, true],
  link: [1, 1e12, true],
  uplink: [1, 1e12, true],
  memory: [1, 1e15, true],
  seed: [0, 2 ** 32 - 1, true],
} as const;
type NumberFlag = keyof typeof numbers;

/** @returns the options, 'help', or one line that says what is wrong */
export function readCostArguments(args: readonly string[]): CostArguments | 'help' | { readonly error: string } {
  const string = { type: 'string' } as const;
  const boolean = { type: 'boolean' } as const;
  const flags = Object.fromEntries(Object.keys(numbers).map((name) => [name, string]));
  let values: Partial<Record<NumberFlag | 'design', string>> & Partial<Record<'simulate' | 'json' | 'help', boolean>>;
  try {
    ({ values } = parseArgs({
      args: [...args],
      options: { ...flags, design: string, simulate: boolean, json: boolean, help: { type: 'boolean', short: 'h' } },
    }));
  } catch (error) {
    return { error: badArgument(error) };
  }
  if (values.help === true) return 'help';

  const given: Partial<Record<NumberFlag, number>> = {};
  for (const name of Object.keys(numbers) as NumberFlag[]) {
    const text = values[name];
    if (text === undefined) continue;
    const [least, most, whole] = numbers[name];
    const value = Number(text);
    if (!(whole ? /^\d+$/ : /^\d*\.?\d+(e-?\d+)?$/).test(text) || value < least || value > most)
      return {
        error: `--${name}: ${JSON.stringify(text)} is no ${whole ? 'whole number' : 'number'} from ${least} to ${most}`,
      };
    given[name] = value;
  }
  const { occupants = 1_000, servers = 10 } = given;
  if (occupants < servers) return { error: `--servers: ${servers} is more than there are people (${occupants})` };
  const listed = values.design === undefined || values.design === 'all' ? designIds : values.design.split(',');
  const unknown = listed.find((one) => !(designIds as readonly string[]).includes(one));
  if (unknown !== undefined)
    return { error: `--design: ${JSON.stringify(unknown)} is not one of ${designIds.join(', ')}, all` };

  const network: Network = {
    occupants: evenly(occupants, servers),
    link: {
      latencyMs: given.latency ?? usual.latencyMs,
      bytesPerSecond: given.bandwidth ?? usual.bytesPerSecond,
      loss: given.loss ?? 0,
    },
    messages: given.messages ?? usual.messages,
    bodyBytes: given.body ?? usual.bodyBytes,
    churn: given.churn ?? (occupants > servers ? usual.churn : 0),
    fanOut: given['fan-out'] ?? usual.fanOut,
    missed: given.missed ?? usual.missed,
  };
  const wrong = whyNotNetwork(network);
  if (wrong !== undefined) return { error: `--${wrong}` };
  const designs = listed as readonly DesignId[];
  const simulate = values.simulate === true;
  const tooLarge = simulate ? whyNotSimulated(occupants, servers, designs) : undefined;
  if (tooLarge !== undefined) return { error: tooLarge };
  return {
    network,
    designs,
    rates: {
      messagesPerSecond: given.rate ?? usualRates.messagesPerSecond,
      roundsPerHour: given.rounds ?? usualRates.roundsPerHour,
    },
    capacity: {
      linkBytesPerSecond: given.link ?? usualCapacity.linkBytesPerSecond,
      uplinkBytesPerSecond: given.uplink ?? usualCapacity.uplinkBytesPerSecond,
      stanzasPerSecond: given.core ?? usualCapacity.stanzasPerSecond,
      memoryBytes: given.memory ?? usualCapacity.memoryBytes,
    },
    seed: given.seed ?? 1,
    simulate,
    json: values.json === true,
  };
}

function whyNotSimulated(occupants: number, servers: number, designs: readonly DesignId[]): string | undefined {
  const most = simulatedMax;
  if (occupants > most.occupants)
    return `--simulate: --occupants may be ${most.occupants} at most with it, and is ${occupants}`;
  if (servers > most.servers) return `--simulate: --servers may be ${most.servers} at most with it, and is ${servers}`;
  return designs.includes('0289-mesh') && servers > most.meshServers
    ? `--simulate: --servers may be ${most.meshServers} at most with 0289-mesh, and is ${servers}; --design leaves it out`
    : undefined;
}

import type { LinkState } from '../core/net/link.ts';
import type { Jid } from '../core/xmpp/jid.ts';
import type { Fault } from './trace.ts';

/** What somebody does, or what happens to the network: plain data, each step with luck of its own. */
export type Step = { readonly at: number; readonly luck: number } & (
  | { readonly kind: 'vanish'; readonly user: Jid }
  | { readonly kind: 'say' | 'leave'; readonly user: Jid }
  /** So many words at once. */
  | { readonly kind: 'burst'; readonly user: Jid; readonly words: number }
  | { readonly kind: 'nick' | 'pm'; readonly user: Jid; readonly nick: string }
  /** `bytes`: of the text that comes with it. */
  | { readonly kind: 'presence'; readonly user: Jid; readonly show: string; readonly bytes?: number }
  | { readonly kind: 'subject'; readonly user: Jid; readonly text: string }
  /** Of several sessions of one user: this one takes the nick of that one, or enters under it. */
  | { readonly kind: 'share'; readonly user: Jid; readonly with: Jid }
  /** A private message by whatever nick they have then. */
  | { readonly kind: 'whisper'; readonly user: Jid; readonly target: Jid }
  /** The client is gone, and its server learns of it only so much later. */
  | { readonly kind: 'linger'; readonly user: Jid; readonly forMs: number }
  /** It is gone without a word, and at once back. */
  | { readonly kind: 'anew'; readonly user: Jid; readonly nick: string }
  /** An owner says which replicas the room has. */
  | { readonly kind: 'replicas'; readonly user: Jid; readonly nodes: readonly Jid[] }
  /** An owner says which services have a shadow of the room. */
  | { readonly kind: 'peerhosts'; readonly user: Jid; readonly nodes: readonly Jid[] }
  /** Somebody reads the archive: its first page or, back, its last. */
  | { readonly kind: 'look'; readonly user: Jid; readonly max: number; readonly back: boolean }
  | { readonly kind: 'moderate'; readonly user: Jid; readonly target: Jid; readonly what: Moderation }
  | { readonly kind: 'forge'; readonly user: Jid; readonly what: string }
  | {
      readonly kind: 'link';
      readonly servers: readonly [Jid, Jid];
      readonly state: readonly [LinkState, LinkState];
      readonly loss: number;
      readonly twice: number;
      readonly forMs: number;
    }
  | { readonly kind: 'reconnect'; readonly servers: readonly [Jid, Jid]; readonly latencyMs: number }
  | { readonly kind: 'crash' | 'freeze'; readonly node: Jid; readonly forMs: number }
  | { readonly kind: 'compact'; readonly node: Jid }
  /** The clock of its machine is set forward; or back, while the node is down for a moment (decision #224). */
  | { readonly kind: 'clock'; readonly node: Jid; readonly byMs: number }
);

export type Unplanned = Step extends infer S ? (S extends Step ? Omit<S, 'at' | 'luck'> : never) : never;

/** What moderators, admins and owners do; some of those who try have no right to. */
export const moderations = [
  'kick',
  'ban',
  'pardon',
  'mute',
  'voice',
  'member',
  'admin',
  'moderated',
  'membersOnly',
  'historyMax',
] as const;
export type Moderation = (typeof moderations)[number];

/** What fate does in a step; undefined where somebody does something. */
export function faultOf(step: Step): Fault | undefined {
  switch (step.kind) {
    case 'link':
    case 'reconnect':
      return { kind: step.kind };
    case 'crash':
    case 'freeze':
      return { kind: step.kind, node: step.node, forMs: step.forMs };
    case 'clock':
      // Set back, the node is down for a moment; set forward, it is as if it had slept.
      return { kind: step.byMs < 0 ? 'crash' : 'freeze', node: step.node, forMs: Math.max(1_000, step.byMs) };
    default:
      return undefined;
  }
}

/** Everybody whom a step names. */
export function named(step: Step): readonly Jid[] {
  if (!('user' in step)) return [];
  if (step.kind === 'share') return [step.user, step.with];
  return 'target' in step ? [step.user, step.target] : [step.user];
}

/** A step in words. */
export function stepText(step: Step): string {
  switch (step.kind) {
    case 'say':
      return `${step.user} speaks`;
    case 'burst':
      return `${step.user} says ${step.words} things at once`;
    case 'leave':
      return `${step.user} leaves`;
    case 'vanish':
      return `${step.user} is gone without a word`;
    case 'nick':
      return `${step.user} wants to be ${step.nick}`;
    case 'pm':
      return `${step.user} writes to ${step.nick} alone`;
    case 'presence':
      return `${step.user} is ${step.show === '' ? 'available' : step.show}${step.bytes === undefined ? '' : ', at length'}`;
    case 'subject':
      return `${step.user} sets the subject "${step.text}"`;
    case 'share':
      return `${step.user} takes the nick of ${step.with}`;
    case 'whisper':
      return `${step.user} writes to ${step.target} alone`;
    case 'linger':
      return `${step.user} is gone, and its server finds out in ${seconds(step.forMs)}`;
    case 'anew':
      return `${step.user} is gone without a word, and back as ${step.nick}`;
    case 'replicas':
      return `${step.user} wants as replicas ${step.nodes.join(', ') || 'none'}`;
    case 'peerhosts':
      return `${step.user} wants shadows at ${step.nodes.join(', ') || 'no service'}`;
    case 'clock':
      return `the clock of ${step.node} is set ${step.byMs < 0 ? 'back' : 'forward'} by ${seconds(Math.abs(step.byMs))}`;
    case 'look':
      return `${step.user} reads the ${step.back ? 'last' : 'first'} ${step.max} of the archive`;
    case 'moderate':
      return `${step.user}: ${step.what}, ${step.target}`;
    case 'forge':
      return `${step.user}, hostile: ${step.what}`;
    case 'link': {
      const { servers, state, loss, twice, forMs } = step;
      const what = [
        state[0] === state[1] ? state[0] : `${state[0]} one way, ${state[1]} the other`,
        ...(loss > 0 ? [`loses ${Math.round(loss * 100)} %`] : []),
        ...(twice > 0 ? [`repeats ${Math.round(twice * 100)} %`] : []),
      ];
      return `link ${servers[0]} – ${servers[1]}: ${what.join(', ')}, for ${seconds(forMs)}`;
    }
    case 'reconnect':
      return `link ${step.servers[0]} – ${step.servers[1]}: a new stream, ${step.latencyMs} ms`;
    case 'crash':
      return `${step.node} crashes, for ${seconds(step.forMs)}`;
    case 'freeze':
      return `${step.node} is frozen for ${seconds(step.forMs)}`;
    case 'compact':
      return `${step.node} saves a snapshot`;
  }
}

function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(1)} s`;
}

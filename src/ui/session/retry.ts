import { retryChannel } from '../../scenario/node-names.ts';

/** Every connection of this browser's pages that waits before it tries again tries at once. */
export function retryNow(): void {
  const channel = new BroadcastChannel(retryChannel);
  channel.postMessage('');
  channel.close();
}

/** @returns ends it */
export function onRetry(retry: () => void): () => void {
  const channel = new BroadcastChannel(retryChannel);
  channel.onmessage = retry;
  return () => channel.close();
}

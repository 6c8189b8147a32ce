import type { Store } from '../store.ts';
import type { Embedding } from './embedding.ts';
import { type RemoteAnswer, type RemoteRequest, readRequest } from './remote.ts';

/**
 * Plays an embedded run only when told, and only while it is on the screen; and lets the page around it ask for what remote.ts lists.
 *
 * @returns a function that ends it
 */
export function playEmbedded(store: Store, { autoplay, keys }: Embedding): () => void {
  const { recording, lab } = store.session;
  const off = keys ? [] : [giveKeysBack()];
  const end = () => off.forEach((one) => void one());
  // Real rooms go on, whoever looks.
  if (recording === undefined) return end;
  let isSeen = false;
  // Who asked for less motion plays it themselves.
  let waits = autoplay && !matchMedia('(prefers-reduced-motion: reduce)').matches;
  let told = '';

  const answer = (always = false) => {
    const { at, length, ms, playing } = recording;
    const now = `${playing} ${waits}`;
    if (parent === window || (!always && now === told)) return;
    told = now;
    const message: RemoteAnswer = { netsplit: 'at', at, length, ms: Math.round(ms), playing, waiting: waits };
    // For whoever has put this page there, and nothing in it is secret.
    parent.postMessage(message, '*');
  };
  const hold = () => {
    if (isSeen || !recording.playing) return;
    recording.pause();
    waits = true;
  };
  const go = () => {
    if (!isSeen || !waits) return;
    waits = false;
    if (!recording.playing) store.play();
  };
  const perform = (request: RemoteRequest) => {
    switch (request.netsplit) {
      case 'play':
        waits = !recording.playing;
        return go();
      case 'pause':
        waits = false;
        return recording.pause();
      case 'step':
        waits = false;
        return store.seek(Math.max(0, recording.at + (request.by ?? 1)));
      case 'seek':
        // Beyond the end the Lab would go on.
        if (request.at > recording.length) return;
        waits = false;
        return store.seek(request.at);
    }
  };
  const onMessage = async ({ source, data }: MessageEvent<unknown>) => {
    if (source !== parent || parent === window) return;
    const request = readRequest(data);
    if (request === undefined) return;
    perform(request);
    await lab?.settled();
    answer(true);
  };
  const onSeen = (seen: boolean) => {
    isSeen = seen;
    if (seen) go();
    else hold();
    answer();
  };
  const onChange = () => {
    hold();
    answer();
  };
  addEventListener('message', onMessage);
  off.push(() => removeEventListener('message', onMessage), watchWhetherSeen(onSeen), store.subscribe(onChange));
  answer(true);
  return end;
}

/**
 * Tells whether anything of this document is on the screen, now and whenever that changes. A frame is not, where the page around it is
 * scrolled away from it, or is itself in the background.
 */
function watchWhetherSeen(tell: (isSeen: boolean) => void): () => void {
  let isInView = false;
  let last: boolean | undefined;
  const look = () => {
    const isSeen = isInView && document.visibilityState === 'visible';
    if (isSeen !== last) tell(isSeen);
    last = isSeen;
  };
  const observer = new IntersectionObserver((entries) => {
    isInView = entries.at(-1)?.isIntersecting === true;
    look();
  });
  observer.observe(document.documentElement);
  document.addEventListener('visibilitychange', look);
  return () => {
    observer.disconnect();
    document.removeEventListener('visibilitychange', look);
  };
}

/** Where the keys are the parent’s, a press with a pointer does not keep them: a lecture goes on with the arrow keys. */
function giveKeysBack(): () => void {
  const onClick = ({ detail }: MouseEvent) => {
    // A key, or a screen reader, presses without a pointer, and stays where it is.
    if (detail === 0) return;
    const isBusy = document.querySelector('dialog[open], [popover]:popover-open') !== null;
    const isTyping = document.activeElement?.matches('input, select, textarea') === true;
    if (!isBusy && !isTyping) parent.focus();
  };
  // After what the press does.
  const later = (event: MouseEvent) => setTimeout(() => onClick(event));
  addEventListener('click', later);
  return () => removeEventListener('click', later);
}

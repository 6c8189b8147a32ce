import { afterAll, vi } from 'vitest';
import { WebSocket } from 'ws';

/** For a file of tests: @xmpp/websocket takes the browser's WebSocket, and Node 20 has none. */
export function withWebSocket(): void {
  vi.stubGlobal('WebSocket', WebSocket);
  afterAll(() => void vi.unstubAllGlobals());
}

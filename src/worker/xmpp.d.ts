/**
 * The parts of @xmpp/* 0.14 that xmpp-link.ts uses. Types of our own: the published ones have no websocket and no SASL
 * factory, and reach for Node's globals, which a worker has not.
 */
declare module '@xmpp/client-core' {
  interface Element {
    readonly name: string;
    readonly attrs: Record<string, string | undefined>;
    readonly children: readonly (Element | string)[];
    getChild(name: string, xmlns?: string): Element | undefined;
    getChildText(name: string, xmlns?: string): string | null;
    is(name: string, xmlns?: string): boolean;
  }
  interface StreamSocket {
    /** The browser's own socket; null once closed. */
    readonly socket: { readonly bufferedAmount: number } | null;
    end(): void;
  }
  class Client {
    constructor(options: { service: string; domain: string; timeout?: number });
    readonly status: string;
    readonly socket: StreamSocket | null;
    /** Opens the socket. */
    connect(service: string): Promise<unknown>;
    /** Opens the stream. */
    open(options: { domain: string }): Promise<unknown>;
    /** Closes stream and socket. */
    disconnect(): Promise<unknown>;
    write(text: string): Promise<void>;
    isSecure(): boolean;
    on(event: 'open' | 'element' | 'stanza', listener: (element: Element) => void): void;
    on(event: 'error', listener: (error: Error & { condition?: string; text?: string }) => void): void;
    on(event: 'disconnect', listener: (why: { clean: boolean }) => void): void;
  }
}

declare module '@xmpp/websocket' {
  import type { Client } from '@xmpp/client-core';
  export default function websocket(options: { entity: Client }): void;
}

declare module '@xmpp/middleware' {
  import type { Client } from '@xmpp/client-core';

  interface Middleware {
    use(fn: (context: unknown, next: () => Promise<unknown>) => unknown): void;
  }
  export default function middleware(options: { entity: Client }): Middleware;
}

declare module '@xmpp/stream-features' {
  import type { Element } from '@xmpp/client-core';
  import type { Middleware } from '@xmpp/middleware';

  interface StreamFeatures {
    use(
      name: string,
      xmlns: string,
      handler: (context: unknown, next: unknown, feature: Element) => Promise<void>,
    ): void;
  }
  export default function streamFeatures(options: { middleware: Middleware }): StreamFeatures;
}

declare module '@xmpp/sasl' {
  export interface SaslFactory {
    use(mechanism: unknown): this;
  }

  import type { Client } from '@xmpp/client-core';
  import type { StreamFeatures } from '@xmpp/stream-features';
  export interface Credentials {
    readonly username: string;
    readonly password: string;
  }
  export default function sasl(
    options: { streamFeatures: StreamFeatures; saslFactory: SaslFactory },
    onAuthenticate: (
      authenticate: (credentials: Credentials, mechanism: string) => Promise<void>,
      mechanisms: readonly string[],
      fast: null,
      entity: Client,
    ) => Promise<void>,
  ): void;
}

declare module '@xmpp/sasl-plain' {
  import type { SaslFactory } from '@xmpp/sasl';
  export default function plain(factory: SaslFactory): void;
}

declare module 'sasl-scram-sha-1' {
  export interface ScramCredentials {
    readonly username: string;
    readonly password: string;
    readonly salt?: Uint8Array;
    readonly saltedPassword?: Uint8Array;
  }
  export default class ScramSha1 {
    protected readonly _stage: 'initial' | 'challenge' | 'final';
    protected readonly _salt: Uint8Array<ArrayBuffer>;
    protected readonly _iterationCount: number;
    response(credentials: ScramCredentials): string | Promise<string>;
  }
}

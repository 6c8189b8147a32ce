/**
 * The parts of @xmpp/client 0.14 that xmpp-connection.ts uses. Types of our own: the published ones have no SASL factory
 * and no function for credentials, and reach for Node's globals, which a worker has not.
 */
declare module '@xmpp/client' {
  /** An element of ltx. */
  export interface Element {
    readonly name: string;
    readonly attrs: Record<string, string | undefined>;
    children: (Element | string)[];
    is(name: string, xmlns?: string): boolean;
    getChild(name: string, xmlns?: string): Element | undefined;
    getNS(): string | undefined;
  }
  type Listener = (element: Element) => void;

  interface StreamSocket {
    /** The browser's own socket; null once closed. */
    readonly socket: { readonly bufferedAmount: number } | null;
    end(): void;
  }
  export interface SaslFactory {
    readonly _mechs: { readonly name: string; readonly mech: unknown }[];
  }
  interface Credentials {
    readonly username: string;
    readonly password: string;
  }
  export interface Client {
    readonly socket: StreamSocket | null;
    readonly reconnect: { stop(): void };
    readonly saslFactory: SaslFactory;
    readonly iqCaller: { request(iq: Element): Promise<Element> };
    readonly streamFeatures: {
      use(name: string, xmlns: string, handler: (context: unknown, next: () => Promise<unknown>) => unknown): void;
    };
    /** Opens the socket. */
    connect(service: string): Promise<unknown>;
    /** Opens the stream. */
    open(options: { domain: string }): Promise<unknown>;
    /** Closes stream and socket. */
    disconnect(): Promise<unknown>;
    write(text: string): Promise<void>;
    isSecure(): boolean;
    /** `send` tells what the library itself has sent. */
    on(event: 'open' | 'element' | 'send', listener: Listener): void;
    on(event: 'online', listener: (address: { toString(): string }) => void): void;
    on(event: 'error', listener: (error: Error & { condition?: string; text?: string }) => void): void;
    on(event: 'disconnect', listener: (why: { clean: boolean }) => void): void;
    listeners(event: 'element'): Listener[];
    removeAllListeners(event: 'element'): void;
  }

  export function client(options: {
    readonly service: string;
    readonly domain: string;
    /** For opening and closing, in milliseconds. */
    readonly timeout: number;
    readonly resource?: string | undefined;
    readonly userAgent: Element;
    readonly credentials: (
      authenticate: (credentials: Credentials, mechanism: string) => Promise<void>,
      mechanisms: readonly string[],
    ) => Promise<void>;
  }): Client;
  export function xml(
    name: string,
    attrs: Readonly<Record<string, string>>,
    ...children: (Element | string)[]
  ): Element;
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
    readonly name: string;
    response(credentials: ScramCredentials): string | Promise<string>;
  }
}

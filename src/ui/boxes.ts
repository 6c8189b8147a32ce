export interface Point {
  readonly x: number;
  readonly y: number;
}

export interface Box extends Point {
  /** x and y are the centre. */
  readonly w: number;
  readonly h: number;
}

export interface PlacedServer extends Box {
  readonly domain: string;
  /** The XMPP server itself, where sessions and links meet. */
  readonly hub: Point;
}

// What may be said to `start`, `serve` and `component`, as a flag or in the file of --config: one JSON Schema for each. A
// property has the name of its flag (`publicUrl` is --public-url), and its description ends the sentence "… is not …".

const file = { type: 'string', minLength: 1, description: 'a file' };
const text = (/** @type {string} */ description) => ({ type: 'string', minLength: 1, description });
const flag = { type: 'boolean', description: 'true or false' };
const port = { type: 'integer', minimum: 0, maximum: 65535, description: 'a port (0 to 65535)' };
const rate = {
  type: ['integer', 'string'],
  pattern: '^\\d{1,15}(?:/\\d{1,15})?$',
  minimum: 0,
  description: 'bytes a second, such as 10000 or 10000/5242880',
};
const list = (/** @type {string} */ description) => ({
  type: 'array',
  items: { type: 'string', minLength: 1, description },
  description: 'a list',
});
const publicUrl = text('an address such as https://chat.example.org');

const config = {
  $schema: file,
  config: file,
};

const limits = {
  clientRate: rate,
  fanOutRate: rate,
  roomRate: rate,
  nodeRate: rate,
  turnsRate: { type: 'integer', minimum: 0, maximum: 1e15, description: 'bytes a second, such as 5000000' },
  traceBytes: { type: 'integer', minimum: 100_000, maximum: 1e12, description: 'a number of bytes from 100000' },
};

const service = {
  store: text('a directory'),
  acceptLoss: flag,
  log: { enum: ['text', 'json'], description: 'text or json' },
  logLevel: { enum: ['error', 'warn', 'info', 'debug'], description: 'one of error, warn, info, debug' },
  metrics: {
    type: ['integer', 'string'],
    pattern: '^(?:.+:)?\\d{1,5}$',
    minimum: 0,
    maximum: 65535,
    description: 'PORT or HOST:PORT, such as 9464',
  },
  traceBodies: flag,
};

/** @typedef {'start' | 'serve' | 'component'} Configured */

export const schemas = /** @type {const} */ ({
  start: {
    type: 'object',
    properties: {
      ...config,
      port,
      host: text('an address, such as 0.0.0.0'),
      publicUrl,
      frameAncestors: list('the address of a web site, such as https://notes.example.org'),
      scenario: text('a name or a file'),
      server: list('HOST:PORT or SERVICE=HOST:PORT'),
      secretFile: list('FILE or SERVICE=FILE'),
      ...limits,
    },
  },
  serve: {
    type: 'object',
    properties: {
      ...config,
      scenario: text('a name or a file'),
      port,
      auth: { enum: ['open', 'accounts'], description: 'open or accounts' },
      accounts: file,
      publicUrl,
      ...service,
      ...limits,
    },
  },
  component: {
    type: 'object',
    properties: {
      ...config,
      server: text('HOST:PORT'),
      domain: text('a domain'),
      secretFile: file,
      mode: { enum: ['plain', 'fmuc', 'primary', 'source'], description: 'one of plain, fmuc, primary, source' },
      peerhost: list('a domain'),
      firsthost: list('a domain'),
      shards: { type: 'integer', minimum: 2, maximum: 64, description: 'a number from 2 to 64' },
      maxRooms: { type: 'integer', minimum: 0, maximum: 100_000, description: 'a number from 0 to 100000' },
      unlocked: flag,
      replicaOf: text('a room'),
      serves: list('a domain'),
      keepalive: text('S or S/T with S from 10 to 3600 s, T from 1 s to S'),
      ...service,
    },
  },
});

/**
 * What such a file has beside that: the rooms, as a service of a scenario has them (src/scenario/schema.json), which is
 * checked with them.
 */
export const ofTheService = [
  'rooms',
  'admins',
  'openCreation',
  'onDemand',
  'hosting',
  'lockNewRooms',
  'archive',
  'limits',
  'kind',
  'address',
];

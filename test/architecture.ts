import { posix } from 'node:path';
import { parseSync } from 'vite';

/** Text of files by path from the project's folder, with forward slashes. */
export type Files = ReadonlyMap<string, string>;

interface Zone {
  /** Path prefixes whose files may be imported; the zone's own are always allowed. */
  readonly sees: readonly string[];
  /** Path prefixes of which only types may be imported. */
  readonly seesTypesOf?: readonly string[];
  /** Prefixes of files that may be named by `new URL('…', import.meta.url)`. */
  readonly namesByUrl?: readonly string[];
  /** Packages; `node:*` and `@scope/*` are patterns. */
  readonly packages?: readonly string[];
  /** Same inputs, same outputs: no clock and no randomness but those handed in. */
  readonly deterministic?: true;
}

const xmpp = 'src/core/xmpp/';
const xep = 'src/core/xep/';
const turn = 'src/core/turn/';
const room = 'src/core/room/';
const seam = 'src/core/distribution/';
const core = 'src/core/';
const scenario = 'src/scenario/';

function coreZone(...sees: readonly string[]): Zone {
  return { sees, deterministic: true };
}

/** src/README.md, section Imports, draws these rules. The longest prefix that fits a file is its zone. */
export const zones: Readonly<Record<string, Zone>> = {
  'src/core/xmpp/': coreZone(),
  'src/core/xep/': coreZone(xmpp),
  'src/core/turn/': coreZone(xmpp, xep),
  'src/core/room/': coreZone(xmpp, xep, turn),
  'src/core/distribution/': coreZone(xmpp, xep, turn, room),
  'src/core/node/': coreZone(xmpp, xep, turn, room, seam),
  'src/core/occupant/': coreZone(xmpp, xep),
  'src/core/net/': { sees: ['src/core/xmpp/time.ts'], deterministic: true },
  // A world may be made of a scenario.
  'src/sim/': { sees: [core, scenario], deterministic: true },
  // Whoever is tested with it need not be ours: it knows stanzas, and nothing of rooms and nodes.
  'src/conformance/': { sees: [xmpp, xep], deterministic: true },
  'src/scenario/': {
    // node-config.ts makes the core's configuration of a scenario, defaults included.
    sees: [xmpp, 'src/core/room/config.ts', 'src/core/distribution/config.ts'],
    seesTypesOf: [core],
    packages: ['@cfworker/json-schema', 'jsonc-parser'],
    deterministic: true,
  },
  // The formulas measure stanzas that the core's codecs write.
  'src/cost/': { sees: [core, scenario], deterministic: true },
  'src/lessons/': { sees: [scenario], deterministic: true },
  // Texts as data, and what is made of them; src/headless reads the files.
  'src/specification/': { sees: ['src/core/xmpp/xml.ts'], deterministic: true },
  'src/server/': { sees: [core], packages: ['saxes'], deterministic: true },
  'src/host/': { sees: [core], seesTypesOf: [scenario], deterministic: true },
  'src/worker/': {
    sees: [core, 'src/sim/', 'src/server/', 'src/host/', scenario],
    packages: ['@xmpp/*', 'sasl-scram-sha-1', 'comlink', 'idb'],
  },
  'src/headless/': {
    sees: [
      core,
      'src/sim/',
      'src/server/',
      'src/host/',
      'src/conformance/',
      scenario,
      'src/cost/',
      'src/specification/',
      'src/ui/decision-titles.ts',
    ],
    packages: ['node:*', 'ws', 'classic-level', 'jsonc-parser', 'prom-client', 'vite', 'tsx', '@playwright/test'],
  },
  // Runs in the tests of others, with Playwright: the page itself it knows by its types.
  'src/testing/': {
    sees: ['src/headless/', scenario],
    seesTypesOf: [core, 'src/server/', 'src/ui/'],
    packages: ['node:*', '@playwright/test'],
  },
  'src/ui/': {
    // Addresses are taken apart, data are compared and statuses put together in one way, wherever that is.
    sees: [
      scenario,
      'src/core/xep/classroom.ts',
      'src/lessons/',
      'src/cost/',
      'src/core/xmpp/jid.ts',
      'src/core/xmpp/plain-data.ts',
      'src/core/node/known-status.ts',
    ],
    // host/ holds the types in which the page and its workers talk.
    seesTypesOf: [core, 'src/host/', 'src/sim/'],
    namesByUrl: ['src/worker/'],
    packages: ['lit', 'comlink', 'idb'],
  },
};

/** Folders below core/distribution/ that hold one protocol each. */
const protocols = ['primary-replica', 'source-shadow', 'fmuc'].map((name) => `${seam}${name}/`);

/** Files that something outside src starts: npm scripts, what the package exports, configurations; and what index.html names. */
export const entries: readonly string[] = [
  'src/headless/setup.mjs',
  'src/headless/netsplit.ts',
  'src/headless/sim-thread.ts',
  'src/testing/index.ts',
  'vite.config.ts',
  'vitest.config.ts',
  'playwright.config.ts',
  'test/run-all.mjs',
];

export interface Import {
  readonly file: string;
  readonly line: number;
  /** As written. */
  readonly source: string;
  /** Path from the project's folder, or a package. */
  readonly target: string;
  readonly local: boolean;
  readonly how: 'import' | 'type' | 'url';
}

export interface Use {
  readonly file: string;
  readonly line: number;
  readonly what: string;
}

interface Read {
  readonly imports: readonly Import[];
  /** Calls of a clock or of a source of randomness. */
  readonly impure: readonly Use[];
  /** Ways from a string to markup or code. */
  readonly injections: readonly Use[];
}

interface Ast {
  readonly type: string;
  readonly start: number;
  readonly [key: string]: unknown;
}

/** Everything the rules need to know of one source file. Several rules read the same files: each is parsed once. */
export function readSource(file: string, text: string): Read {
  const known = reads.get(file);
  if (known?.text === text) return known.read;
  const read = parseSource(file, text);
  reads.set(file, { text, read });
  return read;
}

const reads = new Map<string, { readonly text: string; readonly read: Read }>();

function parseSource(file: string, text: string): Read {
  const { program, errors } = parseSync(file, text);
  if (errors.length > 0) throw new Error(`${file}: ${errors[0]?.message}`);
  const imports: Import[] = [];
  const impure: Use[] = [];
  const injections: Use[] = [];
  const lineOf = (node: Ast) => text.slice(0, node.start).split('\n').length;
  const add = (node: Ast, source: unknown, how: Import['how']) => {
    const written = literal(source);
    if (written === undefined) {
      injections.push({ file, line: lineOf(node), what: 'an import of a computed name: write the name out' });
      return;
    }
    const path = written.replace(/\?.*$/, '');
    const local = path.startsWith('.');
    imports.push({
      file,
      line: lineOf(node),
      source: written,
      target: local ? posix.join(posix.dirname(file), path) : path,
      local,
      how: /\?(worker|sharedworker|url)/.test(written) ? 'url' : how,
    });
  };

  walk(program as unknown as Ast, (node) => {
    switch (node.type) {
      case 'ImportDeclaration':
        add(node, node['source'], onlyTypes(node, 'importKind') ? 'type' : 'import');
        break;
      case 'ExportAllDeclaration':
      case 'ExportNamedDeclaration':
        if (node['source']) add(node, node['source'], onlyTypes(node, 'exportKind') ? 'type' : 'import');
        break;
      case 'ImportExpression':
        add(node, node['source'], 'import');
        break;
      case 'TSImportType':
        add(node, node['source'] ?? node['argument'], 'type');
        break;
      case 'NewExpression':
      case 'CallExpression': {
        const callee = nameOf(node['callee']);
        const args = node['arguments'] as readonly Ast[];
        if (callee === 'URL' && nameOf(args[1]) === 'import.meta.url') {
          const written = literal(args[0]);
          // A folder (the project's root) is no file of the program.
          if (written !== undefined && !written.endsWith('/')) add(node, args[0], 'url');
        }
        if (callee === 'tsImport') add(node, args[0], 'import');
        if (callee === 'Date' && args.length === 0) impure.push({ file, line: lineOf(node), what: 'new Date()' });
        if (callee === 'eval' || callee === 'Function') injections.push({ file, line: lineOf(node), what: callee });
        break;
      }
      case 'MemberExpression': {
        const name = nameOf(node);
        if (name !== undefined && impureNames.has(name)) impure.push({ file, line: lineOf(node), what: name });
        const property = literal(node['property']);
        if (property !== undefined && markup.has(property))
          injections.push({ file, line: lineOf(node), what: property });
        break;
      }
      case 'Identifier':
        if (markup.has(String(node['name']))) injections.push({ file, line: lineOf(node), what: String(node['name']) });
        break;
      case 'TemplateElement': {
        // lit: `.innerHTML=${…}` sets the property.
        const raw = (node['value'] as { raw: string }).raw;
        const found = /[\s.](innerHTML|outerHTML|srcdoc)\s*=/i.exec(raw)?.[1];
        if (found !== undefined) injections.push({ file, line: lineOf(node), what: found });
        break;
      }
    }
  });
  return { imports, impure, injections };
}

const impureNames = new Set([
  'Date.now',
  'Math.random',
  'performance.now',
  'crypto.randomUUID',
  'crypto.getRandomValues',
]);
const markup = new Set([
  'innerHTML',
  'outerHTML',
  'insertAdjacentHTML',
  'createContextualFragment',
  'setHTMLUnsafe',
  'parseHTMLUnsafe',
  'unsafeHTML',
  'unsafeSVG',
  'unsafeStatic',
  'srcdoc',
]);

function walk(node: Ast, visit: (node: Ast) => void): void {
  visit(node);
  for (const key in node) {
    const value = node[key];
    for (const child of Array.isArray(value) ? value : [value])
      if (child !== null && typeof child === 'object' && typeof (child as Ast).type === 'string')
        walk(child as Ast, visit);
  }
}

function literal(node: unknown): string | undefined {
  const ast = node as Ast | undefined;
  if (ast?.type === 'TSLiteralType') return literal(ast['literal']);
  return ast?.type === 'Literal' && typeof ast['value'] === 'string' ? ast['value'] : undefined;
}

/** `a.b.c` as written; undefined for anything that is no plain chain of names. */
function nameOf(node: unknown): string | undefined {
  const ast = node as Ast | undefined;
  if (ast?.type === 'Identifier') return String(ast['name']);
  if (ast?.type === 'MetaProperty') return 'import.meta';
  if (ast?.type !== 'MemberExpression' || ast['computed'] === true) return undefined;
  const object = nameOf(ast['object']);
  return object === undefined ? undefined : `${object}.${nameOf(ast['property'])}`;
}

function onlyTypes(node: Ast, kind: 'importKind' | 'exportKind'): boolean {
  if (node[kind] === 'type') return true;
  const specifiers = (node['specifiers'] ?? []) as readonly Ast[];
  return specifiers.length > 0 && specifiers.every((specifier) => specifier[kind] === 'type');
}

function zoneOf(file: string): string | undefined {
  return Object.keys(zones)
    .filter((prefix) => file.startsWith(prefix))
    .sort((a, b) => b.length - a.length)[0];
}

const isCode = (file: string) => /\.(ts|mjs|js)$/.test(file) && !file.endsWith('.d.ts');
/** Declarations of types for a package that has none are for the compiler alone. */
const isAmbient = (file: string) => file.endsWith('.d.ts');

/** Breaches of the one-way rules, one line each with what to do. */
export function importViolations(files: Files): string[] {
  const found: string[] = [];
  for (const [file, text] of files) {
    if (!file.startsWith('src/') || !isCode(file)) continue;
    const prefix = zoneOf(file);
    if (prefix === undefined) {
      found.push(`${file}: in no zone; add its folder to the zones of test/architecture.ts, and to src/README.md`);
      continue;
    }
    for (const one of readSource(file, text).imports) {
      const wrong = whyNot(prefix, one, files);
      if (wrong !== undefined) found.push(`${file}:${one.line} imports ${one.source}: ${wrong}`);
    }
  }
  return found;
}

function whyNot(prefix: string, { file, source, target, local, how }: Import, files: Files): string | undefined {
  const zone = zones[prefix] as Zone;
  const name = prefix.slice('src/'.length, -1);
  if (!local) {
    const matches = (pattern: string) =>
      pattern.endsWith('*')
        ? target.startsWith(pattern.slice(0, -1))
        : target === pattern || target.startsWith(`${pattern}/`);
    if ((zone.packages ?? []).some(matches)) return undefined;
    return `${name} may use ${zone.packages?.join(', ') ?? 'no package'}; do that work in the zone that has it, and hand over plain data`;
  }
  if (target.startsWith('..')) return 'it is outside the project: copy what is needed, with its licence';
  if (!files.has(target)) return `there is no ${target}`;
  if (!target.startsWith('src/')) return 'it is outside src: the product may not depend on tests or configurations';

  const own = protocols.find((protocol) => file.startsWith(protocol));
  const other = protocols.find((protocol) => target.startsWith(protocol));
  if (own !== undefined && other !== undefined && own !== other)
    return 'the three protocols never import each other; put what they share beside distribution.ts';

  if (how === 'url') {
    if (target.startsWith(prefix) || (zone.namesByUrl ?? zone.sees).some((seen) => target.startsWith(seen)))
      return undefined;
  } else {
    if (target.startsWith(prefix) || zone.sees.some((seen) => target.startsWith(seen))) return undefined;
    if (how === 'type' && zone.seesTypesOf?.some((seen) => target.startsWith(seen))) return undefined;
    if (zone.namesByUrl?.some((seen) => target.startsWith(seen)))
      return `${name} names it by URL only: new Worker(new URL(${JSON.stringify(source)}, import.meta.url), { type: 'module' })`;
    if (zone.seesTypesOf?.some((seen) => target.startsWith(seen)))
      return `${name} may import only types from it: import type { … }`;
  }
  const sees = zone.sees.map((seen) => seen.slice('src/'.length).replace(/\/$/, ''));
  return `${name} sees ${sees.length > 0 ? sees.join(', ') : 'nothing but itself'}; move what is needed down, or pass it in`;
}

/**
 * Files of src that import each other in a circle, types included: a shortest circle for each file that is in none
 * of those before it.
 */
export function circles(files: Files): string[] {
  const imports = new Map<string, readonly string[]>();
  for (const [file, text] of files) {
    if (!file.startsWith('src/') || !isCode(file)) continue;
    const seen = readSource(file, text).imports.filter(({ local, how }) => local && how !== 'url');
    imports.set(file, [...new Set(seen.map(({ target }) => target))]);
  }
  const found: string[] = [];
  const told = new Set<string>();
  for (const file of imports.keys()) {
    if (told.has(file)) continue;
    const circle = wayBack(imports, file);
    if (circle === undefined) continue;
    for (const one of circle) told.add(one);
    found.push(
      `${[...circle, file].join(' → ')}: a circle; put what both need into a file of its own, or pass it in by a narrow interface`,
    );
  }
  return found;
}

/** The shortest way along the imports from a file back to itself; undefined if there is none. */
function wayBack(imports: ReadonlyMap<string, readonly string[]>, start: string): string[] | undefined {
  const from = new Map<string, string>();
  const queue = [start];
  for (let file = queue.shift(); file !== undefined; file = queue.shift())
    for (const target of imports.get(file) ?? []) {
      if (target === start) {
        const way = [file];
        for (let one = file; one !== start; way.unshift(one)) one = from.get(one) as string;
        return way;
      }
      if (from.has(target) || !imports.has(target)) continue;
      from.set(target, file);
      queue.push(target);
    }
  return undefined;
}

/** Clocks and randomness where there may be none. */
export function impurities(files: Files): string[] {
  const found: string[] = [];
  for (const [file, text] of files) {
    const prefix = zoneOf(file);
    if (prefix === undefined || !isCode(file) || !zones[prefix]?.deterministic) continue;
    for (const { line, what } of readSource(file, text).impure)
      found.push(
        `${file}:${line} uses ${what}: take the time or the id from what is handed in (Env), so that a run can be repeated`,
      );
  }
  return found;
}

/** Ways from a string to markup or code, anywhere in src. */
export function injections(files: Files): string[] {
  const found: string[] = [];
  for (const [file, text] of files) {
    if (!file.startsWith('src/') || !isCode(file)) continue;
    for (const { line, what } of readSource(file, text).injections)
      found.push(
        `${file}:${line} has ${what}: stanzas come from strangers, so build elements and text nodes (lit's html does)`,
      );
  }
  return found;
}

/** Files of src that no entry reaches, whatever the kind of import. */
export function orphans(files: Files, from: readonly string[] = entries): string[] {
  const reached = new Set<string>();
  const page = [...(files.get('index.html') ?? '').matchAll(/(?:src|href)="\/(src\/[^"]+)"/g)].map(
    (match) => match[1] ?? '',
  );
  const queue = [...from, ...page].filter((file) => files.has(file));
  for (let file = queue.pop(); file !== undefined; file = queue.pop()) {
    if (reached.has(file)) continue;
    reached.add(file);
    const text = files.get(file);
    if (text === undefined || !isCode(file)) continue;
    for (const { local, target } of readSource(file, text).imports) if (local) queue.push(target);
  }
  return [...files.keys()]
    .filter((file) => /^src\/.*\.(ts|mjs|js|json|css)$/.test(file) && !/(^|\/)tsconfig\.json$/.test(file))
    .filter((file) => !isAmbient(file) && !reached.has(file))
    .map(
      (file) =>
        `${file}: nothing that runs imports it; use it, delete it, or add it to the entries of test/architecture.ts`,
    );
}

interface PackageJson {
  readonly scripts?: Readonly<Record<string, string>>;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly devDependencies?: Readonly<Record<string, string>>;
  readonly peerDependencies?: Readonly<Record<string, string>>;
  readonly name?: string;
}

/** Packages that are there only because another package brought them: they may go with its next version. */
export function undeclaredDependencies(manifest: PackageJson, files: Files): string[] {
  const found = new Set<string>();
  for (const [file, text] of files) {
    if (!isCode(file)) continue;
    const { dependencies, devDependencies, peerDependencies } = manifest;
    const declared = { ...dependencies, ...peerDependencies, ...(file.startsWith('src/') ? {} : devDependencies) };
    // The commands beside serve.ts are tools of the project: they run where its development packages are.
    if (file.startsWith('src/headless/')) Object.assign(declared, manifest.devDependencies);
    for (const { local, target, how } of readSource(file, text).imports) {
      const name = packageOf(target);
      if (local || name.startsWith('node:') || name in declared || name === manifest.name) continue;
      if (how === 'type' && name in { ...manifest.devDependencies }) continue;
      found.add(`${file} imports ${name}, which package.json does not name: npm install it, or do without`);
    }
  }
  return [...found];
}

/** Packages that nobody uses, and packages of the product that only tests use. */
export function idleDependencies(manifest: PackageJson, files: Files): string[] {
  const found: string[] = [];
  const imported = new Set<string>();
  for (const [file, text] of files) {
    if (!file.startsWith('src/') || !isCode(file)) continue;
    for (const { local, target, how } of readSource(file, text).imports)
      if (!local && how !== 'type') imported.add(packageOf(target));
  }
  for (const name of Object.keys(manifest.dependencies ?? {})) {
    if (!imported.has(name))
      found.push(`package.json: no file of src imports ${name}; npm uninstall it, or move it to devDependencies`);
  }
  const everything = [
    ...[...files]
      .filter(([file]) => /\.(ts|mjs|json)$/.test(file) && !/package(-lock)?\.json$/.test(file))
      .map(([, text]) => text),
    ...Object.values(manifest.scripts ?? {}),
  ].join('\n');
  const named = (name: string) =>
    everything.includes(`'${name}'`) || everything.includes(`${name}/`) || everything.includes(`"${name}"`);
  for (const name of Object.keys(manifest.devDependencies ?? {})) {
    // @types/a__b stands for the types of @a/b, and @types/node for Node's.
    const subject = name.startsWith('@types/') ? name.slice('@types/'.length).replace(/^(.+)__(.+)$/, '@$1/$2') : name;
    if (!named(subject)) found.push(`package.json: nothing names ${name}; npm uninstall it`);
  }
  return found;
}

function packageOf(specifier: string): string {
  return specifier
    .split('/')
    .slice(0, specifier.startsWith('@') ? 2 : 1)
    .join('/');
}

/** Paths that exist on one machine only. */
export function foreignPaths(files: Files, checkout: string): string[] {
  const around = posix.dirname(checkout);
  const needles = [...(around.length > 1 ? [`${around}/`] : []), `..${'/shared'}`];
  const homes = /(?<![\w.-])\/(?:home|Users|root)\/[\w.-]+\//;
  const found: string[] = [];
  for (const [file, text] of files) {
    text.split('\n').forEach((line, i) => {
      const needle = needles.find((one) => line.includes(one)) ?? homes.exec(line)?.[0];
      if (needle !== undefined)
        found.push(`${file}:${i + 1} names ${needle}, which is not part of the project: use a path relative to it`);
    });
  }
  return found;
}

import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import {
  circles,
  foreignPaths,
  idleDependencies,
  importViolations,
  impurities,
  injections,
  orphans,
  readSource,
  undeclaredDependencies,
} from './architecture.ts';

const root = fileURLToPath(new URL('..', import.meta.url));

/** The project's own text files. */
function readProject(): Map<string, string> {
  const files = new Map<string, string>();
  const read = (folder: string) => {
    for (const entry of readdirSync(root + folder, { withFileTypes: true })) {
      const path = folder + entry.name;
      if (entry.isDirectory()) {
        if (!/^(node_modules|dist|\.git|\.vite|test-results|playwright-report)$/.test(entry.name)) read(`${path}/`);
      } else if (/\.(ts|mjs|js|json|css|html|md|yml|yaml|sh)$|^\.ci\/|^\.npmrc$|^\.gitignore$/.test(path)) {
        files.set(path, readFileSync(root + path, 'utf8'));
      }
    }
  };
  read('');
  return files;
}

describe('architecture', () => {
  const files = readProject();
  const manifest = JSON.parse(files.get('package.json') ?? '{}');

  it('imports point one way', () => {
    expect(importViolations(files)).toEqual([]);
  });
  it('no files of src import each other in a circle, types included', () => {
    expect(circles(files)).toEqual([]);
  });
  it('the room knows no protocol that distributes it, not even by name', () => {
    const known = [...files].filter(
      ([path, text]) => path.startsWith('src/core/room/') && /fmuc|primary|replica|shadow/i.test(text),
    );
    expect(known.map(([path]) => path)).toEqual([]);
    expect([...files.keys()].filter((path) => path.startsWith('src/core/room/')).length).toBeGreaterThan(20);
  });
  it('core, sim, server, host and scenario have no clock and no randomness of their own', () => {
    expect(impurities(files)).toEqual([]);
  });
  it('no markup and no code is made from strings', () => {
    expect(injections(files)).toEqual([]);
  });
  it('every file of src is reached from the page, a command or a configuration', () => {
    expect(orphans(files)).toEqual([]);
  });
  it('every dependency is used', () => {
    expect(idleDependencies(manifest, files)).toEqual([]);
  });
  it('every package that is imported is declared', () => {
    expect(undeclaredDependencies(manifest, files)).toEqual([]);
  });
  it('nothing names a path outside the project', () => {
    expect(foreignPaths(files, root.replace(/\/$/, ''))).toEqual([]);
  });
});

describe('the checker itself catches', () => {
  const tree = (given: Readonly<Record<string, string>>) => new Map(Object.entries(given));
  const empty = [
    'room/event.ts',
    'room/room.ts',
    'node/muc-node.ts',
    'xmpp/jid.ts',
    'xmpp/xml.ts',
    'xmpp/time.ts',
    'distribution/primary-replica/primary.ts',
    'distribution/fmuc/echo.ts',
  ];
  const others = [
    'src/worker/node.worker.ts',
    'src/server/server.ts',
    'src/host/driver.ts',
    'src/ui/main.ts',
    'src/headless/serve.ts',
    'test/support.ts',
  ];
  const known = Object.fromEntries([...empty.map((path) => `src/core/${path}`), ...others].map((path) => [path, '']));
  const inFile = (file: string, text: string) => importViolations(tree({ ...known, [file]: text }));

  for (const [what, file, text, message] of [
    [
      'a room that runs a protocol',
      'src/core/room/x.ts',
      "import { f } from '../distribution/primary-replica/primary.ts';",
      /core\/room sees core\/xmpp, core\/xep/,
    ],
    [
      'a room that runs a node, by export',
      'src/core/room/x.ts',
      "export * from '../node/muc-node.ts';",
      /move what is needed down/,
    ],
    [
      'a codec that knows rooms, by a type in passing',
      'src/core/xep/x.ts',
      "let a: import('../room/room.ts').Room;",
      /core\/xep sees/,
    ],
    [
      'a type from above',
      'src/core/xmpp/x.ts',
      "import type { E } from '../room/event.ts';",
      /core\/xmpp sees nothing but itself/,
    ],
    [
      'a protocol that imports another',
      'src/core/distribution/fmuc/x.ts',
      "import type { P } from '../primary-replica/primary.ts';",
      /never import each other/,
    ],
    [
      'the link model reaching for stanzas',
      'src/core/net/x.ts',
      "import { el } from '../xmpp/xml.ts';",
      /core\/net sees core\/xmpp\/time\.ts/,
    ],
    ['an npm package in the core', 'src/core/xmpp/x.ts', "import { xml } from '@xmpp/client';", /no package/],
    ['a Node module in the server', 'src/server/x.ts', "import fs from 'node:fs';", /server may use saxes/],
    ['any package in the host', 'src/host/x.ts', "await import('ws');", /host may use no package/],
    ['a worker that imports the page', 'src/worker/x.ts', "import '../ui/main.ts';", /worker sees/],
    [
      'a page that imports a worker',
      'src/ui/x.ts',
      "import type { Api } from '../worker/node.worker.ts';",
      /names it by URL only/,
    ],
    ['a page that runs the core', 'src/ui/x.ts', "import { Room } from '../core/room/room.ts';", /only types/],
    [
      'a page that names a headless file by URL',
      'src/ui/x.ts',
      "new Worker(new URL('../headless/serve.ts', import.meta.url));",
      /ui sees/,
    ],
    ['a scenario that runs a room', 'src/scenario/x.ts', "import { r } from '../core/room/room.ts';", /only types/],
    ['a product that needs its tests', 'src/host/x.ts', "import '../../test/support.ts';", /outside src/],
    ['a file outside the project', 'src/host/x.ts', "import '../../../elsewhere/x.ts';", /outside the project/],
    ['a file that is not there', 'src/host/x.ts', "import './nowhere.ts';", /there is no src\/host\/nowhere\.ts/],
    ['a folder without rules', 'src/misc/x.ts', '', /in no zone/],
  ] as const) {
    it(what, () => {
      expect(inFile(file, text)).toEqual([expect.stringMatching(message)]);
    });
  }

  for (const [what, file, text] of [
    [
      'what stands below',
      'src/core/room/x.ts',
      "import type { E } from './event.ts'; import { j } from '../xmpp/jid.ts';",
    ],
    [
      'a worker named by URL',
      'src/ui/x.ts',
      "new Worker(new URL('../worker/node.worker.ts', import.meta.url), { type: 'module' });",
    ],
    ['packages of the zone', 'src/worker/x.ts', "import { client } from '@xmpp/client'; import * as c from 'comlink';"],
    ['a page that takes an address apart', 'src/ui/x.ts', "import { bareOf } from '../core/xmpp/jid.ts';"],
    ['packages by a path below them', 'src/ui/x.ts', "import { repeat } from 'lit/directives/repeat.js';"],
  ] as const) {
    it(`and allows ${what}`, () => {
      expect(inFile(file, text)).toEqual([]);
    });
  }

  it('circles of imports, types included: one for each knot', () => {
    const files = tree({
      'src/sim/a.ts': "import { b } from './b.ts';",
      'src/sim/b.ts': "export type { C } from './c.ts';",
      'src/sim/c.ts': "let a: import('./a.ts').A; import './b.ts';",
      'src/sim/above.ts': "import './a.ts';",
      'src/ui/page.ts': "new Worker(new URL('./worker.ts', import.meta.url));",
      'src/ui/worker.ts': "import type { P } from './page.ts';",
      'src/core/room/x.ts': "import type { Y } from './y.ts';",
      'src/core/room/y.ts': "import type { X } from './x.ts';",
    });
    expect(circles(files)).toEqual([
      expect.stringMatching(/^src\/sim\/a.ts → src\/sim\/b.ts → src\/sim\/c.ts → src\/sim\/a.ts: a circle/),
      expect.stringMatching(/^src\/core\/room\/x.ts → src\/core\/room\/y.ts → /),
    ]);
  });

  it('clocks and randomness, but not a date made from a number', () => {
    const text = '// Date.now()\nDate.now(); new Date(); Math.random(); new Date(5); Date();';
    expect(impurities(tree({ 'src/core/node/x.ts': text, 'src/worker/x.ts': text }))).toHaveLength(4);
    expect(impurities(tree({ 'src/server/x.ts': 'const f = Math.random;' }))).toHaveLength(1);
  });

  it('markup from strings, in code and in templates', () => {
    // biome-ignore lint/suspicious/noTemplateCurlyInString: it is source text
    const text = "a.innerHTML = b; a['outerHTML'] = b; eval(b); new Function(b); html`<p .innerHTML=${b}></p>`;";
    expect(injections(tree({ 'src/ui/x.ts': text }))).toHaveLength(5);
    expect(
      injections(tree({ 'src/ui/x.ts': "import { unsafeHTML } from 'lit/directives/unsafe-html.js';" })),
    ).not.toEqual([]);
    expect(injections(tree({ 'src/ui/x.ts': "// innerHTML\nconst text = 'innerHTML is not used';" }))).toEqual([]);
  });

  it('an import of a computed name', () => {
    expect(readSource('src/ui/x.ts', 'await import(name);').injections).toHaveLength(1);
  });

  it('files that nothing reaches, in a ring too', () => {
    const files = tree({
      'src/ui/main.ts': "import './a.ts'; new URL('../worker/w.ts', import.meta.url);",
      'src/ui/a.ts': "import type { T } from './t.ts'; import './a.css';",
      'src/ui/t.ts': '',
      'src/ui/a.css': '',
      'src/worker/w.ts': '',
      'src/worker/types.d.ts': '',
      'index.html': '<link rel="stylesheet" href="/src/ui/theme.css" />',
      'src/ui/theme.css': '',
      'src/ui/ring1.ts': "import './ring2.ts';",
      'src/ui/ring2.ts': "import './ring1.ts';",
    });
    expect(orphans(files, ['src/ui/main.ts']).map((line) => line.split(':')[0])).toEqual([
      'src/ui/ring1.ts',
      'src/ui/ring2.ts',
    ]);
  });

  it('dependencies that nobody uses', () => {
    const manifest = {
      scripts: {},
      dependencies: { ws: '1', lit: '1', '@xmpp/client': '1' },
      devDependencies: { vitest: '1', '@types/ws': '1', '@types/xmpp__client': '1', 'left-pad': '1' },
    };
    const files = tree({
      'src/a.ts':
        "import { html } from 'lit/html.js'; import type { W } from 'ws'; import { client } from '@xmpp/client';",
      'test/a.test.ts': "import { it } from 'vitest';",
    });
    expect(idleDependencies(manifest, files)).toEqual([
      expect.stringContaining('imports ws;'),
      expect.stringContaining('left-pad'),
    ]);
  });

  it('packages that came with others', () => {
    const manifest = { dependencies: { ws: '1' }, devDependencies: { vite: '1' } };
    const files = tree({
      'src/worker/a.ts': "import 'ws'; import { C } from '@xmpp/client-core/lib/x.js'; import 'vite';",
      'src/headless/a.ts': "import 'vite'; import 'node:fs';",
      'test/a.ts': "import 'vite'; import 'ws';",
    });
    expect(undeclaredDependencies(manifest, files)).toEqual([
      expect.stringContaining('imports @xmpp/client-core,'),
      expect.stringContaining('imports vite,'),
    ]);
  });

  it('paths of one machine', () => {
    const files = tree({
      'README.md': `cd /srv/build/x\nsee ..${'/shared'}/x\n/ho${'me'}/me/x\nhttps://example.org/home/me/`,
    });
    expect(foreignPaths(files, '/srv/build/netsplit')).toHaveLength(3);
  });
});

import { exec } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { posix } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, describe, expect, it } from 'vitest';
import { jid } from '../src/core/xmpp/jid.ts';
import { readArguments } from '../src/headless/component-arguments.ts';
import { readComponentConfig } from '../src/headless/component-config.ts';
import { metricsOf } from '../src/headless/metrics.ts';
import { Watch } from '../src/headless/watch.ts';
import { builtIn } from '../src/scenario/built-in.ts';
import { parseScenario } from '../src/scenario/load.ts';
import { ndjson } from '../src/sim/ndjson.ts';
import { run } from '../src/sim/simulator.ts';
import { readPlace } from '../src/ui/address.ts';
import { measureLinks } from './bench/links.ts';
import { otherBrowsers } from './interop/support/browsers.ts';
import { bundled } from './support/commands.ts';
import { isLong } from './support/long.ts';

// What the README files claim, as far as a machine can tell.

const root = fileURLToPath(new URL('..', import.meta.url));
const read = (file: string) => readFileSync(root + file, 'utf8');

/** Every page of the project, by path from its folder. */
const pages = new Map(
  ['', 'src/', 'test/']
    .flatMap((folder) =>
      readdirSync(root + folder, { recursive: folder !== '', encoding: 'utf8' }).map((name) => folder + name),
    )
    .map((file) => file.replaceAll('\\', '/'))
    .filter((file) => file.endsWith('.md'))
    .map((file) => [file, read(file)] as const),
);
const readmes = [...pages].filter(([file]) => /(^|\/)(README|CONTRIBUTING)\.md$/.test(file));
const page = (file: string) => pages.get(file) ?? '';

/** Blocks of code in one language. */
function blocks(text: string, language: string): string[] {
  return [...text.matchAll(/^( *)```(\w*)\n([\s\S]*?)^ *```$/gm)].flatMap(([, , kind, code]) =>
    kind === language ? [code as string] : [],
  );
}
const prose = (text: string) => text.replaceAll(/^( *)```\w*\n[\s\S]*?^ *```$/gm, '');
/** What stands in backticks in the prose. */
const spans = (text: string) => [...prose(text).matchAll(/`([^`\n]+)`/g)].map(([, span]) => span as string);

/** The anchors of a page's headings, as GitHub makes them. */
function anchors(text: string): string[] {
  return [...prose(text).matchAll(/^#+ (.+)$/gm)].map(([, heading = '']) =>
    heading
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N} _-]/gu, '')
      .replaceAll(' ', '-'),
  );
}

/** First cells of the rows of tables, and what stands in backticks there. */
const firstCells = (text: string) =>
  [...text.matchAll(/^\| ([^|]*(?:\\\|[^|]*)*) \|/gm)].map(([, cell]) => spans(cell as string));

describe('README.md', () => {
  it('is at most 200 lines, and CONTRIBUTING.md one page', () => {
    expect(page('README.md').split('\n').length).toBeLessThanOrEqual(200);
    expect(page('CONTRIBUTING.md').split('\n').length).toBeLessThanOrEqual(60);
  });

  it('links every other README file, and CONTRIBUTING.md', () => {
    for (const [file] of readmes) if (file !== 'README.md') expect(page('README.md')).toContain(`](${file}`);
  });

  it('names the browsers that the page is tested in', () => {
    const [, named] = /and in ([^`]+) by `npm run interop`/.exec(page('README.md').replaceAll('\n', ' ')) ?? [];
    expect(named?.replace(/ \(.*\)/, '').split(' and ')).toEqual(otherBrowsers.map(({ name }) => name));
  });

  it('names every built-in scenario', () => {
    expect(spans(page('README.md'))).toEqual(expect.arrayContaining(builtIn.map(({ id }) => id)));
  });
});

describe('Every page', () => {
  it.each([...pages])('%s: its relative links lead somewhere, anchors too', (file, text) => {
    const broken: string[] = [];
    for (const [, target = ''] of prose(text).matchAll(/\]\(([^)\s]+)\)/g)) {
      if (/^[a-z]+:/.test(target)) continue;
      const [path = '', anchor] = target.split('#');
      const to = path === '' ? file : posix.join(posix.dirname(file), path);
      if (!existsSync(root + to)) broken.push(target);
      else if (anchor !== undefined && !anchors(page(to)).includes(anchor)) broken.push(target);
    }
    expect(broken).toEqual([]);
  });

  it.each(readmes)('%s: the files and folders that it names exist', (file, text) => {
    const files = [...pages.keys(), ...readdirSync(`${root}src`, { recursive: true, encoding: 'utf8' })];
    const missing = spans(text).filter((span) => {
      if (/^[\w.-]+\.ts$/.test(span))
        return !files.some((known) => posix.basename(known.replaceAll('\\', '/')) === span);
      // A name with slashes, and either an extension that is ours or a slash at the end.
      if (!/^(?!dist\/)[\w.-]+\/(?:[\w.-]+\/)*(?:[\w.-]+\.(?:ts|mjs|json|md|txt))?$/.test(span)) return false;
      return ![posix.join(posix.dirname(file), span), span, `src/${span}`].some((path) => existsSync(root + path));
    });
    expect(missing).toEqual([]);
  });
});

describe('Commands', () => {
  const scripts = JSON.parse(read('package.json')).scripts as Readonly<Record<string, string>>;
  /** `npm run x -- flags`, `npm start`, `npm test`, with what follows on the line; a line may go on behind a backslash. */
  const commands = readmes.flatMap(([file, text]) =>
    [...text.replaceAll('\\\n', '').matchAll(/\bnpm (?:run ([\w:-]+)|(start|test)\b)([^`\n]*)/g)].map(
      ([line, script, short, rest = '']) => ({ file, line, script: script ?? short ?? '', rest }),
    ),
  );

  it('that are named exist', () => {
    expect(commands.length).toBeGreaterThan(20);
    expect(commands.filter(({ script }) => !(script in scripts)).map(({ file, line }) => `${file}: ${line}`)).toEqual(
      [],
    );
  });

  it.runIf(isLong)(
    'have the flags that are named',
    async () => {
      const flagged = commands.filter(({ script, rest }) => script in scripts && / --\w/.test(rest));
      const names = [...new Set(flagged.map(({ script }) => script))];
      expect(names).toEqual(expect.arrayContaining(['start', 'serve', 'component', 'sim', 'test', 'bench']));
      const helps = new Map(
        await Promise.all(
          names.map(async (name) => {
            const isServer = name === 'serve' || name === 'component';
            const command = isServer ? `node ${await bundled(name)}` : (scripts[name] ?? '');
            return [name, (await promisify(exec)(`${command} --help`, { cwd: root })).stdout] as const;
          }),
        ),
      );
      const unknown = flagged.flatMap(({ file, script, rest }) =>
        [...rest.matchAll(/--[a-z][\w-]*/g)]
          .filter(([flag]) => !new RegExp(`${flag}\\b`).test(helps.get(script) ?? ''))
          .map(([flag]) => `${file}: npm run ${script} -- ${flag}`),
      );
      expect(unknown).toEqual([]);
    },
    120_000,
  );
});

describe('src/scenario/README.md', () => {
  const text = page('src/scenario/README.md');

  it('shows a scenario without mistakes', () => {
    const shown = blocks(text, 'json');
    expect(shown).toHaveLength(1);
    for (const scenario of shown) expect(parseScenario(scenario)).toMatchObject({ ok: true });
  });

  it('names every property of the schema', () => {
    const names = new Set<string>();
    const collect = (value: unknown) => {
      if (value === null || typeof value !== 'object') return;
      for (const [key, child] of Object.entries(value)) {
        if (key === 'properties') for (const name of Object.keys(child)) names.add(name);
        collect(child);
      }
    };
    collect(JSON.parse(read('src/scenario/schema.json')));
    // In a list of affiliations and in code.
    for (const name of ['$schema', 'affiliation', 'kind', 'address', 'act', 'who']) names.delete(name);
    const told = spans(text).join(' ');
    expect([...names].filter((name) => !new RegExp(`\\b${name}\\b`).test(told))).toEqual([]);
  });
});

describe('src/headless/README.md', () => {
  const directory = mkdtempSync(`${tmpdir()}/netsplit-readme-`);
  afterAll(() => rmSync(directory, { recursive: true, force: true }));

  it('shows configurations that the component takes', () => {
    const shown = blocks(page('src/headless/README.md'), 'json').filter((text) => !text.includes('"domain"'));
    expect(shown).toHaveLength(3);
    for (const text of shown) {
      const { rooms, hosting } = JSON.parse(text);
      const [room] = rooms;
      const mode = hosting !== undefined ? 'source' : room.distribution === undefined ? 'plain' : 'primary';
      expect(readComponentConfig('config.json', text, jid(room.jid.split('@')[1]), mode)).toMatchObject({ ok: true });
    }
  });

  it.each([
    ['src/headless/README.md', 1],
    ['src/headless/federating.md', 2],
  ])('%s shows whole files for --config', (file, many) => {
    const shown = blocks(page(file), 'json').filter((text) => text.includes('"domain"'));
    expect(shown).toHaveLength(many);
    writeFileSync(`${directory}/secret`, 's');
    for (const text of shown) {
      writeFileSync(`${directory}/component.json`, text.replace('/etc/netsplit/secret', `${directory}/secret`));
      expect(readArguments(['--config', `${directory}/component.json`], {})).toMatchObject({ port: 5347, secret: 's' });
    }
  });

  it('names every figure of /metrics, and no other', async () => {
    const watch = new Watch({ isBound: true, withBodies: false });
    const has = [...(await metricsOf(watch).metrics()).matchAll(/^# TYPE (netsplit_\w+)/gm)].map(([, name]) => name);
    const told = spans(page('src/headless/README.md')).filter((span) => span.startsWith('netsplit_'));
    expect([...new Set(told)].sort()).toEqual(has.sort());
  });
});

describe('src/headless/choosing.md', () => {
  // It counts for some ten seconds, what a split of a hundred messages costs among it.
  it.runIf(isLong)(
    'has the figures of the benchmark',
    () => {
      const text = page('src/headless/choosing.md');
      const count = (n: number) => n.toLocaleString('en');
      const row = (name: string, cells: readonly string[]) =>
        expect(text).toContain(`| ${[name, ...cells].join(' | ')} |`);
      const { broadcasts, splits } = measureLinks([12, 60]);
      const names = {
        plain: 'plain (XEP-0045)',
        replicated: 'primary and replicas (XEP-0282)',
        federated: 'federated rooms (XEP-0289)',
        instances: 'source and shadows (XEP-0281)',
      };
      for (const [kind, name] of Object.entries(names)) {
        const of = broadcasts.filter(({ room }) => room === kind);
        row(
          name,
          of.map(({ stanzas, bytes }) => `${count(stanzas)} (${(bytes / 1024).toFixed(1)} KiB)`),
        );
      }
      const ways = {
        plain: 'plain: everybody enters again',
        netjoin: 'primary and replicas: netjoin',
        resync: 'federated rooms: resync',
        instances: 'source and shadows: resync',
      };
      for (const [way, name] of Object.entries(ways)) {
        const of = splits.filter(({ how, missed }) => how === way && missed === 10);
        row(
          name,
          of.map(({ stanzas }) => count(stanzas)),
        );
      }
    },
    300_000,
  );
});

describe('src/ui/README.md', () => {
  const text = page('src/ui/README.md');
  const [first = '', hooks = ''] = text.split('## Hooks in the document');
  const [, testers = ''] = first.split('## For testers');
  const [members = ''] = testers.split('| act | fields |');

  it('names every member of window.lab, and no other', () => {
    const body = /export interface Lab \{([\s\S]*?)\n\}/.exec(read('src/ui/lab-api.ts'))?.[1] ?? '';
    const declared = new Set([...body.matchAll(/^ {2}(?:readonly )?(\w+)[(:]/gm)].map(([, name]) => name));
    const told = new Set(firstCells(members).flatMap((cells) => cells.map((cell) => /^\w+/.exec(cell)?.[0])));
    expect([...told].sort()).toEqual([...declared].sort());
  });

  it('names parts of the address that the page reads', () => {
    const [, told = ''] = text.split('## The address');
    const parts = firstCells(told.split('## ')[0] ?? '')
      .flat()
      .filter((part) => part.includes('='));
    expect(parts.length).toBeGreaterThan(5);
    for (const part of parts)
      expect(
        Object.values(readPlace(`#${part}`)).filter((value) => value !== undefined),
        part,
      ).toHaveLength(1);
  });

  it('names hooks that the page has', () => {
    const sources = readdirSync(`${root}src/ui`, { recursive: true, encoding: 'utf8' })
      .filter((name) => name.endsWith('.ts'))
      .map((name) => read(`src/ui/${name}`))
      .join('\n');
    const named = [...new Set(spans(hooks).filter((span) => span.startsWith('data-')))];
    expect(named.length).toBeGreaterThan(10);
    const camel = (hook: string) =>
      hook.slice('data-'.length).replaceAll(/-(\w)/g, (_, letter) => letter.toUpperCase());
    expect(
      named.filter((hook) => !sources.includes(`${hook}=`) && !sources.includes(`dataset.${camel(hook)}`)),
    ).toEqual([]);
  });
});

describe('src/testing/README.md', () => {
  it('shows tests that npm test runs, as they are', () => {
    const folder = 'test/examples/';
    const examples = readdirSync(root + folder).map((name) => read(folder + name));
    const shown = blocks(page('src/testing/README.md'), 'ts');
    expect(shown.length).toBeGreaterThan(2);
    expect(shown.filter((block) => !examples.some((example) => example.includes(block)))).toEqual([]);
  });

  it('names every fixture, and methods that a page has', () => {
    const told = firstCells(page('src/testing/README.md'))
      .flat()
      .map((cell) => /^\w+/.exec(cell)?.[0] ?? '');
    const body = /export interface NetsplitFixtures \{([\s\S]*?)\n\}/.exec(read('src/testing/fixtures.ts'))?.[1] ?? '';
    const fixtures = [...body.matchAll(/^ {2}readonly (\w+):/gm)].map(([, name]) => name);
    expect(fixtures.length).toBeGreaterThan(4);
    expect(fixtures.filter((name) => !told.includes(name as string))).toEqual([]);
    const methods = [...read('src/testing/room.ts').matchAll(/^ {2}(?:async )?(\w+)\(/gm)].map(([, name]) => name);
    expect(told.filter((name) => ![...fixtures, ...methods].includes(name))).toEqual([]);
  });
});

describe('src/sim/README.md', () => {
  it('names every kind of line, and every field of the header, that a run writes', () => {
    const told = new Set(spans(page('src/sim/README.md')));
    const shown = page('src/sim/README.md');
    const options = { mode: '0289pp', events: 120, statuses: true } as const;
    const [header, ...lines] = [...ndjson(3, options, run(3, options))].map((line) => JSON.parse(line));
    expect([...new Set(lines.map(({ kind }) => kind))].filter((kind) => !told.has(kind))).toEqual([]);
    expect(Object.keys(header).filter((key) => !shown.includes(`"${key}":`))).toEqual([]);
  });
});

describe('test/README.md', () => {
  it('names every file of tests that is content with a part of what it could try, and no other', () => {
    const [, table = ''] = /\n\| test \| in `npm test`[^\n]*\n[^\n]*\n(.*?)\n\n/s.exec(page('test/README.md')) ?? [];
    const named = [...table.matchAll(/\]\((\S+)\)/g)].map(([, file = '']) => file);
    const files = readdirSync(`${root}test`, { recursive: true, encoding: 'utf8' })
      .map((file) => file.replaceAll('\\', '/'))
      .filter((file) => file.endsWith('.test.ts') && /\b(isLong|howMany)\b/.test(read(`test/${file}`)));
    expect(named.toSorted()).toEqual(files.toSorted());
  });

  it('shows a piece of a dialogue as it is', () => {
    const [piece = ''] = blocks(page('test/README.md'), '').filter((block) => block.includes('⇒'));
    const folder = `${root}test/scenario/dialogues/`;
    expect(readdirSync(folder).some((name) => readFileSync(folder + name, 'utf8').includes(piece))).toBe(true);
    expect(piece).not.toBe('');
  });
});

import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { Plugin } from 'vite';
import { exampleFile, readDocument, type Sources } from '../specification/document.ts';
import { writePage } from '../specification/page.ts';
import { writeXep } from '../specification/xep.ts';
import { decisions } from '../ui/decision-titles.ts';

const src = fileURLToPath(new URL('../', import.meta.url));
const read = (file: string) => readFileSync(src + file, 'utf8');

/** What stands beside the text of the specification. An example that nobody has taken yet is empty. */
export const sources: Sources = {
  example: (caption) => {
    const file = `specification/examples/${exampleFile(caption)}`;
    return existsSync(src + file) ? read(file) : '';
  },
  schema: (file) => read(`core/xep/${file}`),
  decisions,
};

export function readSpecification() {
  return readDocument(read('specification/specification.md'));
}

/** The specification's files of the site, by name. */
export function specificationFiles(): ReadonlyMap<string, string> {
  const document = readSpecification();
  return new Map([
    ['specification.html', writePage(document, sources, 'specification.css')],
    ['specification.xml', writeXep(document, sources)],
    [
      'specification.css',
      read('ui/theme/colours.css') + readFileSync(new URL('../specification/page.css', import.meta.url), 'utf8'),
    ],
    ['specification.svg', read('ui/icon.svg')],
  ]);
}

const types: Readonly<Record<string, string>> = {
  html: 'text/html',
  xml: 'application/xml',
  css: 'text/css',
  svg: 'image/svg+xml',
};

/** Puts the specification beside the page: as files of the build, and as answers in development. */
export function specification(): Plugin {
  return {
    name: 'netsplit:specification',
    generateBundle() {
      for (const [fileName, source] of specificationFiles()) this.emitFile({ type: 'asset', fileName, source });
    },
    configureServer({ middlewares }) {
      middlewares.use(({ url = '' }, response, next) => {
        const [, name = '', kind = ''] = /^\/(specification\.(html|xml|css|svg))(?:\?|$)/.exec(url) ?? [];
        if (name === '') return next();
        response.setHeader('Content-Type', `${types[kind]}; charset=utf-8`);
        response.end(specificationFiles().get(name));
      });
    },
  };
}

import { writeFileSync } from 'node:fs';
import { listOf, partFor } from '../conformance/parts.ts';
import {
  counts,
  type Report,
  reportJson,
  reportJunit,
  reportText,
  sectionName,
  summary,
  titleOf,
} from '../conformance/report.ts';
import type { Result } from '../conformance/setting.ts';
import { LinkError } from '../host/stanza-link.ts';
import { stopWith } from './arguments.mjs';
import {
  type ConformanceOptions,
  conformanceHelp,
  readConformanceArguments,
  setUpText,
} from './conformance-arguments.ts';
import { runOverServer } from './conformance-run.ts';

function list({ settings, only }: ConformanceOptions): void {
  for (const given of settings) {
    const setting = { ...given, run: '' };
    const part = partFor(setting.protocol, setting.role);
    const checks = listOf(part).filter(only);
    console.log(`${titleOf(setting)}\n\nSet up at your side:\n${setUpText(setting)}\n`);
    for (const check of checks) console.log(`${check.id} (${sectionName(check)}): ${check.requirement}`);
    console.log(`\n${checks.length} checks\n`);
  }
}

/** @returns the exit status */
async function run(options: ConformanceOptions): Promise<number> {
  const { host, port, secret, settings, only, junit, json, log } = options;
  const reports: Report[] = [];
  for (const given of settings) {
    const setting = { ...given, run: '' };
    const part = partFor(setting.protocol, setting.role);
    const server = { host, port, secret, logsStanzas: log, log: (line: string) => console.error(line) };
    // A person sees where it is; a pipe gets the report alone.
    const told = ({ id, verdict }: Result) => {
      if (process.stderr.isTTY) console.error(`${verdict.kind.padEnd(11)}  ${id}`);
    };
    const results = await runOverServer(server, part, given, only, told);
    const report = { setting, results };
    reports.push(report);
    console.log(`${reportText(report)}\n`);
  }
  if (reports.length > 1) console.log(summary(reports.flatMap(({ results }) => results)));
  if (junit !== undefined) writeFileSync(junit, reportJunit(reports));
  if (json !== undefined) writeFileSync(json, reportJson(reports));
  return reports.some(({ results }) => counts(results).failed > 0) ? 1 : 0;
}

const options = readConformanceArguments(process.argv.slice(2));
if (options === 'help') console.log(conformanceHelp);
else if ('error' in options) stopWith(2, options.error);
else if (options.list) list(options);
else
  run(options).then(
    (status) => process.exit(status),
    (error: unknown) => {
      const isKnown = error instanceof LinkError || (error instanceof Error && 'code' in error);
      stopWith(
        2,
        isKnown
          ? `${options.host}:${options.port}: ${error.message}`
          : String(error instanceof Error ? error.stack : error),
      );
    },
  );

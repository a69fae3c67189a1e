// Room: `outrigger import`: old configs in, a rules file and a report out.
import { writeFileSync } from 'node:fs';
import { extname } from 'node:path';
import { diskReader, EXIT_CODES, importSquid, reportHtml, reportJson, reportText } from '@outrigger/importer';
import { dumpRules } from '@outrigger/rules';
import { Command, Option } from 'commander';
import { collect } from '../options.ts';
import type { Finish } from '../program.ts';
import { reasonOf, UsageError } from '../rulesfile.ts';
import type { Terminal } from '../terminal.ts';

type Options = {
  squid: string[];
  output?: string;
  report?: string;
  reportFormat?: ReportFormat;
  strict?: true;
  tighten?: true;
  squidVersion?: string;
};

const FORMATS = { text: reportText, json: reportJson, html: reportHtml } as const;
type ReportFormat = keyof typeof FORMATS;
const BY_EXTENSION: Readonly<Record<string, ReportFormat>> = { '.html': 'html', '.htm': 'html', '.json': 'json' };

const EXAMPLES = `
Examples:
  outrigger import --squid /etc/squid/squid.conf -o outrigger.yaml
  outrigger import --squid /etc/squid/squid.conf --tighten -o outrigger.yaml --report report.html`;

export function importCommand(terminal: Terminal, finish: Finish): Command {
  return new Command('import')
    .summary('turn a squid.conf into a rules file, with a report on every line')
    .description(
      'Reads a squid.conf, writes the rules that mean the same, and reports what became of every line.\n' +
        'Exit 0: everything was carried over. 2: rules were written, and the report names what was not translated. 1: cannot run.',
    )
    .requiredOption('--squid <file>', 'a squid.conf; its includes are followed (may be repeated)', collect, [])
    .option('-o, --output <file>', 'write the rules here instead of stdout')
    .option('--report <file>', 'write the report here instead of stderr')
    .addOption(
      new Option(
        '--report-format <format>',
        'form of the report; html and json are chosen by the name of its file too',
      ).choices(Object.keys(FORMATS)),
    )
    .option('--strict', 'write no rules and end with 1 where anything was not carried over')
    .option('--tighten', 'hosts and paths in place of loose patterns; the report shows what changes by examples')
    .option('--squid-version <version>', 'the Squid that ran this file, where its meaning depends on it (3.5, 5.7, …)')
    .addHelpText('after', EXAMPLES)
    .action((options: Options) => {
      const translation = importSquid({
        files: options.squid,
        reader: diskReader(),
        tighten: options.tighten === true,
        ...(options.squidVersion !== undefined && { squidVersion: options.squidVersion }),
      });
      deliver(options.report, FORMATS[formatOf(options)](translation), (text) => terminal.err(text));
      const { rules } = translation;
      const held = options.strict === true && translation.outcome !== 'complete';
      if (rules === undefined || held) {
        terminal.err(
          `No rules were written${held && rules !== undefined ? ': --strict was given and something was not carried over' : ''}.\n`,
        );
        finish(1);
        return;
      }
      const preamble = `Rules imported by outrigger from ${options.squid.join(', ')}.\nEach "from" comment names a line they came from; the report of the import says what became of every line.`;
      deliver(options.output, dumpRules(rules, { preamble }), (text) => terminal.out(text));
      finish(EXIT_CODES[translation.outcome]);
    });
}

/** What was asked for, else what the name of the file promises, else text. */
function formatOf({ reportFormat, report = '' }: Options): ReportFormat {
  return reportFormat ?? BY_EXTENSION[extname(report).toLowerCase()] ?? 'text';
}

function deliver(file: string | undefined, text: string, print: (text: string) => void): void {
  if (file === undefined) {
    print(text);
    return;
  }
  try {
    writeFileSync(file, text);
  } catch (error) {
    throw new UsageError(`${file}: cannot be written: ${reasonOf(error)}`);
  }
}

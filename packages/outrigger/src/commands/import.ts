// Room: `outrigger import`: old configs in, a rules file and a report out.
import { writeFileSync } from 'node:fs';
import { extname } from 'node:path';
import {
  type ApachePlace,
  DEFAULT_PLACE,
  diskReader,
  EXIT_CODES,
  importApache,
  importSquid,
  importTmg,
  parsePlace,
  reportHtml,
  reportJson,
  reportText,
  type Translation,
} from '@outrigger/importer';
import { dumpRules } from '@outrigger/rules';
import { Command, Option } from 'commander';
import { collect, valuesOf } from '../options.ts';
import type { Finish } from '../program.ts';
import { reasonOf, UsageError } from '../rulesfile.ts';
import type { Terminal } from '../terminal.ts';

type Options = {
  squid: string[];
  apache: string[];
  tmg?: string;
  D: string[];
  define: string[];
  apacheAddress?: string;
  apachePlain?: true;
  lift: 'exchange' | 'all';
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
  outrigger import --apache /etc/apache2 -o outrigger.yaml
  outrigger import --squid /etc/squid/squid.conf --tighten -o outrigger.yaml --report report.html
  outrigger import --tmg export.xml -o outrigger.yaml --report report.html`;

export function importCommand(terminal: Terminal, finish: Finish): Command {
  return new Command('import')
    .summary(
      'turn a squid.conf, an Apache configuration or an export of TMG into a rules file, with a report on every line',
    )
    .description(
      'Reads a squid.conf, an Apache configuration or an export of ISA Server or TMG, writes the rules that mean the same, and reports what became of every line.\n' +
        'Exit 0: everything was carried over. 2: rules were written, and the report names what was not translated. 1: cannot run.',
    )
    .option('--squid <file>', 'a squid.conf; its includes are followed (may be repeated)', collect, [])
    .option('--apache <path>', 'the main file of Apache or its folder: /etc/apache2, /etc/httpd', collect, [])
    .option(
      '--tmg <file>',
      'an XML export of ISA Server or Forefront TMG, of the whole array for the sake of its networks and farms',
    )
    .option('-D <name>', 'a name that Apache is started with (-D), for IfDefine (may be repeated)', collect, [])
    .option(
      '--define <name=value>',
      'a value of its environment, where lines name a variable (may be repeated)',
      collect,
      [],
    )
    .option(
      '--apache-address <address:port>',
      'where on loopback Apache goes on listening (default: a free port of 127.0.0.1, 8443 on); further listeners take the ports 1000 on',
    )
    .option(
      '--apache-plain',
      'speak plain HTTP with Apache on loopback instead of TLS; the report names what that changes',
    )
    .addOption(
      new Option('--lift <what>', 'what moves from Apache: paths of Exchange, or everything proxied that a rule can do')
        .choices(['exchange', 'all'])
        .default('exchange'),
    )
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
      const translation = translate(options);
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
      const preamble = `Rules imported by outrigger from ${[...options.squid, ...options.apache, ...(options.tmg === undefined ? [] : [options.tmg])].join(', ')}.\nEach "from" comment names a line they came from; the report of the import says what became of every line.`;
      deliver(options.output, dumpRules(rules, { preamble }), (text) => terminal.out(text));
      finish(EXIT_CODES[translation.outcome]);
    });
}

/** One config: what stood on the port. Squid in front of Apache is imported from Squid, behind which Apache stays where it is. */
function translate(options: Options): Translation {
  const { squid, apache, D: names, define, squidVersion, tighten, tmg } = options;
  const [path] = apache;
  if (tmg !== undefined) {
    if (squid.length + apache.length > 0)
      throw new UsageError('--tmg is an import of its own: give it without --squid and --apache');
    return importTmg({ file: tmg, reader: diskReader() });
  }
  if (apache.length > 1) throw new UsageError('--apache is given once: the main file reads the others');
  if (path !== undefined && squid.length > 0) {
    throw new UsageError(
      '--squid and --apache are two imports: give the one that stood on port 443. With Squid in front that is --squid; Apache behind it stays as it is',
    );
  }
  if (path !== undefined) {
    return importApache({
      path,
      reader: diskReader(),
      names,
      values: valuesOf(define),
      place: placeOf(options),
      lift: options.lift,
    });
  }
  if (squid.length === 0) throw new UsageError('give --squid FILE, --apache PATH or --tmg FILE');
  return importSquid({
    files: squid,
    reader: diskReader(),
    tighten: tighten === true,
    ...(squidVersion !== undefined && { squidVersion }),
  });
}

function placeOf({ apacheAddress, apachePlain }: Options): ApachePlace {
  const isPlain = apachePlain === true;
  if (apacheAddress === undefined) return { ...DEFAULT_PLACE, isPlain };
  const place = parsePlace(apacheAddress);
  if (place === undefined) {
    throw new UsageError(
      `--apache-address ${apacheAddress}: it is an address of loopback and a port, as 127.0.0.1:8443`,
    );
  }
  return { ...place, isPlain };
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
